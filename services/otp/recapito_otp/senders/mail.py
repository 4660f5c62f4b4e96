"""Messages by mail; and texts by mail, through a gateway that takes a text as a mail to ``<number>@<its domain>``."""

from recapito_otp.ports import SendFailed, SendRejected, Text
from recapito_servicekit.mail import Mail, Mailer, MailFailed, MailRejected


class EmailSender:
    """A mail to the person."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def send(self, text: Text) -> None:
        """Returns when the relay took it. Raises SendRejected or SendFailed."""
        _send(self._mailer, Mail(text.to, text.subject, text.text, text.message_id, text.html))


class MailToSmsSender:
    """A text to a mobile: a mail to its number in E.164, without the plus, at the gateway's domain."""

    def __init__(self, mailer: Mailer, domain: str) -> None:
        self._mailer = mailer
        self._domain = domain

    def send(self, text: Text) -> None:
        """Returns when the relay took it. Raises SendRejected or SendFailed."""
        _send(self._mailer, Mail(f"{text.to.removeprefix('+')}@{self._domain}", "SMS", text.text, text.message_id))


def _send(mailer: Mailer, mail: Mail) -> None:
    try:
        mailer.send(mail)
    except MailRejected as error:
        raise SendRejected from error
    except MailFailed as error:
        raise SendFailed from error
