"""A real SMTP server that keeps what arrives, and fails on demand."""

import email
import email.policy
import time
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import free_port


class SmtpSink:
    """``answers``: SMTP answers for the next messages instead of taking them, e.g. ``["451 later"]``.

    ``options``: aiosmtpd's, for a server that wants TLS or a user name.
    """

    def __init__(self, **options: Any) -> None:
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self.answers: list[str] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True, **options)
        self._controller.start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        message = email.message_from_bytes(bytes(envelope.original_content or b""), policy=email.policy.default)
        message["X-Rcpt"] = envelope.rcpt_tos[0]
        self.messages.append(message)
        return "250 taken"

    def settings(self) -> dict[str, str]:
        return {"RECAPITO_SMTP_HOST": "127.0.0.1", "RECAPITO_SMTP_PORT": str(self.port), "RECAPITO_SMTP_STARTTLS": "0"}

    def to(self, recipient: str) -> list[EmailMessage]:
        """What arrived for a recipient, the oldest first. A text message arrives for ``<E.164 without +>@sms.test``."""
        return [message for message in list(self.messages) if message["X-Rcpt"] == recipient]

    def wait(self, recipient: str, count: int = 1, seconds: float = 60) -> list[EmailMessage]:
        """The same, once there are ``count``. Raises AssertionError when they don't come."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(found := self.to(recipient)) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(
            f"{count} message(s) for {recipient} did not arrive; there are {[m['X-Rcpt'] for m in self.messages]}"
        )

    def stop(self) -> None:
        self._controller.stop()


def text_of(message: EmailMessage) -> str:
    """The plain text of a message."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
