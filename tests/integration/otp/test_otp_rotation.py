"""Pepper and sealing key are changed while codes are under way: new ones are accepted, then used, then the old ones go."""

import base64
from collections.abc import Callable, Iterator

import pytest
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.clock import Clock
from tests.conftest import SetClock
from tests.integration.otp.service import Otp
from tests.support.pki import Pki

OLD, NEW = ("pepper of old", base64.b64encode(b"o" * 32).decode()), ("pepper of new", base64.b64encode(b"n" * 32).decode())


@pytest.fixture
def started(pki: Pki, redis_url: str, clock: Clock) -> Iterator[Callable[..., Otp]]:
    """Starts a process of the service with these keys, the current ones first."""
    running: list[Otp] = []

    def start(*keys: tuple[str, str]) -> Otp:
        peppers, seal_keys = (",".join(parts) for parts in zip(*keys, strict=True))
        told = {"RECAPITO_OTP_PEPPER": peppers, "RECAPITO_OTP_NAMES_KEY": OLD[0], "RECAPITO_OTP_SEAL_KEY": seal_keys}
        running.append(Otp(pki, redis_url, clock, **told))
        return running[-1]

    yield start
    for service in running:
        service.stop()


def test_codes_under_way_are_right_in_every_step_and_process(started: Callable[..., Otp]) -> None:
    steps = [started(OLD), started(OLD, NEW), started(NEW, OLD)]
    for issuing, checking in ((0, 1), (1, 0), (1, 2), (2, 1)):  # processes of two neighbouring steps run side by side
        made, other = steps[issuing], steps[checking]
        challenge = made.issue(destination=f"+39320123451{issuing}{checking}"[:13])
        wrong = other.check(challenge.challenge_id, "000000")
        assert wrong.outcome == otp_pb2.OUTCOME_INCORRECT
        right = other.check(challenge.challenge_id, made.codes[-1])
        assert (right.outcome, right.attempts_left) == (otp_pb2.OUTCOME_APPROVED, 3)


def test_resend_and_proof_open_what_the_old_key_sealed(started: Callable[..., Otp], clock: SetClock) -> None:
    before, after = started(OLD, NEW), started(NEW, OLD)
    after.issue(destination="+393331234567")  # both processes of the test would make the same codes
    challenge = before.issue(purpose="step_up")
    first = before.codes[-1]
    clock.forward(seconds=61)
    after.resend(challenge.challenge_id)
    assert after.check(challenge.challenge_id, first, purpose="step_up").outcome == otp_pb2.OUTCOME_SUPERSEDED
    found = before.check(challenge.challenge_id, after.codes[-1], purpose="step_up")
    assert found.outcome == otp_pb2.OUTCOME_APPROVED
    assert after.consume(found.proof).issued_by == "auth"


def test_counters_of_sends_go_on_under_a_new_key(started: Callable[..., Otp], clock: SetClock) -> None:
    before, after = started(OLD, NEW), started(NEW, OLD)
    request = {"request_id": "the same", "purpose": "registration"}
    assert before.issue(**request).challenge_id == after.issue(**request).challenge_id


def test_dropped_pepper_takes_its_codes_along(started: Callable[..., Otp]) -> None:
    challenge = started(OLD).issue()
    without = started(NEW)
    assert without.check(challenge.challenge_id, "123456").outcome == otp_pb2.OUTCOME_INCORRECT
