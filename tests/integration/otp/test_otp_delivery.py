"""Delivery: what is queued arrives, at least once, or says why not."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from aiosmtpd.smtp import SMTP, Envelope, Session
from recapito.otp.v1 import otp_pb2

from recapito_otp.__main__ import delivery
from recapito_otp.domain import ANONYMOUS
from recapito_otp.flows import deliver
from recapito_otp.settings import OtpSettings
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.errors import Kind
from tests.integration.otp.service import MOBILE, Otp, outcome, refused
from tests.support.pki import Pki
from tests.support.serving import ServiceProcess, run_command
from tests.support.smtp import SmtpSink, text_of

INBOX = "393201234519@sms.test"


@contextmanager
def delivering(settings: OtpSettings, clock: Clock = system_clock) -> Iterator[None]:
    """The role ``deliver`` at work in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=delivery(settings, clock), args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def settled(otp: Otp, challenge_id: str, seconds: float = 60) -> tuple[str, str]:
    """How far a code came, once it is queued no more."""
    found = otp_pb2.Challenge()
    wait_until(lambda: found.CopyFrom(otp.get(challenge_id)) or found.delivery != otp_pb2.DELIVERY_QUEUED, seconds)  # type: ignore[func-returns-value]
    return otp_pb2.Delivery.Name(found.delivery).removeprefix("DELIVERY_"), found.delivery_reason


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


def jobs_left(redis_url: str) -> int:
    client: Any = redis.Redis.from_url(redis_url)
    return sum(client.xlen(key) for key in client.scan_iter("*:jobs"))


def test_text_message_brings_the_code(live_otp: Otp, mailbox: SmtpSink, redis_url: str) -> None:
    with delivering(live_otp.settings):
        challenge_id = live_otp.issue().challenge_id
        text = text_of(mailbox.wait(INBOX)[0])
        assert settled(live_otp, challenge_id) == ("SENT", "")
    assert text.startswith(f"Mutua Esempio: {live_otp.codes[0]} è il tuo codice per accedere")
    assert text.rstrip().endswith(f"@localhost #{live_otp.codes[0]}")
    assert outcome(live_otp.check(challenge_id, live_otp.codes[0])) == "APPROVED"
    assert jobs_left(redis_url) == 0


def test_mail_brings_the_code_in_text_and_page(live_otp: Otp, mailbox: SmtpSink) -> None:
    with delivering(live_otp.settings):
        live_otp.issue(channel=otp_pb2.CHANNEL_EMAIL, destination="Anna@Example.it", purpose="registration", locale="en-GB")
        mail = mailbox.wait("anna@example.it")[0]
    assert mail["Subject"] == "Your code to register"
    page = mail.get_body(("html",))
    assert page is not None
    assert live_otp.codes[0] in text_of(mail)
    assert live_otp.codes[0] in str(page.get_content())


def test_job_that_was_queued_before_a_worker_came_is_delivered(live_otp: Otp, mailbox: SmtpSink) -> None:
    live_otp.issue()
    with delivering(live_otp.settings):
        mailbox.wait(INBOX)


def test_decoy_says_sent_and_sends_nothing(live_otp: Otp, mailbox: SmtpSink, redis_url: str) -> None:
    with delivering(live_otp.settings):
        challenge_id = live_otp.issue(decoy=True).challenge_id
        assert settled(live_otp, challenge_id) == ("SENT", "")
    assert not mailbox.messages
    assert jobs_left(redis_url) == 0


@pytest.mark.parametrize("purpose", sorted(ANONYMOUS))
def test_visitor_learns_nothing_from_a_message_that_failed(live_otp: Otp, mailbox: SmtpSink, purpose: str) -> None:
    mailbox.answers = ["554 no"]
    decoy = live_otp.issue(purpose=purpose, destination="+393201234520", decoy=True).challenge_id
    known = live_otp.issue(purpose=purpose).challenge_id
    with delivering(live_otp.settings):
        assert [settled(live_otp, each) for each in (decoy, known)] == [("SENT", ""), ("FAILED", "REJECTED")]
    for challenge_id in (decoy, known):
        assert refused(partial(live_otp.resend, challenge_id)).reason == "RESEND_TOO_EARLY"


def test_message_that_the_relay_refuses_for_good_is_failed(live_otp: Otp, mailbox: SmtpSink, redis_url: str) -> None:
    mailbox.answers = ["554 no"]
    with delivering(live_otp.settings):
        assert settled(live_otp, live_otp.issue().challenge_id) == ("FAILED", "REJECTED")
    assert jobs_left(redis_url) == 0


