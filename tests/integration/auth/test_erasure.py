"""A customer's account is handed over and erased; what stays is named, the audit stays whole, and they may come back."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from recapito.auth.v1 import privacy_pb2, privacy_pb2_grpc
from recapito.auth.v1 import registry_pb2 as registry
from recapito.otp.v1 import otp_pb2

from recapito_auth.flows.verify_audit import verify_audit
from recapito_auth.store.tables import METADATA
from tests.integration.auth.service import REGISTRY, Auth, refused

MOBILE = "+393201234519"


def stub(auth: Auth) -> privacy_pb2_grpc.AccountPrivacyServiceStub:
    return privacy_pb2_grpc.AccountPrivacyServiceStub(auth.channel("internal"))


def erase(auth: Auth, customer_id: str = "C1", **fields: bool) -> privacy_pb2.EraseCustomerResponse:
    return stub(auth).EraseCustomer(privacy_pb2.EraseCustomerRequest(customer_id=customer_id, **fields), timeout=30)


def told(auth: Auth) -> None:
    """Every notice went out."""
    with auth.database.transaction() as connection:
        connection.execute(METADATA.tables["outbox"].delete())


def rows_of(auth: Auth, customer_id: str) -> dict[str, int]:
    """How many rows name a customer, by table."""
    found = {}
    with auth.database.read() as connection:
        for table in METADATA.sorted_tables:
            rows = [str(row) for row in connection.execute(table.select())]
            count = sum(customer_id in row or MOBILE in row for row in rows)
            if count:
                found[table.name] = count
    return found


def test_everything_of_the_account_goes_and_what_stays_is_named(auth: Auth) -> None:
    auth.register()
    token, device = auth.trusted()
    auth.change()  # a new mobile, so that there is an answer and something told to the company
    told(auth)
    before = rows_of(auth, "C1")
    assert {"accounts", "applied_changes"} <= before.keys()
    would = erase(auth, dry_run=True)
    assert rows_of(auth, "C1") == before
    done = erase(auth)
    assert done == would
    assert [what.partition(" of ")[0] for what in done.gone] == ["the account", "1 answer to a change"]
    assert [(kept.what.partition(":")[0], kept.rule.partition(":")[0], kept.until) for kept in done.kept] == [
        ("the registry entry", "GDPR 6(1)(b), 17(3)(b)", ""),
        ("the audit", "GDPR 5(2), 17(3)(e)", ""),
    ]
    assert rows_of(auth, "C1").keys() == {"customers", "contact_changes", "audit"}
    assert not auth.introspect(token).active
    assert refused(lambda: auth.password("3471112223")).reason == "SIGN_IN_FAILED"
    assert refused(lambda: auth.password("3471112223", device_token=device)).reason == "SIGN_IN_FAILED"
    assert [event["event"] for event in auth.audited()][-1] == "CUSTOMER_ERASED"
    assert verify_audit(auth.database, None).broken_at is None
    assert erase(auth).gone == []
    assert [event["event"] for event in auth.audited()].count("CUSTOMER_ERASED") == 1


def test_nothing_under_way_brings_the_account_back_and_the_customer_registers_anew(auth: Auth) -> None:
    started = auth.start("Maria", "Rossi", "3201234519")
    auth.verify(started.registration_id, auth.otp.codes[-1])
    auth.complete(started.registration_id)
    half = auth.password().code_required
    token = auth.sign_in()
    stepping = auth.step_up(token, purpose="step_up")
    recovery = auth.recover().recovery_id
    code = auth.otp.codes[-1]
    erase(auth)
    assert refused(lambda: auth.complete(started.registration_id)).reason == "CONTACT_NOT_VERIFIED"
    assert refused(lambda: auth.code(half.sign_in_id, code)).reason == "SIGN_IN_NOT_FOUND"
    assert refused(lambda: auth.complete_step_up(token, stepping.challenge_id, code)).reason == "NOT_SIGNED_IN"
    if auth.recovery_code(recovery, code).outcome == otp_pb2.OUTCOME_APPROVED:
        assert refused(lambda: auth.new_password(recovery, "un’altra lunga parola")).reason == "RECOVERY_NOT_VERIFIED"
    auth.register()
    assert auth.introspect(auth.sign_in()).active


def test_a_frozen_customer_and_one_who_is_still_to_be_told_stay(auth: Auth) -> None:
    auth.register()
    auth.registry.FreezeCustomer(registry.FreezeCustomerRequest(customer_id="C1"))
    for dry_run in (True, False):
        assert refused(lambda: erase(auth, dry_run=dry_run)).reason == "CUSTOMER_FROZEN"  # noqa: B023 - called at once
    auth.registry.UnfreezeCustomer(registry.UnfreezeCustomerRequest(customer_id="C1"))
    recovery = auth.recover().recovery_id
    auth.recovery_code(recovery, auth.otp.codes[-1])
    auth.recovery_code(recovery, auth.otp.codes[-1])
    auth.new_password(recovery, "un’altra lunga parola")
    assert refused(lambda: erase(auth)).reason == "NOTICES_WAITING"
    with auth.database.transaction() as connection:  # one that gave up holds nobody, and goes
        outbox = METADATA.tables["outbox"]
        connection.execute(outbox.update().values(dead_at=outbox.c.created_at))
    assert [what for what in erase(auth).gone if "gave up" in what] == ["2 notices that gave up"]
    assert auth.notices() == []


def test_the_registry_entry_goes_where_the_company_says_so_and_an_import_brings_it_back(auth: Auth, tmp_path: Path) -> None:
    auth.register()
    old = auth.sign_in()
    assert erase(auth, registry_entry=True).gone[-1] == "the registry entry"
    assert rows_of(auth, "C1").keys() == {"audit"}
    assert refused(auth.customer).reason == "CUSTOMER_NOT_FOUND"
    assert erase(auth).gone == []
    auth.import_text(REGISTRY, tmp_path / "again.csv")
    assert not auth.introspect(old).active, "its epoch is the new entry's"
    auth.register()
    assert auth.introspect(auth.sign_in()).active
    assert not auth.introspect(old).active


def test_erasures_and_the_customers_own_calls_side_by_side_leave_all_or_nothing(auth: Auth) -> None:
    auth.register()
    auth.trusted()
    required = auth.password().code_required
    code = auth.otp.codes[-1]

    def sign_in(_: int) -> str:
        try:
            return auth.code(required.sign_in_id, code, trust=True).session.token
        except Exception:  # whatever it is refused with
            return ""

    with ThreadPoolExecutor(8) as pool:
        signing = pool.map(sign_in, range(4))
        erasing = pool.map(lambda _: len(erase(auth).gone), range(4))
        tokens, gone = list(signing), list(erasing)
    assert sum(1 for count in gone if count) == 1
    assert rows_of(auth, "C1").keys() <= {"customers", "audit"}
    assert not any(auth.introspect(token).active for token in tokens if token)
    assert verify_audit(auth.database, None).broken_at is None


def test_without_otp_the_account_goes_and_the_caller_is_told_to_say_it_again(auth: Auth) -> None:
    auth.register()
    token = auth.sign_in()
    auth.otp._server.stop()
    auth.otp._server.stop = lambda: None  # type: ignore[method-assign]
    assert refused(lambda: erase(auth)).kind == "UNAVAILABLE"
    assert not auth.introspect(token).active, "the account is gone, and with it what was signed in"
    assert rows_of(auth, "C1").keys() == {"customers", "audit"}


def test_what_is_kept_is_handed_over_without_secrets_and_that_is_recorded(auth: Auth) -> None:
    auth.register()
    auth.trusted()
    pieces = list(stub(auth).ExportCustomer(privacy_pb2.ExportCustomerRequest(customer_id="C1"), timeout=30))
    assert pieces[0].name == "auth/auth.json"
    found: dict[str, Any] = json.loads(b"".join(piece.chunk for piece in pieces))
    assert found["customers"][0]["mobile"] == MOBILE
    assert [len(found[name]) for name in ("accounts", "devices", "networks")] == [1, 1, 1]
    text = json.dumps(found)
    assert not any(secret in text for secret in ("argon2", "token_digest", "C2", "dangelo"))
    assert auth.audited()[-1]["event"] == "CUSTOMER_EXPORTED"
    assert refused(lambda: list(stub(auth).ExportCustomer(privacy_pb2.ExportCustomerRequest()))).reason == "REQUIRED"
