"""Redis: what lies in it, and what happens without it."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest

from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.errors import Kind
from tests.integration.otp.service import MOBILE, Otp, outcome, refused
from tests.integration.otp.test_otp_delivery import delivering
from tests.support.pki import Pki
from tests.support.redis import RedisServer
from tests.support.serving import SLOWEST_SECONDS
from tests.support.smtp import SmtpSink


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    server = RedisServer(durable=True)
    yield server
    server.stop()


@pytest.fixture
def alone(pki: Pki, own_redis: RedisServer) -> Iterator[Otp]:
    """A service with a Redis of its own."""
    service = Otp(pki, own_redis.url(), system_clock)
    yield service
    service.stop()


def everything(server: RedisServer) -> str:
    """All keys and values, and all that base64 hides in them."""
    client: Any = server.client()
    read = {"hash": client.hgetall, "zset": lambda key: client.zrange(key, 0, -1), "stream": client.xrange, "string": client.get}
    found = []
    for key in client.scan_iter():
        found += [key, read[client.type(key).decode()](key)]
    text = repr(found)
    sealed = [entry[b"job"] for key in client.scan_iter("*:jobs") for _, entry in client.xrange(key)]
    assert sealed
    return text + repr([base64.b64decode(job) for job in sealed])


def test_redis_holds_no_code_no_proof_and_no_destination(otp: Otp, redis_server: RedisServer, clock: Any) -> None:
    challenge_id = otp.issue(purpose="step_up", ip="203.0.113.7").challenge_id
    clock.forward(seconds=60)
    otp.resend(challenge_id)
    otp.issue(subject="C2", decoy=True)
    proof = otp.check(challenge_id, otp.codes[1], purpose="step_up").proof
    text = everything(redis_server)
    assert challenge_id in text
    for secret in (*otp.codes, proof, proof.partition("-")[2], MOBILE, MOBILE.removeprefix("+39"), "203.0.113.7"):
        assert secret not in text


def test_keys_of_redis_all_go_by_themselves_but_the_jobs(otp: Otp, redis_server: RedisServer) -> None:
    otp.check(otp.issue(ip="203.0.113.7").challenge_id, otp.codes[0])
    client: Any = redis_server.client()
    lives = {key.decode(): client.ttl(key) for key in client.scan_iter()}
    assert len(lives) == 7
    assert all(life > 0 or name.endswith(":jobs") for name, life in lives.items())


def test_without_redis_every_call_is_unavailable_in_time_and_comes_back_with_it(alone: Otp, own_redis: RedisServer) -> None:
    challenge_id = alone.issue().challenge_id
    own_redis.kill()
    calls = (
        alone.issue,
        lambda: alone.check(challenge_id, alone.codes[0]),
        lambda: alone.get(challenge_id),
        lambda: alone.resend(challenge_id),
        lambda: alone.consume("3-" + "a" * 43),
    )
    for call in calls:
        started = time.monotonic()
        refusal = refused(call)
        assert (refusal.kind, refusal.reason) == (Kind.UNAVAILABLE, "STORE_UNAVAILABLE")
        assert time.monotonic() - started < SLOWEST_SECONDS
    own_redis.start()
    assert outcome(alone.check(alone.issue(subject="C2").challenge_id, alone.codes[-1], subject="C2")) == "APPROVED"


def test_frozen_redis_is_answered_within_the_deadline(alone: Otp, own_redis: RedisServer) -> None:
    challenge_id = alone.issue().challenge_id
    own_redis.freeze()
    try:
        assert refused(lambda: alone.check(challenge_id, alone.codes[0])).kind in (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED)
    finally:
        own_redis.thaw()
    assert alone.get(challenge_id)


def test_flushed_redis_takes_no_code_and_no_proof_of_before_and_goes_on_by_itself(alone: Otp, own_redis: RedisServer) -> None:
    challenge_id = alone.issue(purpose="step_up").challenge_id
    proof = alone.check(challenge_id, alone.codes[0], purpose="step_up").proof
    other = alone.issue().challenge_id
    own_redis.client().flushall()
    for call in (
        lambda: alone.check(other, alone.codes[1]),
        lambda: alone.resend(other),
        lambda: alone.consume(proof),
    ):
        started = time.monotonic()
        assert refused(call).kind is Kind.NOT_FOUND
        assert time.monotonic() - started < SLOWEST_SECONDS
    assert outcome(alone.check(alone.issue().challenge_id, alone.codes[-1])) == "APPROVED"


def test_restarted_redis_keeps_what_was_spent_spent(alone: Otp, own_redis: RedisServer) -> None:
    challenge_id = alone.issue(purpose="step_up").challenge_id
    alone.check(challenge_id, "000000", purpose="step_up")
    proof = alone.check(challenge_id, alone.codes[0], purpose="step_up").proof
    alone.consume(proof, request_id="first")
    own_redis.kill()
    own_redis.start()
    assert outcome(alone.check(challenge_id, alone.codes[0], purpose="step_up")) == "USED"
    assert refused(lambda: alone.consume(proof, request_id="second")).kind in (Kind.FAILED_PRECONDITION, Kind.NOT_FOUND)


def test_redis_that_forgot_the_scripts_is_told_them_again(alone: Otp, own_redis: RedisServer) -> None:
    challenge_id = alone.issue().challenge_id
    own_redis.client().script_flush()
    assert outcome(alone.check(challenge_id, "000000")) == "INCORRECT"
    own_redis.client().script_flush()
    assert outcome(alone.check(challenge_id, alone.codes[0])) == "APPROVED"


def test_worker_outlives_a_redis_that_lost_everything(pki: Pki, own_redis: RedisServer, mailbox: SmtpSink, clock: Clock) -> None:
    otp = Otp(pki, own_redis.url(), clock, **mailbox.settings())
    try:
        with delivering(otp.settings, clock):
            otp.issue()
            mailbox.wait("393201234519@sms.test")
            own_redis.client().flushall()
            own_redis.kill()
            time.sleep(0.2)
            own_redis.start()
            otp.issue()
            mailbox.wait("393201234519@sms.test", 2)
    finally:
        otp.stop()
