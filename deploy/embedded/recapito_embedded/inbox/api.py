"""Mailpit's HTTP API, as far as tests use it: the same names and shapes, so that they run against Mailpit as well."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from recapito_embedded.inbox.mailbox import Mailbox, Message, Person

_PREFIX: Final = "/api/v1/"
_PAGE: Final = 50


class BadRequest(Exception):
    """Raised when a request makes no sense; the message says why."""


def get(mailbox: Mailbox, path: str, query: Mapping[str, Sequence[str]]) -> Any:
    """The answer to a GET below ``/api/v1/``, to be sent as JSON; None: there is no such thing. Raises BadRequest."""
    name, _, rest = path.removeprefix(_PREFIX).partition("/")
    if name == "messages" and not rest:
        return _page(mailbox, mailbox.all(), query)
    if name == "search" and not rest:
        if not query.get("query"):
            raise BadRequest("query is missing")
        return _page(mailbox, mailbox.search(query["query"][0]), query)
    message_id, _, part = rest.partition("/")
    message = mailbox.get(message_id) if name == "message" else None
    if message is None:
        return None
    if part == "headers":
        return message.headers
    return _whole(message) if not part else None


def delete(mailbox: Mailbox, path: str, body: bytes) -> HTTPStatus:
    """Answers a DELETE of ``/api/v1/messages``: those in ``{"IDs": […]}``, or all. Raises BadRequest."""
    if path != f"{_PREFIX}messages":
        return HTTPStatus.NOT_FOUND
    try:
        document = json.loads(body or b"{}")
        ids = document.get("IDs") or []
        if not all(isinstance(item, str) for item in ids):
            raise BadRequest("IDs is a list of strings")
    except (ValueError, AttributeError, TypeError):
        raise BadRequest("the body is no JSON object") from None
    mailbox.delete(ids)
    return HTTPStatus.OK


def _page(mailbox: Mailbox, found: list[Message], query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    start, limit = _number(query, "start", 0), _number(query, "limit", _PAGE)
    total = len(mailbox.all())
    shown = [_summary(message) for message in found[start : start + limit]]
    return {
        "total": total,
        "unread": total,
        "count": len(shown),
        "messages_count": len(found),
        "messages_unread": len(found),
        "start": start,
        "tags": [],
        "messages": shown,
    }


def _number(query: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    raw = query.get(name, [str(default)])[0]
    if not (raw.isascii() and raw.isdigit()):
        raise BadRequest(f"{name} is a whole number")
    return int(raw)


def _common(message: Message) -> dict[str, Any]:
    return {
        "ID": message.id,
        "MessageID": message.message_id,
        "From": _person(message.sender),
        "To": [_person(person) for person in message.to],
        "Cc": [],
        "Bcc": [_person(person) for person in message.bcc],
        "ReplyTo": [],
        "Subject": message.subject,
        "Tags": [],
        "Size": message.size,
    }


def _summary(message: Message) -> dict[str, Any]:
    return {
        **_common(message),
        "Read": False,
        "Created": _instant(message.created),
        "Attachments": 0,
        "Snippet": message.snippet,
    }


def _whole(message: Message) -> dict[str, Any]:
    return {
        **_common(message),
        "Date": _instant(message.created),
        "Text": message.text,
        "HTML": message.html,
        "Inline": [],
        "Attachments": [],
    }


def _person(person: Person) -> dict[str, str]:
    return {"Name": person.name, "Address": person.address}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
