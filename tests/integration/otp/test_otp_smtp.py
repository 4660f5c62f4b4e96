"""Mails and texts by a relay that wants TLS and a user name, and by relays that are slow, wrong or gone."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from recapito_otp.flows import deliver
from recapito_servicekit import mail
from recapito_servicekit.clock import system_clock
from tests.integration.otp.service import Otp
from tests.integration.otp.test_otp_delivery import INBOX, delivering, settled
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.smtp import SmtpSink


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", timedelta(milliseconds=20))
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.5)


def _knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"recapito", b"secret"), handled=False)


@pytest.fixture
def relay(pki: Pki) -> Iterator[SmtpSink]:
    """A relay as companies run them: no message without TLS and a user name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.folder / "otp.pem", pki.folder / "otp-key.pem")
    sink = SmtpSink(tls_context=context, require_starttls=True, authenticator=_knows, auth_required=True)
    yield sink
    sink.stop()


@contextmanager
def service(pki: Pki, redis_url: str, port: int, **more: str) -> Iterator[Otp]:
    settings = {"SMTP_HOST": "localhost", "SMTP_PORT": str(port), "SMTP_STARTTLS": "1", **more}
    otp = Otp(pki, redis_url, system_clock, **{f"RECAPITO_{name}": value for name, value in settings.items()})
    try:
        with delivering(otp.settings):
            yield otp
    finally:
        otp.stop()


def test_message_goes_over_tls_with_the_user_name(
    pki: Pki, redis_url: str, relay: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.folder / "ca.pem"))
    with service(pki, redis_url, relay.port, SMTP_USERNAME="recapito", SMTP_PASSWORD="secret") as otp:
        assert settled(otp, otp.issue().challenge_id) == ("SENT", "")
    assert len(relay.to(INBOX)) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"SMTP_USERNAME": "recapito", "SMTP_PASSWORD": "wrong"}, {}],
    ids=["wrong password", "no user name"],
)
def test_relay_that_does_not_let_us_in_is_tried_again_for_it_says_nothing_of_the_message(
    pki: Pki, redis_url: str, relay: SmtpSink, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.folder / "ca.pem"))
    with service(pki, redis_url, relay.port, **wrong) as otp:
        assert settled(otp, otp.issue().challenge_id) == ("FAILED", "UNREACHABLE")
    assert not relay.messages


def test_relay_whose_certificate_is_not_believed_gets_nothing(pki: Pki, redis_url: str, relay: SmtpSink) -> None:
    with service(pki, redis_url, relay.port, SMTP_USERNAME="recapito", SMTP_PASSWORD="secret") as otp:
        assert settled(otp, otp.issue().challenge_id) == ("FAILED", "UNREACHABLE")
    assert not relay.messages


def test_relay_without_tls_gets_nothing(pki: Pki, redis_url: str, mailbox: SmtpSink) -> None:
    with service(pki, redis_url, mailbox.port) as otp:
        assert settled(otp, otp.issue().challenge_id) == ("FAILED", "UNREACHABLE")
    assert not mailbox.messages


def test_nobody_at_the_relay_s_address(pki: Pki, redis_url: str) -> None:
    with service(pki, redis_url, free_port(), SMTP_STARTTLS="0") as otp:
        assert settled(otp, otp.issue().challenge_id) == ("FAILED", "UNREACHABLE")


class MoodySink(SmtpSink):
    """Slow or broken off the first time; afterwards as it should be."""

    def __init__(self, mood: str) -> None:
        super().__init__()
        self.mood = mood

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mood, self.mood = self.mood, ""
        if mood == "slow":
            await asyncio.sleep(1)
        elif mood == "dropped":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return await super().handle_DATA(server, session, envelope)


@pytest.mark.parametrize("mood", ["slow", "dropped"])
def test_message_whose_answer_got_lost_is_sent_again_under_the_same_id(pki: Pki, redis_url: str, mood: str) -> None:
    sink = MoodySink(mood)
    try:
        with service(pki, redis_url, sink.port, SMTP_STARTTLS="0") as otp:
            assert settled(otp, otp.issue().challenge_id) == ("SENT", "")
        assert len({message["Message-ID"] for message in sink.wait(INBOX)}) == 1
    finally:
        sink.stop()


def test_relay_that_says_nothing_is_given_up_in_time(pki: Pki, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connections: list[socket.socket] = []

        def accept() -> None:
            for _ in range(5):
                connections.append(silent.accept()[0])  # noqa: PERF401  # kept open as they come

        threading.Thread(target=accept, daemon=True).start()
        with service(pki, redis_url, silent.getsockname()[1], SMTP_STARTTLS="0") as otp:
            assert settled(otp, otp.issue().challenge_id) == ("FAILED", "UNREACHABLE")
        for connection in connections:
            connection.close()
