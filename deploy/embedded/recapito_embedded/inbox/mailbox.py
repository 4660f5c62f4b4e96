"""The messages that arrived, the newest first, at most so many; kept in memory alone."""

import email
import email.policy
import email.utils
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Final

BOUND: Final = 1_000
SNIPPET_CHARACTERS: Final = 250
_TERM: Final = re.compile(r'(?:(to|from|subject):)?(?:"([^"]*)"|(\S+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Person:
    """A name, often empty, and an address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it arrived. ``bcc`` are recipients of the envelope that no header names."""

    id: str
    message_id: str
    created: datetime
    sender: Person
    to: tuple[Person, ...]
    bcc: tuple[Person, ...]
    subject: str
    text: str
    html: str
    headers: Mapping[str, list[str]]
    size: int

    @property
    def snippet(self) -> str:
        """The beginning of its text on one line."""
        return " ".join((self.text or re.sub(r"<[^>]*>", " ", self.html)).split())[:SNIPPET_CHARACTERS]


class Mailbox:
    """Safe to use from several threads. Beyond ``BOUND`` the oldest message goes."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._messages: deque[Message] = deque(maxlen=BOUND)

    def add(self, content: bytes, recipients: Iterable[str]) -> None:
        """Takes a message as SMTP gave it."""
        message = parse(content, recipients, self._clock())
        with self._lock:
            self._messages.appendleft(message)

    def all(self) -> list[Message]:
        """Every message, the newest first."""
        with self._lock:
            return list(self._messages)

    def get(self, message_id: str) -> Message | None:
        """One by its id, or the newest as ``latest``."""
        found = self.all()
        return next((message for message in found if message_id in {message.id, "latest"}), None)

    def search(self, query: str) -> list[Message]:
        """Those that hold every term: ``to:…``, ``from:…``, ``subject:…`` or a word, quoted where it has spaces. Case doesn't
        count.
        """
        terms = [
            (field.lower(), (quoted or word).casefold())
            for field, quoted, word in (match.groups(default="") for match in _TERM.finditer(query))
        ]
        return [message for message in self.all() if all(term in _field(message, field) for field, term in terms)]

    def delete(self, ids: Iterable[str]) -> None:
        """Deletes those named, or all where none is."""
        wanted = set(ids)
        with self._lock:
            kept = [message for message in self._messages if wanted and message.id not in wanted]
            self._messages.clear()
            self._messages.extend(kept)


def parse(content: bytes, recipients: Iterable[str], created: datetime) -> Message:
    """Reads a message; what can't be read is empty, nothing is refused."""
    document = email.message_from_bytes(content, policy=email.policy.default)
    to = _persons(document, "To")
    named = {person.address.casefold() for person in (*to, *_persons(document, "Cc"))}
    headers: dict[str, list[str]] = {}
    for name, value in document.raw_items():
        headers.setdefault(name, []).append(str(value).strip())
    return Message(
        id=secrets.token_urlsafe(16),
        message_id=_header(document, "Message-ID").strip().strip("<>"),
        created=created,
        sender=next(iter(_persons(document, "From")), Person("", "")),
        to=to,
        bcc=tuple(Person("", address) for address in recipients if address.casefold() not in named),
        subject=_header(document, "Subject"),
        text=_body(document, "plain"),
        html=_body(document, "html"),
        headers=headers,
        size=len(content),
    )


def _persons(document: EmailMessage, name: str) -> tuple[Person, ...]:
    pairs = email.utils.getaddresses([_header(document, name)])
    return tuple(Person(shown, address) for shown, address in pairs if address)


def _header(document: EmailMessage, name: str) -> str:
    try:
        return str(document.get(name, ""))
    except (ValueError, TypeError, LookupError, AttributeError):  # what the parser raises on crooked headers
        return ""


def _body(document: EmailMessage, kind: str) -> str:
    try:
        part = document.get_body((kind,))
        return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
    except (ValueError, KeyError, LookupError, AttributeError):  # an unknown character set, a broken structure
        return ""


def _field(message: Message, name: str) -> str:
    to = " ".join(f"{person.name} {person.address}" for person in (*message.to, *message.bcc))
    sender = f"{message.sender.name} {message.sender.address}"
    fields = {"to": to, "from": sender, "subject": message.subject}
    return fields.get(name, f"{to} {sender} {message.subject} {message.text}").casefold()
