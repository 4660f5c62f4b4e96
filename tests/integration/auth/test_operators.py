"""Operators: password and TOTP, once; the command that enrols them."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grpc
import pyotp
import pytest
from recapito.auth.v1 import operator_pb2, session_pb2

from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, app_of, refused
from tests.support.serving import run_command


@pytest.fixture
def app(auth: Auth) -> pyotp.TOTP:
    """The authenticator app of the operator anna, who is customer C3."""
    return app_of(auth.enrol("Anna", customer_id="C3").uri)


def test_command_enrols_once_and_does_not_print_the_password_of_a_file(auth: Auth, clock: SetClock, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    arguments = ["create-operator", "Anna", "--role", "reviewer", "--customer-id", "C3", "--password-file", str(file)]
    done = run_command("auth", arguments, auth.environment)
    uri = re.search(r"^otpauth://\S+$", done.stdout, re.MULTILINE)
    assert uri is not None, done.stderr
    assert PASSWORD not in done.stdout
    codes = re.findall(r"^  ([a-z2-7]{4}(?:-[a-z2-7]{4}){3})$", done.stdout, re.MULTILINE)
    assert len(set(codes)) == 10
    assert auth.operator("anna", PASSWORD, app_of(uri.group()).at(clock.now)).session.token
    assert auth.operator("anna", PASSWORD, codes[0]).session.token
    assert run_command("auth", arguments, auth.environment).returncode == 1


def test_operator_signs_in_and_out(auth: Auth, app: pyotp.TOTP, clock: SetClock) -> None:
    session = auth.operator("ANNA", PASSWORD, app.at(clock.now)).session
    found = auth.introspect(session.token)
    assert (found.kind, found.role, found.operator_name, found.customer_id, list(found.amr)) == (
        session_pb2.KIND_OPERATOR,
        "reviewer",
        "anna",
        "C3",
        ["pwd", "totp"],
    )
    auth.operators.SignOut(operator_pb2.SignOutRequest(), metadata=bearer(session.token))
    assert not auth.introspect(session.token).active


def test_operators_session_outlives_a_change_of_their_own_mobile_but_not_fifteen_idle_minutes(
    auth: Auth, app: pyotp.TOTP, clock: SetClock
) -> None:
    token = auth.operator("anna", PASSWORD, app.at(clock.now)).session.token
    auth.change(customer_id="C3")
    assert auth.introspect(token).active
    clock.forward(minutes=15, seconds=1)
    assert not auth.introspect(token).active


def test_operators_session_ends_after_twelve_hours_however_busy(auth: Auth, app: pyotp.TOTP, clock: SetClock) -> None:
    token = auth.operator("anna", PASSWORD, app.at(clock.now)).session.token
    for _ in range(51):
        clock.forward(minutes=14)
        assert auth.introspect(token).active
    clock.forward(minutes=6)
    assert not auth.introspect(token).active


def test_totp_is_accepted_once_also_at_once(auth: Auth, app: pyotp.TOTP, clock: SetClock) -> None:
    code = app.at(clock.now)

    def sign_in(_: int) -> bool:
        try:
            return bool(auth.operator("anna", PASSWORD, code).session.token)
        except grpc.RpcError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(sign_in, range(8))) == 1
    clock.forward(seconds=30)
    assert auth.operator("anna", PASSWORD, app.at(clock.now)).session.token


def test_wrong_unknown_and_stale_get_one_answer(auth: Auth, app: pyotp.TOTP, clock: SetClock) -> None:
    now = app.at(clock.now)
    tries = [("anna", "wrong", now), ("anna", PASSWORD, "000000"), ("nobody", PASSWORD, now), ("anna", PASSWORD, "")]
    tries.append(("anna", PASSWORD, app.at(clock.now, counter_offset=-2)))
    refusals = [refused(partial(auth.operator, *t)) for t in tries]
    assert {(r.kind, r.reason, r.message) for r in refusals} == {(Kind.UNAUTHENTICATED, "SIGN_IN_FAILED", refusals[0].message)}


def test_who_knows_the_password_does_not_guess_the_app(auth: Auth, clock: SetClock) -> None:
    """Ten tries in five minutes are 2,880 a day, and three codes fit at a time (NIST SP 800-63B-4, 3.2.2: 100 in a row)."""
    enrolled = auth.enrol("Anna")
    app, password = app_of(enrolled.uri), partial(auth.operator, "anna", PASSWORD)

    def guess(times: int) -> None:
        for number in range(times):
            if number % 10 == 0:
                clock.forward(minutes=5, seconds=1)
            assert refused(lambda: password("000000")).reason == "SIGN_IN_FAILED"

    guess(20)
    clock.forward(minutes=5, seconds=1)
    assert refused(lambda: password(app.at(clock.now))).reason == "SIGN_IN_FAILED"
    clock.forward(hours=1)
    assert password(app.at(clock.now)).session.token
    guess(100)
    clock.forward(hours=2)
    assert refused(lambda: password(app.at(clock.now))).reason == "SIGN_IN_FAILED"
    assert password(enrolled.recovery_codes[0]).session.token


def test_eleventh_attempt_on_an_operator_fails_like_a_wrong_one(auth: Auth, app: pyotp.TOTP, clock: SetClock) -> None:
    for _ in range(10):
        assert refused(lambda: auth.operator("anna", "x", "000000")).kind is Kind.UNAUTHENTICATED
    assert refused(lambda: auth.operator("anna", PASSWORD, app.at(clock.now))).reason == "SIGN_IN_FAILED"
    clock.forward(minutes=5, seconds=1)
    assert auth.operator("anna", PASSWORD, app.at(clock.now)).session.token
