"""Supervisors: operators enrolled and disabled, locks lifted, sign-ins explained; recovery codes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import grpc
import pytest
import sqlalchemy as sa
from recapito.auth.v1 import operator_pb2 as pb
from recapito.auth.v1 import session_pb2

from recapito_auth.flows.create_operator import Enrolled
from recapito_auth.store.tables import ACCOUNTS, OPERATORS
from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, app_of, refused


@pytest.fixture
def bruno(auth: Auth) -> Enrolled:
    """The supervisor bruno, who is customer C3."""
    return auth.enrol("Bruno", "supervisor", "C3")


@pytest.fixture
def supervisor(auth: Auth, bruno: Enrolled, clock: SetClock) -> str:
    """Bruno's session."""
    return auth.operator("bruno", PASSWORD, app_of(bruno.uri).at(clock.now)).session.token


def own_password(auth: Auth, token: str) -> str:
    """The full session of an operator who chose a password at the first sign-in."""
    request = pb.OperatorServiceChangePasswordRequest(new_password=PASSWORD)
    return auth.operators.ChangePassword(request, metadata=bearer(token)).session.token


def explained(auth: Auth, token: str, customer_id: str = "C1") -> pb.ExplainSignInResponse:
    return auth.operators.ExplainSignIn(pb.ExplainSignInRequest(customer_id=customer_id), metadata=bearer(token))


def obstacles(auth: Auth, token: str, customer_id: str = "C1") -> list[tuple[str, bool]]:
    return [(one.code, one.blocks) for one in explained(auth, token, customer_id).obstacles]


def unlock(auth: Auth, token: str, customer_id: str = "C1") -> None:
    auth.operators.UnlockCustomer(pb.UnlockCustomerRequest(customer_id=customer_id), metadata=bearer(token))


def wrong_codes(auth: Auth, count: int, locked_until: datetime | None = None) -> None:
    """Maria Rossi's account after so many wrong codes."""
    with auth.database.transaction() as connection:
        values = {"wrong_codes": count, "codes_locked_until": locked_until}
        connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.customer_id == "C1").values(values))


def test_supervisor_enrols_an_operator_who_signs_in(auth: Auth, supervisor: str, clock: SetClock) -> None:
    request = pb.CreateOperatorRequest(name="Carla", role="reviewer")
    made = auth.operators.CreateOperator(request, metadata=bearer(supervisor))
    assert len(set(made.recovery_codes)) == 10
    token = own_password(auth, auth.operator("carla", made.password, app_of(made.otpauth_uri).at(clock.now)).session.token)
    assert auth.introspect(token).role == "reviewer"
    again = refused(lambda: auth.operators.CreateOperator(request, metadata=bearer(supervisor)))
    assert again.kind is Kind.ALREADY_EXISTS
    with auth.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM operator_recovery_codes").all())
        kept += str(connection.exec_driver_sql("SELECT * FROM audit").all())
    assert not any(secret in kept for secret in (made.password, *made.recovery_codes))
    refusal = refused(lambda: auth.operators.CreateOperator(request, metadata=bearer(token)))
    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")
    bad = pb.CreateOperatorRequest(name="Dora", role="king")
    assert refused(lambda: auth.operators.CreateOperator(bad, metadata=bearer(supervisor))).violations[0].field == "role"
    for nobody in ("C" * 65, "C-nobody"):
        bad = pb.CreateOperatorRequest(name="Dora", role="auditor", customer_id=nobody)
        refusal = refused(partial(auth.operators.CreateOperator, bad, metadata=bearer(supervisor)))
        assert refusal.violations[0].field == "customer_id"


def test_disabled_operator_is_out_at_once_and_stays_out(auth: Auth, supervisor: str, clock: SetClock) -> None:
    made = auth.operators.CreateOperator(pb.CreateOperatorRequest(name="carla", role="reviewer"), metadata=bearer(supervisor))
    app = app_of(made.otpauth_uri)
    token = auth.operator("carla", made.password, app.at(clock.now)).session.token
    for _ in range(2):
        auth.operators.DisableOperator(pb.DisableOperatorRequest(name="Carla"), metadata=bearer(supervisor))
    assert not auth.introspect(token).active
    assert auth.introspect(supervisor).active
    clock.forward(seconds=30)
    assert refused(lambda: auth.operator("carla", made.password, app.at(clock.now))).reason == "SIGN_IN_FAILED"
    assert refused(lambda: auth.operator("carla", made.password, made.recovery_codes[0])).reason == "SIGN_IN_FAILED"
    own = pb.DisableOperatorRequest(name="bruno")
    assert refused(lambda: auth.operators.DisableOperator(own, metadata=bearer(supervisor))).reason == "OWN_ACCOUNT"
    nobody = pb.DisableOperatorRequest(name="nobody")
    assert refused(lambda: auth.operators.DisableOperator(nobody, metadata=bearer(supervisor))).kind is Kind.NOT_FOUND


