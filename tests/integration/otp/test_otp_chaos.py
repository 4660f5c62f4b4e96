"""Redis restarted, flushed, frozen or gone under load: no code is accepted that shouldn't be, answers come in time."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
import pytest
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.clock import system_clock
from recapito_servicekit.status import refusal_from
from tests.integration.otp.service import Otp, outcome
from tests.support.pki import Pki
from tests.support.redis import RedisServer
from tests.support.serving import SLOWEST_SECONDS

CODE = "271828"


class Known(Otp):
    """Every code is the same, so that each thread knows its own."""

    def _new_code(self, length: int) -> str:
        return CODE


@dataclass
class Load:
    """People who ask for codes, mistype them, type them, and type them again."""

    otp: Otp
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def person(self, number: int) -> None:
        turn = 0
        while not self.stop.is_set():
            turn += 1
            mail: dict[str, Any] = {"channel": otp_pb2.CHANNEL_EMAIL, "destination": f"n{number}.{turn}@example.it"}
            issued = self._timed(partial(self.otp.issue, **mail))
            if not isinstance(issued, otp_pb2.Challenge):
                continue
            found = [self._check(issued.challenge_id, code) for code in ("000000", CODE, CODE, CODE, "000001")]
            with self._lock:
                if found.count("APPROVED") > 1 or {found[0], found[4]} & {"APPROVED"}:
                    self.faults.append(f"accepted: {found}")

    def _check(self, challenge_id: str, code: str) -> str:
        answer = self._timed(lambda: self.otp.check(challenge_id, code))
        return answer if isinstance(answer, str) else outcome(answer)

    def _timed(self, call: Callable[[], Any]) -> Any:
        started = time.monotonic()
        try:
            answer: Any = call()
            what = outcome(answer) if isinstance(answer, otp_pb2.CheckChallengeResponse) else "ISSUED"
        except grpc.RpcError as error:
            answer = what = refusal_from(error).reason
        with self._lock:
            self.seen[what] += 1
            self.slowest = max(self.slowest, time.monotonic() - started)
        return answer


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    server = RedisServer(durable=True)
    yield server
    server.stop()


def restart(redis: RedisServer) -> None:
    redis.kill()
    redis.start()


def stay_away(redis: RedisServer) -> None:
    redis.kill()
    time.sleep(3)
    redis.start()


def flush(redis: RedisServer) -> None:
    redis.client().flushall()


def freeze(redis: RedisServer) -> None:
    redis.freeze()
    time.sleep(6)
    redis.thaw()


@pytest.mark.parametrize(("trouble", "times"), [(restart, 2), (stay_away, 1), (flush, 2), (freeze, 1)])
def test_trouble_with_redis_under_load(
    pki: Pki, own_redis: RedisServer, trouble: Callable[[RedisServer], None], times: int
) -> None:
    otp = Known(pki, own_redis.url(), system_clock)
    load = Load(otp)
    people = [threading.Thread(target=load.person, args=(number,)) for number in range(12)]
    try:
        for person in people:
            person.start()
        time.sleep(0.5)
        for _ in range(times):
            trouble(own_redis)
            time.sleep(0.5)
        load.seen.clear()
        until = time.monotonic() + 60
        while not load.seen["APPROVED"] and time.monotonic() < until:
            time.sleep(0.1)
        assert load.seen["APPROVED"] > 0, "it did not recover unaided"
    finally:
        load.stop.set()
        for person in people:
            person.join(60)
        otp.stop()
    assert not load.faults
    assert load.slowest < SLOWEST_SECONDS
    assert not load.seen["INTERNAL"]


def test_code_from_before_a_flush_is_not_there_any_more_and_its_proof_neither(pki: Pki, own_redis: RedisServer) -> None:
    otp = Known(pki, own_redis.url(), system_clock)
    try:
        open_one, proven = (otp.issue(purpose="step_up", request_id=name).challenge_id for name in ("open", "proven"))
        proof = otp.check(proven, CODE, purpose="step_up").proof
        flush(own_redis)
        for call in (
            lambda: otp.check(open_one, CODE, purpose="step_up"),
            lambda: otp.check(proven, CODE, purpose="step_up"),
            lambda: otp.resend(open_one),
            lambda: otp.consume(proof),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                call()
            assert refusal_from(refused.value).reason in {"CHALLENGE_NOT_FOUND", "PROOF_NOT_FOUND"}
    finally:
        otp.stop()


def test_what_was_spent_and_cancelled_stays_so_over_a_restart(pki: Pki, own_redis: RedisServer) -> None:
    otp = Known(pki, own_redis.url(), system_clock)
    try:
        used, spent, cancelled = (otp.issue(request_id=name).challenge_id for name in ("used", "spent", "cancelled"))
        ended = otp.issue(subject="C2", destination="+393201234520").challenge_id
        assert outcome(otp.check(used, CODE)) == "APPROVED"
        for _ in range(5):
            otp.check(spent, "000000")
        otp.as_().CancelChallenge(otp_pb2.CancelChallengeRequest(challenge_id=cancelled))
        otp.as_().CancelSubject(otp_pb2.CancelSubjectRequest(subject="C2"))
        restart(own_redis)
        found = [outcome(otp.check(challenge_id, CODE)) for challenge_id in (used, spent, cancelled)]
        assert found == ["USED", "EXHAUSTED", "USED"]
        assert outcome(otp.check(ended, CODE, subject="C2")) == "USED"
        with pytest.raises(grpc.RpcError) as refused:
            otp.issue()
        assert refusal_from(refused.value).reason == "TOO_MANY_TO_DESTINATION"
    finally:
        otp.stop()
