"""Reads a mail that says that another one could not be delivered (RFC 3464, 6533): which one, and why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from typing import Final

_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)  # RFC 3463
_ANSWER: Final = re.compile(rf"smtp;\s*[45][0-9]{{2}}[ -]({_STATUS.pattern})\b", re.ASCII | re.IGNORECASE)
_OUR_ID: Final = re.compile(r"<([0-9A-Za-z]{1,64})@", re.ASCII)
_BETWEEN: Final = re.compile(rb"\n[ \t]*\n")
_REPORTS: Final = frozenset({"multipart/report", "multipart/mixed"})  # as OpenSMTPD calls it
# those of ``global`` are about addresses beyond ASCII, and may be encoded (RFC 6533)
_STATUSES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED: Final = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail that will not arrive. ``notice_id``: the left part of its Message-ID; ``status``: an RFC 3463 code, or empty."""

    notice_id: str
    status: str


def read(report: bytes) -> Bounce | None:
    """What a report says; None: it is no such report, or tells of a delay alone.

    Of the relay's own words nothing is taken: they repeat the address.
    """
    try:
        return _said(report)
    except RecursionError:  # parts within parts without end: no relay writes such a report
        return None


def _said(report: bytes) -> Bounce | None:
    # any relay of the world wrote it, or anybody who says so: this policy refuses no field, however broken
    mail = _read(report)
    if mail.get_content_type() not in _REPORTS:
        return None
    status, notice_id = next(_failed(mail), None), next(_ids(mail), "")
    return Bounce(notice_id, status) if notice_id and status is not None else None


def _failed(mail: Message) -> Iterator[str]:
    """The status of each recipient that it failed for; a notice has one."""
    for part in mail.walk():
        if part.get_content_type() in _STATUSES:
            for one in map(_read, _BETWEEN.split(_written(part))):
                if _field(one, "Action").lower() == "failed":
                    yield _status(one)


def _status(recipient: Message) -> str:
    """Its status; where that says nothing, as Exim's never does, what the other side answered: of both the digits alone."""
    found = _STATUS.match(_field(recipient, "Status"))
    status = found[0] if found else ""
    if not status or status.endswith(".0.0"):
        answer = _ANSWER.match(_field(recipient, "Diagnostic-Code"))
        status = answer[1] if answer else status
    return status


def _ids(mail: Message) -> Iterator[str]:
    """The Message-ID of what came back: the whole mail, or its headers alone."""
    for part in mail.walk():
        if part.get_content_type() in _RETURNED:
            found = _OUR_ID.match(_field(_read(_written(part)), "Message-ID"))
            if found:
                yield found[1]


def _written(part: Message) -> bytes:
    """What a part holds, as it was written: the parser opens some kinds itself, but none that is encoded."""
    body = part.as_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    leaf = Message()
    leaf["Content-Transfer-Encoding"] = _field(part, "Content-Transfer-Encoding")
    leaf.set_payload(body.decode("ascii", "surrogateescape"))
    written = leaf.get_payload(decode=True)
    return written if isinstance(written, bytes) else b""


def _read(written: bytes) -> Message:
    return message_from_bytes(written, policy=policy.compat32)


def _field(fields: Message, name: str) -> str:
    return str(fields.get(name, "")).strip()
