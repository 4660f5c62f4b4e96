"""The inbox of the running system, by Mailpit's HTTP API: mails, and text messages as mails to ``<E.164 without +>@sms.test``."""

import re
import time
from typing import Any, Final

import httpx

CODE: Final = re.compile(r"(?<![0-9#])[0-9]{6}(?![0-9])")


class NothingCame(AssertionError):
    """Raised when a message that must come doesn't."""


def address_of(contact: str) -> str:
    """Where a message to a canonical contact arrives."""
    return contact if "@" in contact else f"{contact.removeprefix('+')}@sms.test"


class Inbox:
    """Reads what arrived; ``url`` is the API's root, e.g. http://localhost:8025."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=5)

    def texts(self, contact: str) -> list[str]:
        """The texts that arrived for a contact, the oldest first."""
        return [self._message(message["ID"])["Text"] for message in self._found(contact)]

    def subjects(self, contact: str) -> dict[str, str]:
        """What those messages are about, by their ids: a mail's subject, or how a text message begins, without figures."""
        return {
            message["ID"]: re.sub("[0-9*]+", "#", self._message(message["ID"])["Text"][:60])
            if message["Subject"] == "SMS"
            else message["Subject"]
            for message in self._found(contact)
        }

    def wait(self, contact: str, count: int = 1, seconds: float = 15) -> list[str]:
        """The same once there are ``count``. Raises NothingCame."""
        until = time.monotonic() + seconds
        while len(texts := self.texts(contact)) < count:
            if time.monotonic() > until:
                raise NothingCame(f"{count} message(s) for {contact} did not come; there are {len(texts)}")
            time.sleep(0.1)
        return texts

    def code(self, contact: str, count: int = 1) -> str:
        """The code in the ``count``-th message to a contact that holds one, waiting for it. Raises NothingCame."""
        until = time.monotonic() + 15
        while True:
            codes = [match.group() for text in self.texts(contact) if (match := CODE.search(text))]
            if len(codes) >= count:
                return codes[count - 1]
            if time.monotonic() > until:
                raise NothingCame(f"{count} code(s) for {contact} did not come; there are {len(codes)}")
            time.sleep(0.1)

    def _found(self, contact: str) -> list[dict[str, Any]]:
        query = {"query": f"to:{address_of(contact)}", "limit": "200"}
        found: list[dict[str, Any]] = self._http.get("/api/v1/search", params=query).raise_for_status().json()["messages"]
        return sorted(found, key=lambda message: str(message["Created"]))

    def _message(self, message_id: str) -> dict[str, Any]:
        message: dict[str, Any] = self._http.get(f"/api/v1/message/{message_id}").raise_for_status().json()
        return message
