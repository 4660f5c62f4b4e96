"""What a list and a claim cost with 10,000 claims in the store, beside what they cost with 100, in the same run.

.venv/bin/python -m bench.claims [--rounds N]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

import recapito_claims
from bench import report
from recapito_claims.domain import filing
from recapito_claims.domain.claim import Attachment, AttachmentKind, Category, ClaimKind, Details, Event, Expense
from recapito_claims.flows.read_claims import get_claim, get_filed, list_claims
from recapito_claims.store import claims as store
from recapito_claims.store import handling, reading, tables
from recapito_servicekit.sql import Database, migrate

FEW: Final = 100
MANY: Final = 10_000
OF_A_CUSTOMER: Final = 10
CALLS: Final = 100
FILLED: Final = (tables.claims, tables.expenses, tables.attachments, tables.claim_steps)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Stock:
    """A store with so many claims, and the claim that is asked for."""

    database: Database
    customer_id: str
    claim_id: str


def stock(folder: Path, count: int) -> Stock:
    """Fills a store with filed claims, ``OF_A_CUSTOMER`` each, two expenses and two documents a claim: copies of one."""
    url = f"sqlite:///{folder / str(count)}.sqlite"
    migrate(url, Path(recapito_claims.__file__).parent)
    database = Database(url, 1)
    with database.transaction() as connection:
        _file(connection)
        first = {table: [dict(row._mapping) for row in connection.execute(sa.select(table))] for table in FILLED}
    with database.transaction() as connection:
        for table, rows in first.items():
            connection.execute(table.insert(), [_copy(row, number) for number in range(1, count) for row in rows])
    return Stock(database, "C-1", f"{OF_A_CUSTOMER + 1:032x}")


def _file(connection: sa.Connection) -> None:
    """The claim with the number 0."""
    claim_id = f"{0:032x}"
    details = Details(kind=ClaimKind.ILLNESS, event_date=START.date(), policy_number="POL-1", iban="IT60X0542811101000000123456")
    store.insert_draft(connection, claim_id, "C-0", "r", details, START)
    for place in range(2):
        expense = Expense(f"{place:032x}", "Studio Rossi", f"{place}", START.date(), 12_345, Category.VISIT)
        store.insert_expense(connection, claim_id, f"e{place}", expense)
        attachment = Attachment(f"{place:032x}", AttachmentKind.INVOICE, "a.png", "image/png", 9, f"{place:064x}", 1)
        store.insert_attachment(connection, claim_id, attachment, "k1", b"k", START)
    claim = reading.find(connection, "C-0", claim_id)
    assert claim is not None
    store.file(connection, claim, filing.claim_number(2026, 1), "s", "0" * 64, START)
    handling.note(connection, claim_id, Event.SUBMITTED, START)


def _copy(row: dict[str, Any], number: int) -> dict[str, Any]:
    """A row as the claim with that number would have it."""
    own: dict[str, Any] = {"claim_id": f"{number:032x}", "customer_id": f"C-{number // OF_A_CUSTOMER}"}
    own |= {"claim_number": filing.claim_number(2026, number + 1), "seq": row.get("seq", 0) + number}
    own |= {name: f"{number:016x}{row[name][16:]}" for name in ("expense_id", "attachment_id", "fingerprint") if row.get(name)}
    if "customer_id" in row:
        own["request_id"] = f"r{number}"
    if "created_at" in row:
        own["created_at"] = row["created_at"] + timedelta(minutes=number)
    return {name: own.get(name, value) for name, value in row.items()}


def told(act: Callable[[], object]) -> dict[str, float]:
    """One round."""
    slowest, started, cpu = 0.0, time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        before = time.perf_counter()
        act()
        slowest = max(slowest, time.perf_counter() - before)
    seconds = time.perf_counter() - started
    spent = (time.process_time() - cpu) * 1000 / CALLS
    return {"calls": CALLS, "seconds": seconds, "cpu_ms": spent, "slowest_ms": slowest * 1000}


def measure(rounds: int) -> list[report.Row]:
    """A list, a claim, a claim for the handler."""
    with tempfile.TemporaryDirectory() as name:
        few, many = stock(Path(name), FEW), stock(Path(name), MANY)
        acts: dict[str, Callable[[Stock], object]] = {
            "a customer's list of claims": lambda it: list_claims(it.database, it.customer_id, None, 25),
            "a customer's claim": lambda it: get_claim(it.database, it.customer_id, it.claim_id),
            "a claim for the handler": lambda it: get_filed(it.database, it.claim_id, ""),
        }
        rows = []
        for what, act in acts.items():
            act(few), act(many)
            sides: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
            for _ in range(rounds):
                for side, it in zip(sides, (many, few), strict=True):
                    side.append(told(lambda it=it, act=act: act(it)))  # type: ignore[misc]
            rows.append(report.compare(f"{what}, {MANY} in the store", f"the same with {FEW}", 1, *sides))
            cost = statistics.median(one["cpu_ms"] for one in sides[0]) / statistics.median(one["cpu_ms"] for one in sides[1])
            print(f"{what}: with {MANY} claims {cost:.2f} x what it costs with {FEW}", file=sys.stderr)
        few.database.close()
        many.database.close()
    return rows


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    report.write("claims", measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