def test_message_that_the_relay_puts_off_is_sent_again(live_otp: Otp, mailbox: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", timedelta(milliseconds=50))
    mailbox.answers = ["451 later"] * 4
    with delivering(live_otp.settings):
        assert settled(live_otp, live_otp.issue().challenge_id) == ("SENT", "")
    assert len(mailbox.to(INBOX)) == 1


def test_message_is_given_up_after_five_tries(
    live_otp: Otp, mailbox: SmtpSink, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", timedelta(milliseconds=20))
    mailbox.answers = ["451 later"] * 6
    with delivering(live_otp.settings):
        assert settled(live_otp, live_otp.issue().challenge_id) == ("FAILED", "UNREACHABLE")
    assert len(mailbox.answers) == 1
    assert jobs_left(redis_url) == 0


def test_notice_outlasts_an_outage_of_more_tries_than_a_code_has(
    live_otp: Otp, mailbox: SmtpSink, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", timedelta(milliseconds=20))
    mailbox.answers = ["451 later"] * 8
    request = otp_pb2.SendNoticeRequest(
        request_id="n8", destination=MOBILE, channel=otp_pb2.CHANNEL_SMS, template="already_registered", locale="it"
    )
    with delivering(live_otp.settings):
        live_otp.as_("contact-change").SendNotice(request)
        mailbox.wait(INBOX)
        wait_until(lambda: jobs_left(redis_url) == 0)
    assert len(mailbox.to(INBOX)) == 1


def test_expired_and_superseded_codes_are_not_sent(pki: Pki, redis_url: str, mailbox: SmtpSink, clock: Any) -> None:
    otp = Otp(pki, redis_url, clock, **mailbox.settings())
    try:
        expired = otp.issue(subject="C2", destination="+393201234520").challenge_id
        clock.forward(minutes=5, seconds=1)
        resent = otp.issue().challenge_id
        clock.forward(minutes=1)
        otp.resend(resent)
        with delivering(otp.settings, clock):
            assert settled(otp, resent) == ("SENT", "")
            assert settled(otp, expired) == ("FAILED", "EXPIRED")
    finally:
        otp.stop()
    assert [otp.codes[2] in text_of(message) for message in mailbox.messages] == [True]
    assert jobs_left(redis_url) == 0


def test_notice_is_sent_once_for_a_request(live_otp: Otp, mailbox: SmtpSink) -> None:
    request = otp_pb2.SendNoticeRequest(
        request_id="n1",
        destination=MOBILE,
        channel=otp_pb2.CHANNEL_SMS,
        template="change_requested",
        params={"masked_mobile": "333 *****67", "date": "2026-11-22"},
        locale="it",
    )
    with delivering(live_otp.settings):
        first = live_otp.as_("contact-change").SendNotice(request)
        assert live_otp.as_("contact-change").SendNotice(request) == first
        assert "333 *****67" in text_of(mailbox.wait(INBOX)[0])
        request.request_id = "n2"
        assert live_otp.as_("contact-change").SendNotice(request) != first
        mailbox.wait(INBOX, 2)
    assert len(mailbox.to(INBOX)) == 2


def test_notice_that_cannot_be_written_is_refused(otp: Otp) -> None:
    def send(**fields: Any) -> list[tuple[str, str]]:
        ordinary: dict[str, Any] = {
            "request_id": "n1",
            "destination": MOBILE,
            "channel": otp_pb2.CHANNEL_SMS,
            "template": "change_requested",
            "params": {"masked_mobile": "333 *****67"},
        }
        refusal = refused(lambda: otp.as_().SendNotice(otp_pb2.SendNoticeRequest(**{**ordinary, **fields})))
        assert refusal.kind is Kind.INVALID_ARGUMENT
        return [(violation.field, violation.reason) for violation in refusal.violations]

    assert send(template="gift") == [("template", "UNKNOWN_TEMPLATE")]
    assert send(params={}) == [("params.masked_mobile", "MISSING")]
    assert send(params={"masked_mobile": "x\ny"}) == [("params.masked_mobile", "CONTROL_CHARACTER")]
    assert send(request_id="", destination="+39") == [("request_id", "LENGTH"), ("destination", "NOT_A_MOBILE")]


class DeadlySink(SmtpSink):
    """Takes a message, and kills who sent it before the answer gets there."""

    def __init__(self) -> None:
        super().__init__()
        self.victims: list[ServiceProcess] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        while self.victims:
            self.victims.pop().kill()
        return answer


def test_worker_killed_between_send_and_acknowledgement_delivers_again(pki: Pki, redis_url: str, tmp_path: Path) -> None:
    sink = DeadlySink()
    otp = Otp(pki, redis_url, system_clock, **sink.settings(), RECAPITO_OTP_LEASE_SECONDS="1")
    log = tmp_path / "work.log"
    environment = {**otp.environment, "RECAPITO_LOG_LEVEL": "DEBUG"}
    worker = ServiceProcess("otp", ["work", "--only", "deliver"], environment, log)
    try:
        sink.victims.append(worker)
        challenge_id = otp.issue().challenge_id
        sink.wait(INBOX)
        wait_until(lambda: worker.process.poll() is not None)
        assert otp.get(challenge_id).delivery == otp_pb2.DELIVERY_QUEUED
        worker.start()
        first, second = sink.wait(INBOX, 2)[:2]
        assert first["Message-ID"] == second["Message-ID"]
        assert text_of(first) == text_of(second)
        assert settled(otp, challenge_id) == ("SENT", "")
        assert jobs_left(redis_url) == 0
        assert worker.stop() == 0
        assert "message sent" in worker.text()
        assert otp.codes[0] not in re.sub(r"[0-9a-f]{16,}", "", worker.text())
    finally:
        worker.kill()
        otp.stop()
        sink.stop()


def test_notice_that_gave_up_is_listed_and_can_be_sent_again(live_otp: Otp, mailbox: SmtpSink) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        done = run_command("otp", ["dead-letters", *arguments], live_otp.environment)
        return done.returncode, done.stdout

    mailbox.answers = ["554 no"]
    request = otp_pb2.SendNoticeRequest(
        request_id="n1", destination=MOBILE, channel=otp_pb2.CHANNEL_SMS, template="already_registered", locale="it"
    )
    with delivering(live_otp.settings):
        notice_id = live_otp.as_("contact-change").SendNotice(request).notice_id
        wait_until(lambda: not mailbox.answers)
    code, listed = command("list")
    assert (code, listed.split()[0], listed.split()[-1]) == (0, notice_id, "REJECTED")
    assert command("resend", notice_id)[0] == 0
    assert command("resend", notice_id)[0] == 1
    assert command("list") == (0, "")
    with delivering(live_otp.settings):
        mailbox.wait(INBOX)
