"""What a message leaves through."""

from dataclasses import dataclass
from typing import Protocol


class SendRejected(Exception):
    """Raised when the message is refused for good: another try would be refused too."""


class SendFailed(Exception):
    """Raised when nobody took the message now: a later try may do."""


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered message to one person. ``message_id`` is the same over tries; ``subject`` and ``html`` are for mails alone."""

    to: str
    text: str
    message_id: str
    subject: str = ""
    html: str = ""


class Sender(Protocol):
    """One way out. Called from a worker's thread; may take seconds."""

    def send(self, text: Text) -> None:
        """Returns when the other side took it. Raises SendRejected or SendFailed."""
