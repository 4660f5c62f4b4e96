"""Mail over SMTP, from a worker, never from a request."""

import smtplib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

from prometheus_client import Counter, Histogram

from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.settings import between, setting

MAILS = Counter("recapito_mails", "Mails handed to the relay: sent, rejected (for good), failed (comes again)", ["outcome"])
SECONDS = Histogram("recapito_mail_seconds", "Seconds the relay took for a mail")

TIMEOUT_SECONDS: Final = 10.0
POLICY: Final = b"5.7."
"""How the text of a refusal begins that is about our rights at the relay, not about the mailbox (RFC 3463)."""


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """The relay and the sender."""

    smtp_host: str = setting("SMTP_HOST", "the mail relay", default="127.0.0.1")
    smtp_port: int = setting("SMTP_PORT", "the mail relay's port", default=25, check=between(1, 65535))
    smtp_starttls: bool = setting(
        "SMTP_STARTTLS",
        "speak TLS to the relay, and to no other",
        default=True,
        production=True,
        unless="SMTP_LOCAL_RELAY",
    )
    smtp_local_relay: bool = setting(
        "SMTP_LOCAL_RELAY",
        "the relay is on this machine, or on a network that nobody else is on: it may do without TLS",
        default=False,
    )
    smtp_username: str = setting("SMTP_USERNAME", "the relay's user name; empty: none", default="")
    smtp_password: str = setting("SMTP_PASSWORD", "the relay's password", default="", secret=True)
    mail_from: str = setting("MAIL_FROM", "the sender's address", default="noreply@recapito.example")
    company: str = setting("COMPANY", "the company's name, as customers know it", default="Mutua Esempio")


class MailRejected(Exception):
    """Raised when the relay refuses the message for good (5xx): another try would be refused too."""


class MailFailed(Exception):
    """Raised when the relay can't be reached or says to come again (4xx)."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one person. ``message_id`` is the same over retries, so that a mailbox may drop the repeat."""

    to: str
    subject: str
    text: str
    message_id: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer:
    """Hands mails to the relay, a connection each."""

    def __init__(self, settings: MailSettings, clock: Clock = system_clock) -> None:
        self._settings = settings
        self._clock = clock

    def send(self, mail: Mail) -> None:
        """Returns when the relay took it. Raises MailRejected or MailFailed."""
        started = time.perf_counter()
        outcome = "failed"
        try:
            self._send(mail)
            outcome = "sent"
        except MailRejected:
            outcome = "rejected"
            raise
        finally:
            MAILS.labels(outcome).inc()
            SECONDS.observe(time.perf_counter() - started)

    def _send(self, mail: Mail) -> None:
        settings = self._settings
        try:
            with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS) as smtp:
                self._enter(smtp)
                smtp.send_message(self._compose(mail), mail_options=["SMTPUTF8"] if not mail.to.isascii() else [])
        except smtplib.SMTPRecipientsRefused as error:
            final = all(code >= 500 and not text.startswith(POLICY) for code, text in error.recipients.values())
            raise (MailRejected if final else MailFailed)("recipient refused") from None
        except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPSenderRefused) as error:
            raise _early(error) from None
        except smtplib.SMTPResponseException as error:
            raise (MailRejected if error.smtp_code >= 500 else MailFailed)(f"relay answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailFailed(type(error).__name__) from None

    def _enter(self, smtp: smtplib.SMTP) -> None:
        """Speaks TLS where it must, and says who we are. Raises MailFailed: so early it says nothing of a message."""
        settings = self._settings
        try:
            if settings.smtp_starttls:
                smtp.starttls(context=ssl.create_default_context())
            if settings.smtp_username:
                smtp.login(settings.smtp_username, settings.smtp_password)
        except smtplib.SMTPResponseException as error:
            raise _early(error) from None

    def _compose(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = Address(self._settings.company, addr_spec=self._settings.mail_from)
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = self._clock()  # not every relay adds one, and a mail must have it (RFC 5322)
        message["Message-ID"] = f"<{mail.message_id}@{self._settings.mail_from.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        for name, value in mail.headers.items():
            message[name] = value
        message.set_content(mail.text)
        if mail.html:
            message.add_alternative(mail.html, subtype="html")
        return message


def _early(error: smtplib.SMTPResponseException) -> MailFailed:
    return MailFailed(f"relay answered {error.smtp_code} before it saw the message")
