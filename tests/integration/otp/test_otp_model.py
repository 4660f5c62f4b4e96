"""Challenges against a model of them: whatever is done in whatever order, the service finds what the model says."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import grpc
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from recapito.otp.v1 import otp_pb2

from recapito_otp.domain import Delivery
from recapito_otp.flows.take_receipt import TakeReceipt
from recapito_otp.store.redis_jobs import connect
from recapito_otp.store.redis_receipts import RedisReceipts
from recapito_servicekit.errors import Refusal
from recapito_servicekit.status import refusal_from
from tests.conftest import SetClock
from tests.integration.otp.service import HASH, Otp, outcome
from tests.support.redis import RedisServer

LIFETIME: Final = timedelta(minutes=5)
RESEND: Final = timedelta(minutes=1)
LIMITS: Final = ((3, timedelta(minutes=10)), (10, timedelta(days=1)))
DESTINATIONS: Final = ("+393201234519", "+393201234520")
SUBJECTS: Final = ("C1", "C2")
PURPOSES: Final = ("sign_in", "step_up")


@dataclass
class Model:
    """A challenge as it should be."""

    challenge_id: str
    destination: str
    named: dict[str, Any]
    code: str
    expires_at: datetime
    resend_at: datetime
    older: list[str] = field(default_factory=list)
    left: int = 5
    over: bool = False
    free: bool = False
    failures: int = 0
    delivery: str = "QUEUED"
    generation: int = 1


class Challenges(RuleBasedStateMachine):
    """Issue, wrong, right, superseded, resend, expire, fail, cancel, prove."""

    otp: Otp
    clock: SetClock
    redis: RedisServer
    challenges = Bundle("challenges")
    proofs = Bundle("proofs")

    def __init__(self) -> None:
        super().__init__()
        self.redis.client().flushall()
        self.take = TakeReceipt(RedisReceipts(connect(self.redis.url())), self.clock)
        self.sends: dict[tuple[str, str], list[datetime]] = {}
        self.known: list[Model] = []

    def _wait(self, destination: str, purpose: str) -> timedelta:
        """How long until one more send fits."""
        sends = self.sends.get((destination, purpose), [])
        waits = [sends[-most] + window - self.clock.now for most, window in LIMITS if len(sends) >= most]
        return max([timedelta(), *waits])

    def _count(self, model: Model) -> None:
        self.sends.setdefault((model.destination, model.named["purpose"]), []).append(self.clock.now)

    @rule(
        target=challenges,
        destination=st.sampled_from(DESTINATIONS),
        subject=st.sampled_from(SUBJECTS),
        purpose=st.sampled_from(PURPOSES),
        transaction=st.sampled_from(("", HASH)),
    )
    def issue(self, destination: str, subject: str, purpose: str, transaction: str) -> Model | None:
        named = {"subject": subject, "purpose": purpose, "transaction_hash": transaction}
        wait = self._wait(destination, purpose)
        issued = attempt(lambda: self.otp.issue(destination=destination, **named))
        if wait:
            assert isinstance(issued, Refusal)
            assert (issued.reason, issued.retry_after) == ("TOO_MANY_TO_DESTINATION", wait)
            return None
        assert isinstance(issued, otp_pb2.Challenge)
        now = self.clock.now
        model = Model(issued.challenge_id, destination, named, self.otp.codes[-1], now + LIFETIME, now + RESEND)
        self._count(model)
        self.known.append(model)
        return model

    def _check(self, model: Model, code: str, otherwise: str) -> otp_pb2.CheckChallengeResponse:
        if model.over:
            expected = "USED"
        elif model.left == 0:
            expected = "EXHAUSTED"
        elif self.clock.now > model.expires_at:
            expected = "EXPIRED"
        else:
            model.left -= 1
            expected = otherwise
        answer = self.otp.check(model.challenge_id, code, **model.named)
        assert (outcome(answer), answer.attempts_left) == (expected, model.left)
        assert bool(answer.proof) == (expected == "APPROVED")
        return answer

    @rule(model=challenges, code=st.sampled_from(("000000", "12", "abcdef", "99999999")))
    def wrong(self, model: Model | None, code: str) -> None:
        if model:
            self._check(model, code, "INCORRECT")

    @rule(model=challenges)
    def superseded(self, model: Model | None) -> None:
        if model and model.older:
            self._check(model, model.older[0], "SUPERSEDED")

    @rule(target=proofs, model=challenges)
    def right(self, model: Model | None) -> tuple[str, Model, datetime] | None:
        if not model:
            return None
        proof = self._check(model, model.code, "APPROVED").proof
        model.over = model.over or bool(proof)
        return (proof, model, self.clock.now) if proof else None

    @rule(model=challenges, other=st.sampled_from(({"subject": "C3"}, {"purpose": "claim"}, {"transaction_hash": "cd" * 32})))
    def somebody_elses(self, model: Model | None, other: dict[str, Any]) -> None:
        if model:
            refusal = attempt(lambda: self.otp.check(model.challenge_id, model.code, **{**model.named, **other}))
            assert isinstance(refusal, Refusal)
            assert refusal.reason == "CHALLENGE_NOT_FOUND"

    @rule(model=challenges)
    def resend(self, model: Model | None) -> None:
        if not model:
            return
        now, wait = self.clock.now, self._wait(model.destination, model.named["purpose"])
        resent = attempt(lambda: self.otp.resend(model.challenge_id))
        if isinstance(resent, Refusal):
            found: tuple[str, timedelta | None] = (resent.reason, resent.retry_after)
            if model.over or model.left == 0:
                assert found == ("CHALLENGE_CLOSED", None)
            elif now < model.resend_at:
                assert found == ("RESEND_TOO_EARLY", model.resend_at - now)
            else:
                assert found == ("TOO_MANY_TO_DESTINATION", wait)
            return
        assert not model.over
        assert model.left > 0
        assert model.free or (now >= model.resend_at and not wait)
        if not model.free:
            self._count(model)
        model.older.append(model.code)
        model.code, model.expires_at, model.resend_at = self.otp.codes[-1], now + LIFETIME, now + RESEND
        model.free, model.delivery = False, "QUEUED"
        model.generation += 1

    @rule(model=challenges, late=st.booleans(), arrived=st.booleans())
    def receipt(self, model: Model | None, late: bool, arrived: bool) -> None:
        """A provider says what became of the newest code, or of an older one."""
        if not model:
            return
        generation = model.generation - late
        said = Delivery.DELIVERED if arrived else Delivery.FAILED
        self.take(f"{model.challenge_id}.{generation}", said, "" if arrived else "UNDELIVERED")
        if late or model.delivery in {"DELIVERED", said.value}:
            return
        model.delivery, model.free = said.value, False
        if not arrived:
            model.failures += 1
            if model.failures <= 3:
                model.free, model.resend_at = True, min(model.resend_at, self.clock.now)

    @rule(model=challenges)
    def cancel(self, model: Model | None) -> None:
        if model:
            self.otp.as_().CancelChallenge(otp_pb2.CancelChallengeRequest(challenge_id=model.challenge_id))
            model.over = True

    @rule(subject=st.sampled_from(SUBJECTS))
    def cancel_subject(self, subject: str) -> None:
        self.otp.as_().CancelSubject(otp_pb2.CancelSubjectRequest(subject=subject))
        for model in self.known:
            model.over = model.over or model.named["subject"] == subject

    @rule(proven=consumes(proofs), wrongly=st.booleans())
    def consume(self, proven: tuple[str, Model, datetime] | None, wrongly: bool) -> None:
        if not proven:
            return
        proof, model, approved_at = proven
        named = {**model.named, "purpose": "step_up"}
        live = model.named["purpose"] == "step_up" and self.clock.now <= approved_at + timedelta(minutes=30)
        if wrongly:
            refusal = attempt(lambda: self.otp.consume(proof, **{**named, "subject": "C3"}))
            assert isinstance(refusal, Refusal)
            assert refusal.reason == "PROOF_NOT_FOUND"
        for expected in ("", "PROOF_USED"):
            spent = attempt(lambda: self.otp.consume(proof, **named))
            reason = spent.reason if isinstance(spent, Refusal) else ""
            assert reason == (expected if live else "PROOF_NOT_FOUND")

    @rule(seconds=st.sampled_from((0.001, 30, 60, 299, 301, 600, 1801, 86_400)))
    def forward(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)

    @invariant()
    def newest_challenge_is_told_as_it_is(self) -> None:
        for model in self.known[-1:]:
            found = self.otp.get(model.challenge_id)
            told = (found.attempts_left, otp_pb2.Delivery.Name(found.delivery).removeprefix("DELIVERY_"))
            assert told == (model.left, model.delivery)
            assert found.resend_available_at.ToDatetime() == model.resend_at.replace(tzinfo=None)


def attempt(call: Any) -> Any:
    """What a call gives, or the Refusal that it is answered with."""
    try:
        return call()
    except grpc.RpcError as error:
        return refusal_from(error)


def test_challenges_do_what_the_model_says(otp: Otp, clock: SetClock, redis_server: RedisServer) -> None:
    start = clock.now

    class Here(Challenges):
        def __init__(self) -> None:
            clock.now = start
            super().__init__()

    Here.otp, Here.clock, Here.redis = otp, clock, redis_server
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=quiet, database=None),
    )
