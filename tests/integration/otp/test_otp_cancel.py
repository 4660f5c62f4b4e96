"""Challenges that are ended before their time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind
from tests.integration.otp.service import Otp, outcome, refused
from tests.integration.otp.test_otp_delivery import delivering, settled
from tests.support.smtp import SmtpSink


def cancel(otp: Otp, challenge_id: str, caller: str = "auth") -> None:
    otp.as_(caller).CancelChallenge(otp_pb2.CancelChallengeRequest(challenge_id=challenge_id))


def cancel_subject(otp: Otp, subject: str = "C1", caller: str = "auth") -> None:
    otp.as_(caller).CancelSubject(otp_pb2.CancelSubjectRequest(subject=subject))


def test_cancelled_challenge_takes_no_code_and_no_resend(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue().challenge_id
    cancel(otp, challenge_id)
    cancel(otp, challenge_id)
    answer = otp.check(challenge_id, otp.codes[0])
    assert (outcome(answer), answer.attempts_left, answer.proof) == ("USED", 5, "")
    clock.forward(minutes=2)
    assert refused(lambda: otp.resend(challenge_id)).reason == "CHALLENGE_CLOSED"


def test_challenge_of_another_service_cannot_be_cancelled(otp: Otp) -> None:
    challenge_id = otp.issue().challenge_id
    for caller in ("contact-change", "internal"):
        assert refused(lambda: cancel(otp, challenge_id, caller)).kind is Kind.NOT_FOUND  # noqa: B023
    assert refused(lambda: cancel(otp, challenge_id, "portal")).kind is Kind.PERMISSION_DENIED
    cancel_subject(otp, caller="internal")
    assert outcome(otp.check(challenge_id, otp.codes[0])) == "APPROVED"


def test_unknown_challenge_is_not_found_and_an_unknown_subject_has_none(otp: Otp) -> None:
    assert refused(lambda: cancel(otp, "nonsense")).kind is Kind.NOT_FOUND
    assert refused(lambda: cancel(otp, "3-" + "0" * 40)).kind is Kind.NOT_FOUND
    assert refused(lambda: cancel_subject(otp, "")).violations[0].field == "subject"
    cancel_subject(otp, "nobody")


def test_approved_challenge_keeps_its_proof(otp: Otp) -> None:
    challenge_id = otp.issue(purpose="step_up").challenge_id
    proof = otp.check(challenge_id, otp.codes[0], purpose="step_up").proof
    cancel(otp, challenge_id)
    cancel_subject(otp)
    assert otp.consume(proof).issued_by == "auth"


def test_cancelled_subject_loses_its_challenges_in_every_shard_and_no_other_does(otp: Otp, clock: Any) -> None:
    ended = [otp.issue(destination=f"+3932012345{n:02d}").challenge_id for n in range(20)]
    other = otp.issue(subject="C2", destination="+393201234600").challenge_id
    assert len({challenge_id[0] for challenge_id in ended}) > 1
    cancel_subject(otp)
    later = otp.issue(destination="+393201234601").challenge_id  # in the same millisecond
    assert {outcome(otp.check(challenge_id, code)) for challenge_id, code in zip(ended, otp.codes, strict=False)} == {"USED"}
    assert outcome(otp.check(other, otp.codes[20], subject="C2")) == "APPROVED"
    assert outcome(otp.check(later, otp.codes[21])) == "APPROVED"
    clock.forward(minutes=2)
    assert refused(lambda: otp.resend(ended[0])).reason == "CHALLENGE_CLOSED"


def test_subject_may_be_cancelled_again_and_again(otp: Otp) -> None:
    for _ in range(3):
        challenge_id = otp.issue().challenge_id
        cancel_subject(otp)
        assert outcome(otp.check(challenge_id, otp.codes[-1])) == "USED"


def test_code_that_waits_is_not_sent_once_its_challenge_is_ended(live_otp: Otp, mailbox: SmtpSink) -> None:
    one, two = live_otp.issue().challenge_id, live_otp.issue(subject="C2", destination="+393201234520").challenge_id
    cancel(live_otp, one)
    cancel_subject(live_otp, "C2")
    with delivering(live_otp.settings):
        assert [settled(live_otp, challenge_id) for challenge_id in (one, two)] == [("FAILED", "CANCELLED")] * 2
    assert not mailbox.messages


def test_no_code_is_approved_after_its_subject_was_cancelled(otp: Otp) -> None:
    """Twenty right codes run against a cancel; whatever is approved was so before the cancel's answer."""
    for n in range(5):
        challenge_id = otp.issue(subject=f"S{n}", destination=f"+3932012345{n:02d}").challenge_id
        code = otp.codes[-1]

        def check(connection: int, challenge_id: str = challenge_id, code: str = code, subject: str = f"S{n}") -> str:
            return outcome(otp.check(challenge_id, code, subject=subject, connection=connection % 4))

        with ThreadPoolExecutor(20) as pool:
            found = pool.map(check, range(20))
            cancel_subject(otp, f"S{n}")
        assert sum(one == "APPROVED" for one in found) <= 1
        assert check(0) == "USED"
