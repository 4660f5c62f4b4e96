"""The attack list: what each attacker has, what they try, and where it ends."""

from functools import partial
from typing import Any

from recapito.auth.v1 import authentication_pb2, session_pb2
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, client, refused

NEW = "quattro asini verdi al trotto"
THIEF = "203.0.113.66"
OF_OTHERS = {
    "contact-change": ("sign_in", "step_up", "claim", "recovery", "registration"),
    "claims": ("sign_in", "step_up", "new_mobile"),
    "internal": ("sign_in", "claim", "new_mobile", "recovery"),
}
"""Services, and purposes that are none of theirs."""


def test_password_thief_gets_no_session_and_holds_claims_with_the_change_they_may_ask_for(auth: Auth) -> None:
    auth.register()
    auth.trusted()
    required = auth.password(ip=THIEF).code_required
    assert list(required.reasons) == ["UNKNOWN_DEVICE", "NEW_COUNTRY_OR_NETWORK"]
    assert [auth.code(required.sign_in_id, f"{n:06d}").session.token for n in range(6)] == [""] * 6
    token = required.contact_change_token
    found = auth.introspect(token)
    # all that it opens is a request that a person decides on, and "pwd" alone has claims held for a day after it
    assert (found.kind, list(found.amr)) == (session_pb2.KIND_CONTACT_CHANGE, ["pwd"])
    change = session_pb2.ChangePasswordRequest(old_password=PASSWORD, new_password=NEW)
    assert refused(lambda: auth.accounts.ChangePassword(change, metadata=bearer(token))).kind is Kind.UNAUTHENTICATED
    step_up = authentication_pb2.StartStepUpRequest(purpose="step_up", client=client(THIEF))
    assert refused(lambda: auth.authentication.StartStepUp(step_up, metadata=bearer(token))).kind is Kind.UNAUTHENTICATED


def test_password_thief_who_goes_on_guessing_codes_is_locked_out_of_codes(auth: Auth, clock: SetClock) -> None:
    auth.register()
    guesses = 0
    for _ in range(4):
        clock.forward(minutes=11)
        required = auth.password(ip=THIEF).code_required
        for n in range(5):
            guesses += auth.code(required.sign_in_id, f"{n:06d}").outcome == otp_pb2.OUTCOME_INCORRECT
    assert guesses == 20  # five a challenge, twenty an hour: 1 in 50,000
    assert refused(lambda: auth.code(required.sign_in_id, auth.otp.codes[-1])).reason == "CODES_LOCKED"
    assert refused(lambda: auth.password(ip=THIEF)).reason == "CODES_LOCKED"


def test_thief_of_password_and_email_gets_no_session_where_there_is_a_mobile(auth: Auth) -> None:
    auth.register(contact="maria.rossi@example.com")
    required = auth.password("maria.rossi@example.com", ip=THIEF).code_required
    assert required.masked_destination == "320 *****19"  # the code goes to the mobile, never to the email
    assistance = authentication_pb2.StartAssistanceRequest(sign_in_id=required.sign_in_id, client=client(THIEF))
    assert refused(lambda: auth.authentication.StartAssistance(assistance)).reason == "MOBILE_ON_FILE"
    started = auth.recover("maria.rossi@example.com", THIEF)
    first = auth.recovery_code(started.recovery_id, auth.otp.codes[-1])  # they read the email
    assert first.second.masked_contact == "320 *****19"
    assert auth.recovery_code(started.recovery_id, "000000").outcome == otp_pb2.OUTCOME_INCORRECT
    assert refused(partial(auth.new_password, started.recovery_id, NEW)).reason == "RECOVERY_NOT_VERIFIED"


def test_thief_of_the_only_contact_recovers_a_password_that_opens_a_reviewed_change_alone(auth: Auth) -> None:
    auth.register("Nicolo", "Dangelo", "nicolo.dangelo@example.com")
    started = auth.recover("nicolo.dangelo@example.com", THIEF)
    auth.recovery_code(started.recovery_id, auth.otp.codes[-1])
    auth.new_password(started.recovery_id, NEW)
    opened = auth.password("nicolo.dangelo@example.com", NEW, THIEF)
    assert opened.WhichOneof("next") == "contact_change_only"
    assert list(auth.introspect(opened.contact_change_only.contact_change_token).amr) == ["pwd"]


