"""Reads a mail that says that another one could not be delivered (RFC 3464): which one, and why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from typing import Final

_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)  # RFC 3463


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail that will not arrive. ``notice_id``: the left part of its Message-ID; ``status``: an RFC 3463 code, or empty."""

    notice_id: str
    status: str


def read(report: bytes) -> Bounce | None:
    """What a report says; None: it is no such report, or tells of a delay alone.

    Of the relay's own words nothing is taken: they repeat the address.
    """
    # any relay of the world wrote it, or anybody who says so: this policy refuses no field, however broken
    mail = message_from_bytes(report, policy=policy.compat32)
    if mail.get_content_type() != "multipart/report":
        return None
    status, notice_id = next(_failed(mail), None), next(_ids(mail), "")
    return Bounce(notice_id, status) if notice_id and status is not None else None


def _failed(mail: Message) -> Iterator[str]:
    """The status of each recipient that it failed for; a notice has one."""
    for part in mail.walk():
        fields = part.get_payload() if part.get_content_type() == "message/delivery-status" else ()
        for one in fields if isinstance(fields, list) else ():
            if isinstance(one, Message) and _field(one, "Action").lower() == "failed":
                found = _STATUS.match(_field(one, "Status"))
                yield found[0] if found else ""


def _ids(mail: Message) -> Iterator[str]:
    """The Message-ID of what came back: the whole mail, or its headers alone."""
    for part in mail.walk():
        kind = part.get_content_type()
        returned: object = None
        if kind == "text/rfc822-headers":
            written = part.get_payload(decode=True)
            returned = message_from_bytes(written, policy=policy.compat32) if isinstance(written, bytes) else None
        elif kind == "message/rfc822" and part.is_multipart():
            returned = part.get_payload(0)
        found = _field(returned, "Message-ID") if isinstance(returned, Message) else ""
        if found.startswith("<") and "@" in found:
            yield found[1:].partition("@")[0]


def _field(fields: Message, name: str) -> str:
    return str(fields.get(name, "")).strip()
