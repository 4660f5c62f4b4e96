"""What a relay's answers mean for a mail: refused for good, or to come again. The relay plays a script."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from recapito_servicekit.mail import Mail, Mailer, MailFailed, MailRejected, MailSettings

MAIL = Mail("maria@example.com", "Oggetto", "Testo", "m1")
# what an ordinary relay answers, by the command's first word; "" is its greeting
ORDINARY = {"": "220 relay", "EHLO": "250 relay", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 taken"}


@contextmanager
def relay(answers: dict[str, str]) -> Iterator[tuple[int, list[str]]]:
    """Its port, and what it is told."""
    told: list[str] = []
    says = {"QUIT": "221 bye", "RSET": "250 ok", **ORDINARY, **answers}

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rwb") as lines:
            lines.write(f"{says['']}\r\n".encode())
            lines.flush()
            in_data = False
            for raw in lines:
                line = raw.decode().strip()
                told.append(line)
                if in_data and line != ".":
                    continue
                word = line.split(" ")[0].split(":")[0].upper() if not in_data else "."
                answer = says.get(word, "502 no such command")
                in_data = word == "DATA" and answer.startswith("3")
                lines.write(f"{answer}\r\n".encode())
                lines.flush()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1], told
        thread.join(60)


def send(port: int, *, starttls: bool = False, username: str = "") -> None:
    settings = MailSettings(
        smtp_host="127.0.0.1", smtp_port=port, smtp_starttls=starttls, smtp_username=username, smtp_password="geheim"
    )
    Mailer(settings).send(MAIL)


def test_mail_is_taken() -> None:
    with relay({}) as (port, told):
        send(port)
    assert "rcpt TO:<maria@example.com>" in told
    (date,) = [line.removeprefix("Date: ") for line in told if line.startswith("Date: ")]
    assert abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"RCPT": "550 5.1.1 no such mailbox"}, MailRejected),
        ({"RCPT": "552 5.2.2 mailbox full"}, MailRejected),
        ({"RCPT": "550 no such mailbox"}, MailRejected),
        ({"RCPT": "450 4.2.0 greylisted"}, MailFailed),
        ({"RCPT": "554 5.7.1 relay access denied"}, MailFailed),  # our rights at the relay, not the mailbox
        ({"MAIL": "530 5.7.0 authentication required"}, MailFailed),
        ({"DATA": "554 5.6.0 no"}, MailRejected),
        ({".": "554 5.6.0 content refused"}, MailRejected),
        ({".": "451 4.3.0 later"}, MailFailed),
        ({"": "554 5.7.1 not you, not now"}, MailFailed),
        ({"": "421 4.3.2 shutting down"}, MailFailed),
        ({"EHLO": "550 5.7.1 who are you", "HELO": "550 5.7.1 who are you"}, MailFailed),
    ],
)
def test_refusal_is_for_good_where_it_is_about_the_message_alone(answers: dict[str, str], outcome: type[Exception]) -> None:
    with relay(answers) as (port, _), pytest.raises(outcome):
        send(port)


@pytest.mark.parametrize(
    "answers",
    [
        {"EHLO": "250 relay"},  # the offer was stripped on the way
        {"EHLO": "250-relay\r\n250 STARTTLS", "STARTTLS": "454 4.7.0 not now"},
        {"EHLO": "250-relay\r\n250 STARTTLS", "STARTTLS": "502 5.5.1 no such command"},
    ],
)
def test_relay_that_offers_no_tls_gets_neither_mail_nor_password_and_is_tried_again(answers: dict[str, str]) -> None:
    with relay(answers) as (port, told), pytest.raises(MailFailed):
        send(port, starttls=True, username="recapito")
    assert {line.split(" ")[0].upper() for line in told} <= {"EHLO", "STARTTLS", "QUIT", "RSET"}
