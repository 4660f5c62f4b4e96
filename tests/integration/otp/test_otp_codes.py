"""Codes: every outcome, counted and consumed exactly, whatever runs at the same time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind
from tests.integration.otp.service import HASH, MOBILE, Otp, outcome, refused


def test_issue_tells_where_and_until_when(otp: Otp, clock: Any) -> None:
    challenge = otp.issue()
    assert challenge.masked_destination == "320 *****19"
    assert challenge.channel == otp_pb2.CHANNEL_SMS
    assert challenge.attempts_left == 5
    assert challenge.delivery == otp_pb2.DELIVERY_QUEUED
    assert challenge.expires_at.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
    assert challenge.resend_available_at.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 22, 10, 1, tzinfo=UTC)
    assert otp.get(challenge.challenge_id) == challenge
    assert len(challenge.challenge_id) <= 64


def test_check_approves_once_and_passes_spaces_over(otp: Otp) -> None:
    challenge_id = otp.issue().challenge_id
    code = otp.codes[-1]
    answer = otp.check(challenge_id, f" {code[:3]} {code[3:]} ")
    assert (outcome(answer), answer.attempts_left, bool(answer.proof)) == ("APPROVED", 4, True)
    again = otp.check(challenge_id, code)
    assert (outcome(again), again.attempts_left, again.proof) == ("USED", 4, "")


def test_fifth_wrong_code_is_incorrect_and_later_ones_exhausted_the_right_one_too(otp: Otp) -> None:
    challenge_id = otp.issue().challenge_id
    wrong = [otp.check(challenge_id, "000000") for _ in range(5)]
    assert [(outcome(answer), answer.attempts_left) for answer in wrong] == [("INCORRECT", left) for left in (4, 3, 2, 1, 0)]
    assert outcome(otp.check(challenge_id, "000000")) == "EXHAUSTED"
    assert outcome(otp.check(challenge_id, otp.codes[-1])) == "EXHAUSTED"


def test_code_that_cannot_be_one_counts_as_a_wrong_one(otp: Otp) -> None:
    challenge_id = otp.issue().challenge_id
    assert [outcome(otp.check(challenge_id, typed)) for typed in ("12", "abcdef", "1234567")] == ["INCORRECT"] * 3
    assert otp.get(challenge_id).attempts_left == 2


def test_empty_code_is_refused_and_not_counted(otp: Otp) -> None:
    challenge_id = otp.issue().challenge_id
    refusal = refused(lambda: otp.check(challenge_id, "  "))
    assert (refusal.kind, refusal.violations[0].field) == (Kind.INVALID_ARGUMENT, "code")
    assert otp.get(challenge_id).attempts_left == 5


def test_code_lives_five_minutes(otp: Otp, clock: Any) -> None:
    first, second = otp.issue().challenge_id, otp.issue(subject="C2").challenge_id
    clock.forward(minutes=5)
    assert outcome(otp.check(first, otp.codes[0])) == "APPROVED"
    clock.forward(milliseconds=1)
    answer = otp.check(second, otp.codes[1], subject="C2")
    assert (outcome(answer), answer.attempts_left) == ("EXPIRED", 5)


def test_resend_supersedes_and_keeps_the_guesses_spent(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue().challenge_id
    assert outcome(otp.check(challenge_id, "000000")) == "INCORRECT"
    clock.forward(seconds=60)
    resent = otp.resend(challenge_id)
    assert (resent.challenge_id, resent.attempts_left) == (challenge_id, 4)
    assert resent.expires_at.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 22, 10, 6, tzinfo=UTC)
    old = otp.check(challenge_id, otp.codes[0])
    assert (outcome(old), old.attempts_left) == ("SUPERSEDED", 3)
    assert outcome(otp.check(challenge_id, otp.codes[1])) == "APPROVED"


def test_resend_revives_an_expired_challenge(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue().challenge_id
    clock.forward(minutes=20)
    otp.resend(challenge_id)
    assert outcome(otp.check(challenge_id, otp.codes[0])) == "SUPERSEDED"
    assert outcome(otp.check(challenge_id, otp.codes[1])) == "APPROVED"


def test_resend_of_what_is_over_is_refused(otp: Otp, clock: Any) -> None:
    used, spent = otp.issue().challenge_id, otp.issue(subject="C2").challenge_id
    otp.check(used, otp.codes[0])
    for _ in range(5):
        otp.check(spent, "000000", subject="C2")
    clock.forward(seconds=61)
    for challenge_id in (used, spent):
        refusal = refused(partial(otp.resend, challenge_id))
        assert (refusal.kind, refusal.reason) == (Kind.FAILED_PRECONDITION, "CHALLENGE_CLOSED")


def test_two_hundred_parallel_wrong_guesses_over_eight_connections_compare_five(otp: Otp) -> None:
    challenge_id = otp.issue().challenge_id
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda n: otp.check(challenge_id, f"{n:06d}", connection=n % 8), range(200)))
    assert Counter(map(outcome, answers)) == {"INCORRECT": 5, "EXHAUSTED": 195}


def test_fifty_parallel_right_codes_are_approved_once(otp: Otp) -> None:
    challenge_id = otp.issue().challenge_id
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: otp.check(challenge_id, otp.codes[0], connection=n % 8), range(50)))
    assert Counter(map(outcome, answers)) == {"APPROVED": 1, "USED": 49}
    assert sum(bool(answer.proof) for answer in answers) == 1


def test_decoy_looks_like_a_real_one_and_approves_nothing(otp: Otp, clock: Any) -> None:
    real = otp.issue(purpose="registration", subject="r1")
    decoy = otp.issue(purpose="registration", subject="r2", destination="+393201234520", decoy=True)
    assert len(real.challenge_id) == len(decoy.challenge_id)
    for challenge in (real, decoy):
        challenge.challenge_id = challenge.masked_destination = ""
    assert real == decoy
    challenge_id = otp.issue(purpose="registration", destination="+393201234521", decoy=True).challenge_id
    clock.forward(seconds=60)
    assert otp.resend(challenge_id).delivery == otp_pb2.DELIVERY_QUEUED
    tried = [otp.check(challenge_id, code, purpose="registration") for code in (*otp.codes[-2:], "1", "2", "3", "4")]
    assert [(outcome(answer), answer.attempts_left) for answer in tried] == [
        *(("INCORRECT", left) for left in (4, 3, 2, 1, 0)),
        ("EXHAUSTED", 0),
    ]


@pytest.mark.parametrize(
    "other",
    [{"subject": "C2"}, {"purpose": "claim"}, {"transaction_hash": ""}, {"transaction_hash": "cd" * 32}, {"caller": "internal"}],
)
def test_check_of_somebody_elses_challenge_is_not_found_and_counts_nothing(otp: Otp, other: dict[str, Any]) -> None:
    challenge_id = otp.issue(purpose="step_up", transaction_hash=HASH).challenge_id
    named: dict[str, Any] = {"purpose": "step_up", "transaction_hash": HASH}
    refusal = refused(lambda: otp.check(challenge_id, otp.codes[-1], **{**named, **other}))
    assert (refusal.kind, refusal.reason) == (Kind.NOT_FOUND, "CHALLENGE_NOT_FOUND")
    assert otp.get(challenge_id).attempts_left == 5
    assert outcome(otp.check(challenge_id, otp.codes[-1], **named)) == "APPROVED"


@pytest.mark.parametrize("challenge_id", ["", "nonsense", "3-" + "0" * 40, "9-" + "0" * 40])
def test_unknown_challenge_is_not_found(otp: Otp, challenge_id: str) -> None:
    calls = (lambda: otp.check(challenge_id, "1"), lambda: otp.get(challenge_id), lambda: otp.resend(challenge_id))
    assert {refused(call).kind for call in calls} == {Kind.NOT_FOUND}


def test_challenge_of_another_service_is_not_there(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue().challenge_id
    clock.forward(seconds=60)
    assert refused(lambda: otp.get(challenge_id, caller="contact-change")).kind is Kind.NOT_FOUND
    assert refused(lambda: otp.resend(challenge_id, caller="contact-change")).kind is Kind.NOT_FOUND


def test_challenge_of_another_subject_is_not_there_where_the_caller_says_whose_it_has_to_be(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue().challenge_id
    clock.forward(seconds=60)
    stub = otp.as_()
    theirs: dict[str, Any] = {"challenge_id": challenge_id, "subject": "C2"}
    assert refused(lambda: stub.GetChallenge(otp_pb2.GetChallengeRequest(**theirs))).kind is Kind.NOT_FOUND
    assert refused(lambda: stub.ResendChallenge(otp_pb2.ResendChallengeRequest(**theirs))).kind is Kind.NOT_FOUND
    own: dict[str, Any] = {"challenge_id": challenge_id, "subject": "C1"}
    assert stub.GetChallenge(otp_pb2.GetChallengeRequest(**own)).challenge.challenge_id == challenge_id
    assert stub.ResendChallenge(otp_pb2.ResendChallengeRequest(**own)).challenge.challenge_id == challenge_id


def test_purpose_that_the_caller_is_not_listed_with_is_refused(otp: Otp) -> None:
    assert refused(lambda: otp.issue(caller="internal", purpose="sign_in")).kind is Kind.PERMISSION_DENIED
    assert refused(lambda: otp.issue(purpose="gift")).kind is Kind.PERMISSION_DENIED
    assert refused(lambda: otp.check("3-" + "0" * 40, "1", caller="contact-change")).kind is Kind.PERMISSION_DENIED
    assert refused(lambda: otp.consume("x", caller="claims", purpose="step_up")).kind is Kind.PERMISSION_DENIED
    assert refused(lambda: otp.issue(caller="portal")).kind is Kind.PERMISSION_DENIED


def test_bad_fields_are_told_together(otp: Otp) -> None:
    refusal = refused(
        lambda: otp.issue(
            request_id="",
            subject="",
            channel=0,
            destination="x",
            locale="i" * 36,
            transaction_hash="zz",
            summary="a\nb",
        )
    )
    assert refusal.kind is Kind.INVALID_ARGUMENT
    fields = [violation.field for violation in refusal.violations]
    assert fields == ["request_id", "subject", "channel", "locale", "transaction_hash", "summary"]
    assert refused(lambda: otp.issue(ip="1.2.3")).violations[0].field == "client.ip"


def test_same_request_gets_the_same_challenge_and_makes_one_code_good(otp: Otp) -> None:
    with ThreadPoolExecutor(20) as pool:
        challenges = list(pool.map(lambda _: otp.issue(request_id="again"), range(20)))
    assert len({challenge.challenge_id for challenge in challenges}) == 1
    assert otp.issue(request_id="again") == challenges[0]
    assert otp.issue(request_id="again", subject="C2").challenge_id != challenges[0].challenge_id
    # counted once: with the other subject's there is room for exactly one more
    otp.issue(destination=MOBILE)
    assert refused(lambda: otp.issue(destination=MOBILE)).kind is Kind.RESOURCE_EXHAUSTED
