"""``python -m recapito_embedded.inbox``: takes mails over SMTP and shows them over HTTP, until SIGTERM."""

import signal
import sys
import threading
from dataclasses import dataclass
from typing import Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from recapito_embedded.inbox.mailbox import Mailbox
from recapito_embedded.inbox.web import Server
from recapito_servicekit.clock import system_clock
from recapito_servicekit.settings import BadSettings, load, setting

MESSAGE_BYTES: Final = 512 * 1024  # with the mailbox's bound: what the inbox may take of memory


@dataclass(frozen=True, kw_only=True)
class InboxSettings:
    """What the inbox is told."""

    smtp_bind: str = setting("INBOX_SMTP_BIND", "the address and port to take mail on", default="127.0.0.1:1025")
    http_bind: str = setting("INBOX_HTTP_BIND", "the address and port of the page and its API", default="127.0.0.1:8025")
    sms_mail_domain: str = setting("SMS_MAIL_DOMAIN", "mails to this domain are texts", default="sms.test")


class Taker:
    """Takes what SMTP brings into the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keeps the message."""
        self._mailbox.add(bytes(envelope.original_content or b""), envelope.rcpt_tos)
        return "250 taken"


def start(settings: InboxSettings) -> tuple[Controller, Server]:
    """Starts both servers, each in a thread of its own."""
    mailbox = Mailbox(system_clock)
    http = Server(_address(settings.http_bind), mailbox, settings.sms_mail_domain)
    host, port = _address(settings.smtp_bind)
    smtp = Controller(Taker(mailbox), hostname=host, port=port, enable_SMTPUTF8=True, data_size_limit=MESSAGE_BYTES)
    smtp.start()
    threading.Thread(target=http.serve_forever, name="http", daemon=True).start()
    return smtp, http


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    try:
        settings = load(InboxSettings, "inbox")
    except BadSettings as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    smtp, http = start(settings)
    print(f"taking mail on {settings.smtp_bind}, showing it on http://{settings.http_bind}")
    stop.wait()
    http.shutdown()
    smtp.stop()


def _address(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    main()
