"""Contact change: from SubmitRequest to the case in the queue beside one broker round trip; the queue's page at 10,000 cases.

python -m bench.contact_change [--seconds 20] [--rate 20] [--rounds 5] [--stores embedded,production] [--together]
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import submission
from bench.report import RESULTS
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.flows.read_cases import ReadCases
from recapito_contact_change.store import cases
from recapito_contact_change.store.tables import CASES, CHANGES
from recapito_servicekit import sql
from recapito_servicekit.clock import system_clock
from recapito_servicekit.sql import Database

STORES = {"embedded": submission.embedded, "production": submission.production}


def main() -> None:
    """Measures, prints and keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stores", default="embedded,production", help="of the submission; empty: only the queue's page")
    parser.add_argument("--together", action="store_true", help="all background roles in one process")
    told = parser.parse_args()
    figures: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "cores": os.cpu_count(), "load": os.getloadavg()}
    with tempfile.TemporaryDirectory(prefix="recapito-bench-") as folder:
        figures["queue"] = queue_page(Path(folder), told.rounds) if told.rounds else {}
        figures["submission"] = []
        for name in filter(None, told.stores.split(",")):
            place = Path(folder) / name
            place.mkdir()
            with STORES[name](place) as stores:
                figures["submission"].append(submission.measure(place, stores, told.rate, told.seconds, split=not told.together))
    print(f"\ncontact change: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")
    if figures["queue"]:
        small, large = figures["queue"]["100"], figures["queue"]["10000"]
        ratio = large / small
        print(f"a page of 25 of the queue: {small:.2f} ms at 100 open cases, {large:.2f} ms at 10,000: {ratio:.2f} x (aim 1.2)")
    for seen in figures["submission"]:
        print(f"{seen['stores']}, {seen['rate']}/s, load {seen['load']:.1f}: submit -> case in the queue, ms: {seen['visible']}")
        print(f"  the call itself {seen['call']}, one broker round trip {seen['trip']}, CPU a request {seen['cpu_ms']}")
        print(
            f"  p99 is {seen['visible']['p99'] / seen['trip']['median']:.1f} round trips (aim 5); without a case: {seen['lost']}"
        )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "contact_change.json").write_text(json.dumps(figures, indent=2) + "\n")


# --- the queue's page ---------------------------------------------------------------------------------------------------


def queue_page(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds a page, by the number of open cases; the two measured in turns."""
    readers = {count: filled(folder / f"{count}.db", count) for count in (100, 10_000)}
    taken: dict[int, list[float]] = {count: [] for count in readers}
    for _ in range(rounds):
        for count, read in readers.items():
            for _ in range(20):
                read()
            started = time.process_time()
            for _ in range(200):
                read()
            taken[count].append((time.process_time() - started) / 200 * 1000)
    return {str(count): statistics.median(each) for count, each in taken.items()}


def filled(file: Path, count: int) -> Callable[[], object]:
    """A database with so many open cases, as many decided ones again, and what reads a page of its queue."""
    url = f"sqlite:///{file}"
    sql.migrate(url, submission.PACKAGE)
    database = Database(url, 2)
    now = system_clock()
    changes, made = [], []
    for n in range(2 * count):
        open_, at = n % 2 == 0, now - timedelta(seconds=n)
        change_id = uuid.uuid4().hex
        changes.append({
            "change_id": change_id, "customer_id": f"C{n}", "request_id": "r", "state": "IN_REVIEW" if open_ else "APPLIED",
            "reason": "REPLACE", "new_mobile": f"+39347{n:07}", "mobile_confirmed": True, "notify_email": "a@b.test",
            "document_type": "PASSPORT", "document_number": f"YA{n:07}", "document_hash": f"k:{n}", "document_issuer": "Questura",
            "document_issued_on": now.date(), "document_expires_on": now.date(), "amr": "pwd", "submitted_at": at, "due_at": at,
            "reason_code": "",
        })  # fmt: skip
        made.append({
            "case_id": uuid.uuid4().hex, "change_id": change_id, "customer_name": "Ada Bianchi", "version": 1, "findings": "",
            "submitted_at": at, "is_open": open_,
        })  # fmt: skip
    with database.transaction() as tx:
        tx.execute(CHANGES.insert(), changes)
        tx.execute(CASES.insert(), made)
    reader = ReadCases(database, Registry.__new__(Registry), system_clock)
    return lambda: reader.page(cases.Filter(waiting=True), None, 25, newest_first=False)


if __name__ == "__main__":
    main()
