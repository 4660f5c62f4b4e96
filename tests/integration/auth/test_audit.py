"""The audit: whole under parallel calls, broken wherever somebody touches it, without secrets."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

import recapito_auth
from recapito_auth.domain.chain import Entry, Event, digest
from recapito_auth.flows.verify_audit import verify_audit
from recapito_auth.store import audit
from recapito_auth.store.audit import Head
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, refused
from tests.support.serving import run_command


@pytest.fixture
def head(auth: Auth) -> Head:
    """A registration and a sign-in, recorded."""
    auth.register()
    auth.trusted()
    refused(partial(auth.password, password="wrong password"))
    with auth.database.read() as connection:
        return audit.head(connection)


def tamper(auth: Auth, *statements: str) -> None:
    """Does what who owns the database can do."""
    with auth.database.transaction() as connection:
        sqlite = connection.dialect.name == "sqlite"
        for trigger in ("audit_no_update", "audit_no_delete") if sqlite else ("audit_append_only ON audit",):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_every_event_is_recorded_somewhere() -> None:
    flows = "".join(path.read_text() for path in Path(recapito_auth.__file__).parent.rglob("*.py") if path.name != "chain.py")
    assert [event.name for event in Event if f"Event.{event.name}" not in flows] == []


def test_what_happened_is_recorded_in_its_order(auth: Auth, head: Head) -> None:
    events = [entry["event"] for entry in auth.audited()]
    assert events == [
        "REGISTRATION_STARTED",
        "REGISTRATION_CODE_CHECKED",
        "ACCOUNT_OPENED",
        "SIGN_IN_CODE_ASKED",
        "SIGNED_IN",
        "DEVICE_TRUSTED",
        "SIGN_IN_FAILED",
    ]
    assert {entry["caller"] for entry in auth.audited()} == {"portal"}
    assert all(entry["request_id"] for entry in auth.audited())
    found = verify_audit(auth.database, head)
    assert (found.broken_at, found.records, found.head) == (None, head.seq, head)


def test_audit_takes_no_update_and_no_delete(auth: Auth, head: Head) -> None:
    for statement in ("UPDATE audit SET event = 'X'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), auth.database.transaction() as connection:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statements", "broken", "why"),
    [
        (["UPDATE audit SET body = replace(body, '192.0.2.9', '192.0.2.8') WHERE event = 'SIGN_IN_FAILED'"], -1, "changed"),
        (["UPDATE audit SET event = 'SIGNED_IN' WHERE event = 'SIGN_IN_FAILED'"], -1, "columns"),
        (["UPDATE audit SET customer_id = 'C2' WHERE seq = 3"], 3, "columns"),
        (["DELETE FROM audit WHERE seq = 3"], 3, "missing"),
        (["DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)"], -1, "end of the chain"),
        (["UPDATE audit SET seq = 1003 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 4",
          "UPDATE audit SET seq = 4 WHERE seq = 1003"], 3, "does not follow"),
    ],
)  # fmt: skip
def test_tampering_is_found_where_it_was_done(auth: Auth, head: Head, statements: list[str], broken: int, why: str) -> None:
    tamper(auth, *statements)
    found = verify_audit(auth.database, None)
    assert found.broken_at == (broken if broken > 0 else head.seq)
    assert why in found.why


def test_record_that_was_changed_with_its_hash_breaks_the_next_one(auth: Auth, head: Head) -> None:
    with auth.database.read() as connection:
        body = next(record.body for record in audit.records(connection) if record.seq == 3)
    forged = body.replace("C1", "C9")
    assert forged != body
    tamper(auth, f"UPDATE audit SET body = '{forged}', customer_id = 'C9', hash = '{digest(forged)}' WHERE seq = 3")
    assert verify_audit(auth.database, None).broken_at == 4


def test_end_that_was_cut_off_with_its_head_is_shown_by_an_anchor(auth: Auth, head: Head) -> None:
    last = head.seq
    tamper(
        auth,
        f"UPDATE audit_head SET seq = {last - 1}, hash = (SELECT hash FROM audit WHERE seq = {last - 1})",
        f"DELETE FROM audit WHERE seq = {last}",
    )
    assert verify_audit(auth.database, None).broken_at is None
    assert "anchor" in verify_audit(auth.database, head).why


def test_many_writers_at_once_make_one_chain(auth: Auth, clock: SetClock) -> None:
    def append(number: int) -> int:
        with auth.database.transaction() as connection:
            return audit.append(connection, clock(), Entry(Event.SIGN_IN_FAILED, f"C{number}"))

    with ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(append, range(64)))
    assert len(set(seqs)) == 64
    assert verify_audit(auth.database, None).broken_at is None


def test_transaction_that_fails_leaves_no_record_and_no_gap(auth: Auth, clock: SetClock) -> None:
    def fail() -> None:
        with auth.database.transaction() as connection:
            audit.append(connection, clock(), Entry(Event.SIGNED_IN, "C1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert auth.audited() == []
    assert verify_audit(auth.database, None).broken_at is None


def test_no_secret_and_no_full_contact_lies_in_the_audit(auth: Auth, head: Head) -> None:
    token = auth.sign_in()
    with auth.database.read() as connection:
        kept = " ".join(record.body for record in audit.records(connection))
    for secret in (PASSWORD, token, *auth.otp.codes, "3201234519", "maria.rossi@example.com"):
        assert secret not in kept


def test_command_says_whole_or_where_it_breaks(auth: Auth, head: Head) -> None:
    done = run_command("auth", ["verify-audit", "--anchor", f"{head.seq}:{head.hash}"], auth.environment)
    assert (done.returncode, f"anchor {head.seq}:{head.hash}" in done.stdout) == (0, True), done.stderr
    tamper(auth, "DELETE FROM audit WHERE seq = 2")
    done = run_command("auth", ["verify-audit"], auth.environment)
    assert (done.returncode, "broken at record 2" in done.stdout) == (1, True)