def reset(auth: Auth, supervisor: str, name: str) -> pb.ResetOperatorResponse:
    return auth.operators.ResetOperator(pb.ResetOperatorRequest(name=name), metadata=bearer(supervisor))


def test_colleague_who_lost_everything_gets_it_anew_and_stays_who_they_are(auth: Auth, supervisor: str, clock: SetClock) -> None:
    made = auth.operators.CreateOperator(pb.CreateOperatorRequest(name="carla", role="reviewer"), metadata=bearer(supervisor))
    old = own_password(auth, auth.operator("carla", made.password, app_of(made.otpauth_uri).at(clock.now)).session.token)
    with auth.database.transaction() as connection:  # the app is locked by guesses
        locked = {"wrong_totps": 20, "totp_locked_until": clock.now + timedelta(hours=1)}
        connection.execute(sa.update(OPERATORS).where(OPERATORS.c.name == "carla").values(locked))
    fresh = reset(auth, supervisor, " Carla ")
    assert not auth.introspect(old).active
    for password, factor in (
        (PASSWORD, app_of(fresh.otpauth_uri).at(clock.now)),
        (fresh.password, app_of(made.otpauth_uri).at(clock.now)),
        (fresh.password, made.recovery_codes[0]),
    ):
        assert refused(partial(auth.operator, "carla", password, factor)).reason == "SIGN_IN_FAILED"
    first = auth.operator("carla", fresh.password, app_of(fresh.otpauth_uri).at(clock.now)).session
    assert first.password_change_required
    now = auth.introspect(own_password(auth, first.token))
    assert (now.operator_id, now.role) == (made.operator_id, "reviewer")
    assert auth.operator("carla", PASSWORD, fresh.recovery_codes[0]).session.token
    (record,) = (entry for entry in auth.audited("") if entry["event"] == "OPERATOR_RESET")
    assert record["operator_id"] == auth.introspect(supervisor).operator_id


def test_nobody_resets_themselves_or_who_is_disabled(auth: Auth, supervisor: str) -> None:
    auth.operators.CreateOperator(pb.CreateOperatorRequest(name="carla", role="reviewer"), metadata=bearer(supervisor))
    auth.operators.DisableOperator(pb.DisableOperatorRequest(name="carla"), metadata=bearer(supervisor))
    for name, reason in (("bruno", "OWN_ACCOUNT"), ("carla", "OPERATOR_DISABLED"), ("nobody", "OPERATOR_NOT_FOUND")):
        assert refused(partial(reset, auth, supervisor, name)).reason == reason


def test_recovery_code_stands_in_for_the_app_once_also_at_once(auth: Auth, bruno: Enrolled) -> None:
    codes = bruno.recovery_codes

    def sign_in(typed: str) -> str:
        try:
            return auth.operator("bruno", PASSWORD, typed).session.token
        except grpc.RpcError:
            return ""

    with ThreadPoolExecutor(6) as pool:
        tokens = [token for token in pool.map(sign_in, [codes[0]] * 6) if token]
    assert len(tokens) == 1
    assert list(auth.introspect(tokens[0]).amr) == ["pwd", "recovery_code"]
    assert refused(partial(auth.operator, "bruno", "wrong", codes[1])).reason == "SIGN_IN_FAILED"
    assert sign_in(codes[1].replace("-", "").upper())


def test_operators_are_listed_for_supervisors(auth: Auth, supervisor: str, clock: SetClock) -> None:
    made = auth.operators.CreateOperator(
        pb.CreateOperatorRequest(name="Anna", role="auditor", customer_id="C8"), metadata=bearer(supervisor)
    )
    clock.forward(minutes=1)
    auditor = auth.operator("anna", made.password, made.recovery_codes[3]).session.token
    auth.operators.DisableOperator(pb.DisableOperatorRequest(name="anna"), metadata=bearer(supervisor))
    listed = auth.operators.ListOperators(pb.ListOperatorsRequest(), metadata=bearer(supervisor)).operators
    assert [(one.name, one.role, one.customer_id, one.recovery_codes_left) for one in listed] == [
        ("anna", "auditor", "C8", 9),
        ("bruno", "supervisor", "C3", 10),
    ]
    assert [one.HasField("disabled_at") for one in listed] == [True, False]
    dead = refused(lambda: auth.operators.ListOperators(pb.ListOperatorsRequest(), metadata=bearer(auditor)))
    assert dead.kind is Kind.UNAUTHENTICATED


