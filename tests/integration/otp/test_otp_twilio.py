"""Texts by Twilio: taken, refused, late, lost; and what its signed callbacks change."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from recapito.otp.v1 import otp_pb2

from recapito_otp.__main__ import receipts
from recapito_otp.flows import deliver
from recapito_otp.senders import twilio as sender
from recapito_servicekit.clock import system_clock
from tests.integration.otp.service import MOBILE, Otp, outcome, refused
from tests.integration.otp.test_otp_delivery import INBOX, delivering, settled, wait_until
from tests.integration.otp.twilio import Answer, FakeTwilio, signature
from tests.support.pki import Pki
from tests.support.smtp import SmtpSink


@pytest.fixture(autouse=True)
def _tries_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", timedelta(milliseconds=20))


LATE = Answer(seconds=3.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Where an answer is to come late it isn't waited for so long. On a busy machine others may be late, too."""

    def wait_less(answer: Answer) -> None:
        if answer is LATE:
            monkeypatch.setattr(sender, "TIMEOUT", httpx.Timeout(1.5))

    return wait_less


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    server = FakeTwilio()
    yield server
    server.stop()


@pytest.fixture
def otp(pki: Pki, redis_url: str, twilio: FakeTwilio) -> Iterator[Otp]:
    service = Otp(pki, redis_url, system_clock, **twilio.settings())
    yield service
    service.stop()