def test_who_wants_to_lock_the_owner_out_locks_out_no_trusted_device_and_no_recovery(auth: Auth, clock: SetClock) -> None:
    auth.register()
    _, device = auth.trusted()
    clock.forward(minutes=20)
    for n in range(20):
        refused(partial(auth.password, password="guess", ip=f"203.0.113.{n}"))
    assert refused(auth.password).reason == "SIGN_IN_FAILED"
    required = auth.password(device_token=device).code_required
    assert auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token
    assert auth.recovery_code(auth.recover().recovery_id, auth.otp.codes[-1]).outcome == otp_pb2.OUTCOME_APPROVED


def test_who_starts_recoveries_by_the_dozen_uses_up_no_code_of_a_sign_in(auth: Auth) -> None:
    auth.register()
    for n in range(3):
        auth.recover(ip=f"203.0.113.{n}")
    assert refused(lambda: auth.recover(ip="203.0.113.9")).kind is Kind.RESOURCE_EXHAUSTED
    required = auth.password().code_required
    assert auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token


def test_service_that_asks_for_another_s_purpose_is_refused(auth: Auth) -> None:
    """What a stolen certificate of one service could ask of otp: codes and proofs for its own purposes alone."""
    auth.register()
    token = auth.sign_in()
    claim = auth.step_up(token, purpose="claim", transaction_hash="ab" * 32)
    proof = auth.complete_step_up(token, claim.challenge_id, auth.otp.codes[-1]).proof
    ask: dict[str, Any] = {
        "request_id": "r",
        "subject": "C1",
        "channel": otp_pb2.CHANNEL_SMS,
        "destination": "+393201234519",
        "locale": "it",
    }
    for caller, purposes in OF_OTHERS.items():
        stub = auth.otp.as_(caller)
        for purpose in purposes:
            issue = otp_pb2.IssueChallengeRequest(purpose=purpose, **ask)
            check = otp_pb2.CheckChallengeRequest(
                challenge_id=claim.challenge_id, subject="C1", purpose=purpose, code="000000", transaction_hash="ab" * 32
            )
            spend = otp_pb2.ConsumeProofRequest(
                request_id="r", proof=proof, subject="C1", purpose=purpose, transaction_hash="ab" * 32
            )
            for call in (
                partial(stub.IssueChallenge, issue),
                partial(stub.CheckChallenge, check),
                partial(stub.ConsumeProof, spend),
            ):
                assert refused(call).kind is Kind.PERMISSION_DENIED, (caller, purpose)
    spend = otp_pb2.ConsumeProofRequest(request_id="r", proof=proof, subject="C1", purpose="claim", transaction_hash="cd" * 32)
    assert refused(lambda: auth.otp.as_("claims").ConsumeProof(spend)).kind is Kind.NOT_FOUND  # another claim's
    portal = otp_pb2.IssueChallengeRequest(purpose="sign_in", **ask)
    assert refused(lambda: auth.otp.as_("portal").IssueChallenge(portal)).kind is Kind.PERMISSION_DENIED


def test_who_tries_one_password_on_many_names_is_stopped_by_address(auth: Auth) -> None:
    for n in range(30):
        refused(partial(auth.password, f"nobody{n}@example.com", "Estate2026!!", THIEF))
    assert refused(lambda: auth.password("one@example.com", "Estate2026!!", THIEF)).kind is Kind.RESOURCE_EXHAUSTED


def test_stolen_session_dies_with_the_owners_new_password(auth: Auth) -> None:
    auth.register()
    stolen = auth.sign_in()
    started = auth.recover()
    while auth.recovery_code(started.recovery_id, auth.otp.codes[-1]).HasField("second"):
        pass
    auth.new_password(started.recovery_id, NEW)
    assert not auth.introspect(stolen).active
