"""Recovery: both contacts, equal answers, what ends with it, what the new password opens."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from recapito.auth.v1 import recovery_pb2, session_pb2
from recapito.otp.v1 import otp_pb2

from recapito_auth.flows.tell import send_due
from recapito_auth.senders.codes import Codes
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, PERSON, START, Auth, client, refused

NEW = "quattro asini verdi al trotto"


def verified(auth: Auth, username: str = "320 1234519") -> str:
    """A recovery whose codes were all right."""
    recovery_id = auth.recover(username).recovery_id
    while auth.recovery_code(recovery_id, auth.otp.codes[-1]).HasField("second"):
        pass
    return recovery_id


def test_recovery_needs_a_code_from_each_contact_and_ends_what_was_open(auth: Auth, clock: SetClock) -> None:
    auth.register()
    session, device = auth.trusted()
    started = auth.recover()
    assert started.masked_contact == "320 *****19"
    first = auth.recovery_code(started.recovery_id, auth.otp.codes[-1])
    assert (first.outcome, first.second.masked_contact) == (otp_pb2.OUTCOME_APPROVED, "m***@e***.com")
    assert refused(partial(auth.new_password, started.recovery_id, NEW)).reason == "RECOVERY_NOT_VERIFIED"
    assert auth.recovery_code(started.recovery_id, "000000").outcome == otp_pb2.OUTCOME_INCORRECT
    second = auth.recovery_code(started.recovery_id, auth.otp.codes[-1])
    assert (second.outcome, second.HasField("second")) == (otp_pb2.OUTCOME_APPROVED, False)
    assert auth.introspect(session).active
    auth.new_password(started.recovery_id, NEW)
    assert not auth.introspect(session).active
    assert auth.notices() == [("password_recovered", "+393201234519"), ("password_recovered", "maria.rossi@example.com")]
    assert refused(auth.password).reason == "SIGN_IN_FAILED"
    clock.forward(minutes=1)
    required = auth.password(password=NEW, device_token=device).code_required
    assert list(required.reasons) == ["UNKNOWN_DEVICE", "NEW_COUNTRY_OR_NETWORK", "RECOVERED"]
    assert auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token


def test_recovery_with_one_contact_opens_a_contact_change_until_one_was_approved(auth: Auth) -> None:
    auth.register("Nicolo", "Dangelo", "nicolo.dangelo@example.com")
    auth.new_password(verified(auth, "nicolo.dangelo@example.com"), NEW)
    only = auth.password("nicolo.dangelo@example.com", NEW).contact_change_only
    assert not only.has_mobile
    token = only.contact_change_token
    found = auth.introspect(token)
    # "pwd" alone: the change that it opens holds claims for a day
    assert (found.kind, list(found.amr)) == (session_pb2.KIND_CONTACT_CHANGE, ["pwd"])
    auth.change(customer_id="C2")
    required = auth.password("nicolo.dangelo@example.com", NEW).code_required
    assert auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token


@pytest.mark.parametrize("username", ["320 9999999", "nobody@example.com"])
def test_unknown_user_name_gets_the_same_answers(auth: Auth, username: str) -> None:
    auth.register()
    known, unknown = auth.recover(), auth.recover(username)
    assert {f.name for f, _ in known.ListFields()} == {f.name for f, _ in unknown.ListFields()}
    assert len(known.recovery_id) == len(unknown.recovery_id)
    for left in (4, 3, 2, 1, 0):
        answer = auth.recovery_code(unknown.recovery_id, auth.otp.codes[-1])
        assert (answer.outcome, answer.attempts_left) == (otp_pb2.OUTCOME_INCORRECT, left)
        assert auth.recovery_code(known.recovery_id, "000000") == answer
    assert auth.recovery_code(unknown.recovery_id, "000000") == auth.recovery_code(known.recovery_id, "000000")
    refusals = [refused(partial(auth.new_password, r.recovery_id, NEW)) for r in (known, unknown)]
    assert {(r.kind, r.reason, r.message) for r in refusals} == {
        (Kind.FAILED_PRECONDITION, "RECOVERY_NOT_VERIFIED", refusals[0].message)
    }


def test_language_that_cannot_be_tells_nobody_who_is_known(auth: Auth) -> None:
    auth.register()
    for contact in ("3201234519", "3209999999"):
        recovery = recovery_pb2.StartRecoveryRequest(username=contact, client=client("192.0.2.9"), locale="i" * 36)
        assert refused(lambda: auth.recovery.StartRecovery(recovery)).violations[0].field == "locale"  # noqa: B023
    for contact in ("maria.rossi@example.com", "nobody@example.com"):
        wish = START(person_type=PERSON, given_name="Maria", family_name="Rossi", contact=contact, locale="i" * 36)
        assert refused(lambda: auth.registration.StartRegistration(wish)).violations[0].field == "locale"  # noqa: B023


def test_too_many_recoveries_of_a_user_name_are_refused_known_or_not(auth: Auth) -> None:
    auth.register()
    for username in ("3201234519", "3209999999"):
        for _ in range(3):
            auth.recover(username)
        assert refused(partial(auth.recover, username)).kind is Kind.RESOURCE_EXHAUSTED


def test_user_name_must_be_a_contact(auth: Auth) -> None:
    assert refused(lambda: auth.recover("nonsense")).violations[0].field == "username"


def test_lock_does_not_stop_recovery_nor_recovery_use_up_sign_ins_codes(auth: Auth) -> None:
    auth.register()
    for n in range(11):
        refused(partial(auth.password, password="guess", ip=f"203.0.113.{n}"))
    recovery_id = verified(auth)
    for _ in range(2):
        auth.recover()
    assert refused(auth.recover).kind is Kind.RESOURCE_EXHAUSTED
    auth.new_password(recovery_id, NEW)
    assert refused(lambda: auth.password(password=NEW)).reason == "SIGN_IN_FAILED"  # locked still; it passes by itself


def test_weak_password_is_told_and_another_may_be_chosen(auth: Auth) -> None:
    auth.register()
    recovery_id = verified(auth)
    assert refused(partial(auth.new_password, recovery_id, "password1")).violations[0].reason == "TOO_COMMON"
    assert refused(partial(auth.new_password, recovery_id, "Maria Rossi!")).violations[0].reason == "CONTAINS_PERSONAL"
    auth.new_password(recovery_id, NEW)
    assert "FIRST_SIGN_IN" in auth.password(password=NEW).code_required.reasons


def test_repeat_is_answered_alike_and_another_password_refused_also_at_once(auth: Auth) -> None:
    auth.register()
    recovery_id = verified(auth)

    def complete(password: str) -> bool:
        try:
            auth.new_password(recovery_id, password)
        except Exception:
            return False
        return True

    passwords = [f"{NEW} {n % 2}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(complete, passwords))
    taken = {password for password, ok in zip(passwords, done, strict=True) if ok}
    assert len(taken) == 1
    assert complete(taken.pop())
    assert sum(entry["event"] == "RECOVERED" for entry in auth.audited()) == 1


def test_right_code_many_times_at_once_sends_one_second_code(auth: Auth) -> None:
    auth.register()
    started = auth.recover()
    code, sent = auth.otp.codes[-1], len(auth.otp.codes)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _outcome(auth, started.recovery_id, code), range(8)))
    assert answers.count(otp_pb2.OUTCOME_APPROVED) == 1
    assert len(auth.otp.codes) == sent + 1


def _outcome(auth: Auth, recovery_id: str, code: str) -> int:
    try:
        return auth.recovery_code(recovery_id, code).outcome
    except Exception:
        return -1


def test_change_of_mobile_ends_a_recovery(auth: Auth) -> None:
    auth.register()
    recovery_id = verified(auth)
    auth.change()
    assert refused(partial(auth.new_password, recovery_id, NEW)).reason == "RECOVERY_NOT_VERIFIED"
    assert auth.password("347 1112223", PASSWORD).code_required.sign_in_id


def test_codes_are_sent_again_in_their_turn(auth: Auth, clock: SetClock) -> None:
    auth.register()
    recovery_id = auth.recover().recovery_id
    request = recovery_pb2.ResendRecoveryCodeRequest(recovery_id=recovery_id, client=client("192.0.2.9"))
    assert refused(lambda: auth.recovery.ResendRecoveryCode(request)).kind is Kind.RESOURCE_EXHAUSTED
    clock.forward(seconds=61)
    assert auth.recovery.ResendRecoveryCode(request).masked_contact == "320 *****19"
    assert auth.recovery_code(recovery_id, auth.otp.codes[-1]).HasField("second")
    clock.forward(seconds=61)
    assert auth.recovery.ResendRecoveryCode(request).masked_contact == "m***@e***.com"
    assert auth.recovery_code(recovery_id, auth.otp.codes[-1]).outcome == otp_pb2.OUTCOME_APPROVED
    auth.new_password(recovery_id, NEW)


def test_notices_are_sent_and_then_forgotten(auth: Auth, clock: SetClock) -> None:
    auth.register()
    auth.new_password(verified(auth), NEW)
    codes = Codes(auth.otp.as_("auth"))
    clock.forward(seconds=1)
    assert send_due(auth.database, codes, clock) == 2
    assert auth.notices() == []
    codes.close()