@contextmanager
def receiving(otp: Otp, twilio: FakeTwilio) -> Iterator[None]:
    """The role ``receipts`` at work in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=receipts(otp.settings), args=(stop,))
    thread.start()

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", twilio.callback_port)) == 0

    try:
        wait_until(listens)
        yield
    finally:
        stop.set()
        thread.join(60)


def state(otp: Otp, challenge_id: str) -> tuple[str, str]:
    found = otp.get(challenge_id)
    return otp_pb2.Delivery.Name(found.delivery).removeprefix("DELIVERY_"), found.delivery_reason


def test_text_leaves_by_twilio_and_its_arrival_is_told(otp: Otp, twilio: FakeTwilio) -> None:
    with delivering(otp.settings), receiving(otp, twilio):
        challenge_id = otp.issue().challenge_id
        text = twilio.wait()[0]
        assert (text["To"], text["From"]) == (MOBILE, "+15005550006")
        assert text["Body"].endswith(f"@localhost #{otp.codes[0]}")
        assert settled(otp, challenge_id) == ("SENT", "")
        for under_way in ("queued", "sending", "sent", "nonsense"):
            assert twilio.call_back(text, under_way) == 204
            assert state(otp, challenge_id) == ("SENT", "")
        assert twilio.call_back(text, "delivered") == 204
        assert state(otp, challenge_id) == ("DELIVERED", "")


@pytest.mark.parametrize(("said", "reason"), [("undelivered", "UNDELIVERED"), ("failed", "REJECTED")])
def test_resend_after_a_text_that_did_not_arrive_costs_nothing(otp: Otp, twilio: FakeTwilio, said: str, reason: str) -> None:
    with delivering(otp.settings), receiving(otp, twilio):
        challenge_id = otp.issue(ip="203.0.113.7").challenge_id
        assert refused(lambda: otp.resend(challenge_id)).reason == "RESEND_TOO_EARLY"
        for sent in (1, 2, 3):
            twilio.wait(sent)
            assert settled(otp, challenge_id) == ("SENT", "")
            assert twilio.call_back(twilio.texts[-1], said) == 204
            assert state(otp, challenge_id) == ("FAILED", reason)
            assert otp.get(challenge_id).resend_available_at.ToDatetime() <= system_clock().replace(tzinfo=None)
            otp.resend(challenge_id, ip="203.0.113.7")
        twilio.wait(4)
        assert settled(otp, challenge_id) == ("SENT", "")
        # a number that never takes anything costs money too: the fourth time is as any other
        assert twilio.call_back(twilio.texts[-1], said) == 204
        assert refused(lambda: otp.resend(challenge_id)).reason == "RESEND_TOO_EARLY"
    assert outcome(otp.check(challenge_id, otp.codes[0])) == "SUPERSEDED"
    assert outcome(otp.check(challenge_id, twilio.texts[-1]["Body"][-6:])) == "APPROVED"
    for _ in range(2):  # one send was counted
        otp.issue()
    assert refused(otp.issue).reason == "TOO_MANY_TO_DESTINATION"


def test_callbacks_that_come_late_twice_or_in_another_order_undo_nothing(otp: Otp, twilio: FakeTwilio) -> None:
    with delivering(otp.settings), receiving(otp, twilio):
        challenge_id = otp.issue().challenge_id
        first = twilio.wait()[0]
        assert settled(otp, challenge_id) == ("SENT", "")
        assert [twilio.call_back(first, "undelivered") for _ in range(3)] == [204] * 3
        otp.resend(challenge_id)
        second = twilio.wait(2)[1]
        assert settled(otp, challenge_id) == ("SENT", "")
        assert [twilio.call_back(first, said) for said in ("undelivered", "delivered")] == [204] * 2  # of the superseded code
        assert state(otp, challenge_id) == ("SENT", "")
        assert [twilio.call_back(second, said) for said in ("delivered", "undelivered", "sent", "delivered")] == [204] * 4
        assert state(otp, challenge_id) == ("DELIVERED", "")
        assert refused(lambda: otp.resend(challenge_id)).reason == "RESEND_TOO_EARLY"


def test_callback_that_outruns_the_worker_stands(otp: Otp, twilio: FakeTwilio) -> None:
    twilio.answers = [Answer(seconds=0.3)]
    with receiving(otp, twilio):
        challenge_id = otp.issue().challenge_id
        url = f"https://sms.example.it/twilio?message={challenge_id}.1"
        early = {"StatusCallback": url, "sid": "SM1", "To": MOBILE}
        with delivering(otp.settings):
            time.sleep(0.1)
            assert twilio.call_back(early, "delivered") == 204
            twilio.wait()
            wait_until(lambda: not otp_jobs(otp))
        assert state(otp, challenge_id) == ("DELIVERED", "")


def otp_jobs(otp: Otp) -> int:
    from tests.integration.otp.test_otp_delivery import jobs_left

    return jobs_left(otp.environment["RECAPITO_REDIS_URL"])


def test_forged_callbacks_change_nothing(otp: Otp, twilio: FakeTwilio) -> None:
    with delivering(otp.settings), receiving(otp, twilio):
        challenge_id = otp.issue().challenge_id
        url = twilio.wait()[0]["StatusCallback"]
        other = otp.issue(destination="+393471234567").challenge_id
        assert settled(otp, challenge_id) == ("SENT", "")
        form = {"MessageStatus": "undelivered", "MessageSid": "SM1"}
        right = signature(url, form)
        forged = [
            (url, form, ""),
            (url, form, "x" * 28),
            (url, form, signature(url, form, token="guessed")),
            (url, {**form, "MessageStatus": "delivered"}, right),
            (url, {**form, "More": "x"}, right),
            (url.replace(challenge_id, other), form, right),
            (url + "&message=x", form, right),
            (url.partition("?")[0], form, right),
        ]
        for where, what, signed in forged:
            assert twilio.post(where, what, signed) == 403
        assert state(otp, challenge_id) == ("SENT", "")
        assert twilio.post(url, form, right) == 204
        assert state(otp, challenge_id) == ("FAILED", "UNDELIVERED")


def test_what_is_no_callback_is_refused(otp: Otp, twilio: FakeTwilio) -> None:
    where = f"http://127.0.0.1:{twilio.callback_port}/twilio"
    with receiving(otp, twilio):
        assert httpx.get(where).status_code == 501
        assert httpx.post(where.replace("/twilio", "/else")).status_code == 404
        assert httpx.post(where, content=b"x" * 17_000).status_code == 413
        assert httpx.post(where, content=b"\xff").status_code == 400
        assert httpx.post(where, content="&".join(f"a{n}=1" for n in range(200)).encode()).status_code == 400
        signed = signature("https://sms.example.it/twilio?message=nonsense.1", {"MessageStatus": "delivered"})
        assert twilio.post("https://sms.example.it/twilio?message=nonsense.1", {"MessageStatus": "delivered"}, signed) == 204


def test_callbacks_that_say_nothing_don_t_keep_the_others_out(
    otp: Otp, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recapito_otp import callbacks

    monkeypatch.setattr(callbacks._Callback, "timeout", 0.5)
    with delivering(otp.settings), receiving(otp, twilio):
        silent = [socket.create_connection(("127.0.0.1", twilio.callback_port)) for _ in range(callbacks.MOST_AT_A_TIME)]
        challenge_id = otp.issue().challenge_id
        text = twilio.wait()[0]
        assert settled(otp, challenge_id) == ("SENT", "")
        time.sleep(1)
        assert twilio.call_back(text, "delivered") == 204
        for connection in silent:
            connection.close()


@pytest.mark.parametrize(
    "first",
    [Answer(500), Answer(503), Answer(429, 20429), Answer(400, 21611), Answer(0), LATE, Answer(401, 20003)],
)
def test_text_that_twilio_does_not_take_now_is_sent_again(
    otp: Otp, twilio: FakeTwilio, impatient: Callable[[Answer], None], first: Answer
) -> None:
    impatient(first)
    twilio.answers = [first]
    with delivering(otp.settings):
        challenge_id = otp.issue().challenge_id
        assert settled(otp, challenge_id) == ("SENT", "")
    assert {text["Body"].rpartition("#")[2] for text in twilio.texts} == {otp.codes[0]}


def test_text_that_twilio_refuses_for_good_is_failed_at_once(otp: Otp, twilio: FakeTwilio) -> None:
    twilio.answers = [Answer(400, 21610)]
    with delivering(otp.settings):
        challenge_id = otp.issue().challenge_id
        assert settled(otp, challenge_id) == ("FAILED", "REJECTED")
        otp.resend(challenge_id)
        assert settled(otp, challenge_id) == ("SENT", "")


@pytest.mark.parametrize("failing", [Answer(400, 21211), Answer(503), Answer(0), LATE])
def test_next_sender_takes_what_twilio_does_not(
    pki: Pki, redis_url: str, twilio: FakeTwilio, mailbox: SmtpSink, impatient: Callable[[Answer], None], failing: Answer
) -> None:
    impatient(failing)
    otp = Otp(pki, redis_url, system_clock, **twilio.settings("twilio,mail"), **mailbox.settings())
    twilio.answers = [failing]
    try:
        with delivering(otp.settings):
            assert settled(otp, otp.issue().challenge_id) == ("SENT", "")
            mailbox.wait(INBOX)
            mailbox.answers = ["554 no"]
            twilio.answers = [Answer(503)]  # one says never, the other later: so it comes again
            assert settled(otp, otp.issue().challenge_id) == ("SENT", "")
    finally:
        otp.stop()


def test_wrong_account_is_tried_again_and_told(pki: Pki, redis_url: str, twilio: FakeTwilio) -> None:
    settings = {**twilio.settings(), "RECAPITO_TWILIO_AUTH_TOKEN": "wrong"}
    otp = Otp(pki, redis_url, system_clock, **settings)
    try:
        with delivering(otp.settings):
            assert settled(otp, otp.issue().challenge_id) == ("FAILED", "UNREACHABLE")
    finally:
        otp.stop()
    assert twilio.refused_logins == 5


def test_callback_is_asked_for_again_where_redis_is_away(otp: Otp, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> None:
    from redis.exceptions import ConnectionError as LostConnection

    from recapito_otp.store.redis_receipts import RedisReceipts

    def lost(*_: object) -> bool:
        raise LostConnection

    with delivering(otp.settings), receiving(otp, twilio):
        challenge_id = otp.issue().challenge_id
        text = twilio.wait()[0]
        assert settled(otp, challenge_id) == ("SENT", "")
        with monkeypatch.context() as patch:
            patch.setattr(RedisReceipts, "note", lost)
            assert twilio.call_back(text, "delivered") == 503
        assert twilio.call_back(text, "delivered") == 204
        assert state(otp, challenge_id) == ("DELIVERED", "")