def test_new_recovery_codes_make_the_old_ones_worthless(auth: Auth, supervisor: str, bruno: Enrolled, clock: SetClock) -> None:
    old = bruno.recovery_codes

    def renew(code: str) -> list[str]:
        request = pb.RenewRecoveryCodesRequest(totp=code)
        return list(auth.operators.RenewRecoveryCodes(request, metadata=bearer(supervisor)).recovery_codes)

    used = app_of(bruno.uri).at(clock.now)
    for code in ("", "000000", used):  # a session alone makes no codes
        assert refused(partial(renew, code)).violations[0].reason == "WRONG"
    clock.forward(seconds=30)
    new = renew(app_of(bruno.uri).at(clock.now))
    assert len(set(new)) == 10
    assert not set(new) & set(old)
    assert refused(partial(auth.operator, "bruno", PASSWORD, old[0])).reason == "SIGN_IN_FAILED"
    assert auth.operator("bruno", PASSWORD, new[0]).session.token
    newer = renew(new[1])
    assert not set(newer) & set(new)
    for _ in range(5):
        refused(partial(renew, "000000"))
    assert refused(partial(renew, newer[0])).kind is Kind.RESOURCE_EXHAUSTED
    with auth.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT body FROM audit").all())
    assert "OPERATOR_CODES_RENEWED" in kept
    assert not any(code in kept for code in new)


@pytest.mark.parametrize("typed", ["320 1234519", "Maria.Rossi@example.com"])
def test_customer_is_found_by_user_name_or_contact(auth: Auth, supervisor: str, typed: str) -> None:
    def by_contact(contact: str) -> pb.ExplainSignInResponse:
        return auth.operators.ExplainSignIn(pb.ExplainSignInRequest(contact=contact), metadata=bearer(supervisor))

    auth.register()
    found = by_contact(typed)
    assert (found.customer_id, found.customer_name, found.masked_username) == ("C1", "Maria Rossi", "320 *****19")
    assert refused(lambda: by_contact("famiglia.verdi@example.com")).reason == "SEVERAL_CUSTOMERS"
    auth.register("Luca", "Verdi", "famiglia.verdi@example.com")
    assert by_contact("famiglia.verdi@example.com").customer_id == "C5"
    assert refused(lambda: by_contact("nobody@example.com")).kind is Kind.NOT_FOUND
    assert refused(lambda: by_contact("12")).violations[0].field == "contact"
    assert refused(lambda: by_contact("")).violations[0].field == "customer_id"


def test_locked_user_name_is_explained_and_unlocked(auth: Auth, supervisor: str) -> None:
    assert obstacles(auth, supervisor) == [("NOT_REGISTERED", True)]
    auth.register()
    assert obstacles(auth, supervisor) == []
    for n in range(11):
        refused(partial(auth.password, password="guess", ip=f"203.0.113.{n}"))
    found = explained(auth, supervisor)
    assert [(one.code, one.blocks) for one in found.obstacles] == [("USERNAME_LOCKED", True), ("FAILED_ATTEMPTS", False)]
    assert found.obstacles[0].HasField("until")
    assert found.masked_username == "320 *****19"
    locked = next(event for event in found.events if event.event == "SIGN_IN_FAILED")
    assert locked.details["locked"] == "true"
    unlock(auth, supervisor)
    assert auth.password().code_required.sign_in_id
    assert {"CUSTOMER_UNLOCKED", "CUSTOMER_EXPLAINED"} <= {entry["event"] for entry in auth.audited() if entry["operator_id"]}


def test_locked_codes_are_unlocked_and_disabled_ones_are_not(auth: Auth, supervisor: str, clock: SetClock) -> None:
    auth.register()
    wrong_codes(auth, 20, clock.now + timedelta(hours=1))
    assert ("CODES_LOCKED", True) in obstacles(auth, supervisor)
    assert refused(auth.password).reason == "CODES_LOCKED"
    unlock(auth, supervisor)
    assert auth.password().code_required.sign_in_id
    wrong_codes(auth, 100)
    assert ("CODES_DISABLED", True) in obstacles(auth, supervisor)
    assert refused(lambda: unlock(auth, supervisor)).reason == "CODES_DISABLED"


def test_supervisor_does_not_unlock_themselves(auth: Auth, supervisor: str) -> None:
    auth.register("Anna", "Verdi", "3331234567")
    assert refused(lambda: unlock(auth, supervisor, "C3")).reason == "OWN_ACCOUNT"
    assert refused(lambda: unlock(auth, supervisor, "C0")).kind is Kind.NOT_FOUND
    assert refused(lambda: unlock(auth, supervisor, "C2")).kind is Kind.NOT_FOUND
    assert refused(lambda: explained(auth, supervisor, "C0")).kind is Kind.NOT_FOUND


def test_changes_are_explained_with_their_times(auth: Auth, supervisor: str, clock: SetClock) -> None:
    auth.register("Nicolo", "Dangelo", "nicolo.dangelo@example.com")
    assert obstacles(auth, supervisor, "C2") == [("NO_MOBILE_ON_FILE", True)]
    clock.forward(minutes=1)
    auth.change(customer_id="C2")
    found = explained(auth, supervisor, "C2").obstacles
    assert [(one.code, one.at.ToDatetime()) for one in found] == [("CONTACT_CHANGED", clock.now.replace(tzinfo=None))]


def test_session_of_a_customer_does_not_supervise(auth: Auth) -> None:
    auth.register()
    token = auth.sign_in()
    assert auth.introspect(token).kind == session_pb2.KIND_SESSION
    assert refused(lambda: explained(auth, token)).kind is Kind.UNAUTHENTICATED
