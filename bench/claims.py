"""What a list and a claim cost with 10,000 claims in the store, beside what they cost with 100, in the same run.

.venv/bin/python -m bench.claims [--rounds N]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

import recapito_claims
from bench import report
from recapito_claims.domain import filing
from recapito_claims.domain.claim import Attachment, AttachmentKind, Category, ClaimKind, Details, Event, Expense
from recapito_claims.flows.read_claims import get_claim, get_filed, list_claims
from recapito_claims.store import claims as store
from recapito_claims.store import handling, reading
from recapito_servicekit.sql import Database, migrate

FEW: Final = 100
MANY: Final = 10_000
OF_A_CUSTOMER: Final = 10
CALLS: Final = 100
START: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Stock:
    """A store with so many claims, and the claim that is asked for."""

    database: Database
    customer_id: str
    claim_id: str


def stock(folder: Path, count: int) -> Stock:
    """Fills a store with filed claims of ``OF_A_CUSTOMER`` each, two expenses and two documents a claim."""
    url = f"sqlite:///{folder / str(count)}.sqlite"
    migrate(url, Path(recapito_claims.__file__).parent)
    database = Database(url, 1)
    for start in range(0, count, 500):
        with database.transaction() as connection:
            for number in range(start, min(count, start + 500)):
                _put(connection, number)
    return Stock(database, "C-1", f"{OF_A_CUSTOMER + 1:032x}")


def _put(connection: sa.Connection, number: int) -> None:
    claim_id, customer_id = f"{number:032x}", f"C-{number // OF_A_CUSTOMER}"
    at = START + timedelta(minutes=number)
    details = Details(kind=ClaimKind.ILLNESS, event_date=at.date(), policy_number="POL-1", iban="IT60X0542811101000000123456")
    store.insert_draft(connection, claim_id, customer_id, f"r{number}", details, at)
    for place in range(2):
        expense = Expense(f"{number:030x}{place:02x}", "Studio Rossi", f"{number}/{place}", at.date(), 12_345, Category.VISIT)
        store.insert_expense(connection, claim_id, f"e{place}", expense)
        attachment = Attachment(f"{number:030x}{place:02x}", AttachmentKind.INVOICE, "a.png", "image/png", 9, f"{place:064x}", 1)
        store.insert_attachment(connection, claim_id, replace(attachment, sha256=f"{number * 2 + place:064x}"), "k1", b"k", at)
    claim = reading.find(connection, customer_id, claim_id)
    assert claim is not None
    store.file(connection, claim, filing.claim_number(2026, number + 1), f"s{number}", "0" * 64, at)
    handling.note(connection, claim_id, Event.SUBMITTED, at)


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


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        few, many = stock(Path(name), FEW), stock(Path(name), MANY)
        acts: dict[str, Callable[[Stock], object]] = {
            "a customer's list": lambda it: list_claims(it.database, it.customer_id, None, 25),
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
            rows.append(report.compare(what, f"the same with {FEW} claims", 1, *sides))
            cost = statistics.median(one["cpu_ms"] for one in sides[0]) / statistics.median(one["cpu_ms"] for one in sides[1])
            print(f"{what}: with {MANY} claims {cost:.2f} x what it costs with {FEW}")
        report.write("claims", rows)


if __name__ == "__main__":
    main()
