"""Contact change: from SubmitRequest to the case in the queue beside one broker round trip; the queue's page at 10,000 cases.

python -m bench.contact_change [--seconds 20] [--rate 20] [--rounds 5]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recapito.contact_change.v1 import contact_change_pb2 as pb

from bench.report import RESULTS
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.flows.read_cases import ReadCases
from recapito_contact_change.store import cases
from recapito_contact_change.store.tables import CASES, CHANGES, DOCUMENTS
from recapito_servicekit import sql
from recapito_servicekit.clock import system_clock
from recapito_servicekit.queues import connect, queue
from recapito_servicekit.sql import Database
from tests.integration.contact_change.system import PACKAGE, System
from tests.support.pki import Pki
from tests.support.redis import RedisServer
from tests.support.serving import ROOT, wait_serving
from tests.support.smtp import SmtpSink

ECHO = """
import sys
from recapito_servicekit.queues import connect, queue
with connect(sys.argv[1]) as connection:
    producer = connection.Producer()
    def answer(message):
        producer.publish("x", exchange="", routing_key="bench.back", delivery_mode=2)
        message.ack()
    with connection.Consumer([queue("bench.there")], on_message=answer, prefetch_count=1):
        print("ready", flush=True)
        while True:
            try:
                connection.drain_events(timeout=1)
            except TimeoutError:
                pass
"""


def main() -> None:
    """Measures, prints and keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    figures: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "cores": os.cpu_count(), "load": os.getloadavg()}
    with tempfile.TemporaryDirectory(prefix="recapito-bench-") as folder:
        figures["queue"] = queue_page(Path(folder), told.rounds)
        figures["visible"] = visible(Path(folder), told.rate, told.seconds)
    print(f"\ncontact change: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")
    small, large = figures["queue"]["100"], figures["queue"]["10000"]
    print(
        f"a page of 25 of the queue: {small:.2f} ms at 100 open cases, {large:.2f} ms at 10,000: {large / small:.2f} x (aim 1.2)"
    )
    seen = figures["visible"]
    print(
        f"submit -> case in the queue at {told.rate}/s: median {seen['median']:.1f} ms, p99 {seen['p99']:.1f} ms; "
        f"one broker round trip {seen['trip_median']:.2f} ms, p99 {seen['trip_p99']:.2f}: "
        f"p99 is {seen['p99'] / seen['trip_median']:.1f} round trips (aim 5)"
    )
    print(f"of which SubmitRequest itself: median {seen['submit_median']:.1f} ms")
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
    sql.migrate(url, PACKAGE)
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


# --- from the request to the case -----------------------------------------------------------------------------------------


def visible(folder: Path, rate: int, seconds: int) -> dict[str, float]:
    """Milliseconds from the call of SubmitRequest to the case's row, and of one broker round trip beside it."""
    pki, broker, mailbox = Pki(folder / "tls"), RedisServer(), SmtpSink()
    system = System(pki, folder, f"sqlite:///{folder / 'live.db'}", broker.url(1), mailbox, system_clock, serve=False)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RECAPITO_")},
        **system.environment,
        "RECAPITO_CONFIRM_NEW_MOBILE": "0",
        "RECAPITO_PUBLISH_AT_ONCE": "1",
        "RECAPITO_LOG_LEVEL": "WARNING",
    }
    processes = [
        subprocess.Popen([sys.executable, "-m", "recapito_contact_change", command], env=environment, cwd=ROOT)
        for command in ("serve", "work")
    ]
    try:
        wait_serving(pki, system.port)
        time.sleep(3)
        submitted(system, 5, rate, first=900_000)  # warm
        trips = round_trips(broker.url(1))
        waits, submits = submitted(system, rate * seconds, rate, first=1)
        trips += round_trips(broker.url(1))
    finally:
        for process in processes:
            process.terminate()
            process.wait(20)
        system.close()
        mailbox.stop()
        broker.stop()
    return {
        "median": statistics.median(waits),
        "p99": percentile(waits, 99),
        "submit_median": statistics.median(submits),
        "trip_median": statistics.median(trips),
        "trip_p99": percentile(trips, 99),
    }


def submitted(system: System, count: int, rate: int, first: int) -> tuple[list[float], list[float]]:
    """Files so many requests at that rate; milliseconds until each one's case was there, and that each call took."""
    forms = [(system.sign_in(f"C{n}"), n) for n in range(first, first + count)]
    documents = {n: stored(system, who.customer_id) for who, n in forms}
    began: dict[str, float] = {}
    took: list[float] = []
    seen: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        table = CASES.c.change_id
        while not over.is_set():
            with system.database.read() as tx:
                for change_id in tx.scalars(
                    CASES.select().with_only_columns(table).order_by(CASES.c.submitted_at.desc()).limit(40)
                ):
                    seen.setdefault(change_id, time.perf_counter())
            time.sleep(0.001)

    def file(which: tuple[Any, int]) -> None:
        who, n = which
        form = who.form(
            mobile_proof="", new_mobile=f"348 {n:07}", document_ids=[documents[n]],
            identity_document=pb.IdentityDocument(
                type=pb.DOCUMENT_TYPE_PASSPORT, number=f"YA{n:07}", issuer="Questura di Lodi", issued_on="2024-05-06",
                expires_on="2034-05-05",
            ),
        )  # fmt: skip
        start = time.perf_counter()
        change = who.submit(form)
        took.append((time.perf_counter() - start) * 1000)
        began[change.change_id] = start

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(8) as pool:
        due = time.perf_counter()
        for which in forms:
            time.sleep(max(0.0, due - time.perf_counter()))
            pool.submit(file, which)
            due += 1 / rate
    until = time.monotonic() + 30
    while len(set(began) - set(seen)) and time.monotonic() < until:
        time.sleep(0.05)
    over.set()
    watcher.join()
    assert len(began) == count
    return [(seen[change_id] - start) * 1000 for change_id, start in began.items()], took


def stored(system: System, customer_id: str) -> str:
    """A document that was uploaded: its row alone, for cleaning a picture is measured elsewhere."""
    document_id = uuid.uuid4().hex
    with system.database.transaction() as tx:
        tx.execute(DOCUMENTS.insert().values(
            document_id=document_id, customer_id=customer_id, place=0, name="a.jpg", media_type="image/jpeg", size=1,
            sha256="0" * 64, pages=1, key_id="test", wrapped_key=b"x", uploaded_at=system_clock(),
        ))  # fmt: skip
    return document_id


def round_trips(url: str) -> list[float]:
    """Milliseconds to another process and back, over two durable queues."""
    echo = subprocess.Popen([sys.executable, "-c", ECHO, url], stdout=subprocess.PIPE, cwd=ROOT)
    assert echo.stdout is not None
    echo.stdout.readline()
    trips: list[float] = []
    try:
        with connect(url) as connection:
            producer = connection.Producer()
            producer.maybe_declare(queue("bench.there"))
            back = threading.Event()

            def came(message: Any) -> None:
                message.ack()
                back.set()

            with connection.Consumer([queue("bench.back")], on_message=came, prefetch_count=1):
                for n in range(220):
                    back.clear()
                    start = time.perf_counter()
                    producer.publish("x", exchange="", routing_key="bench.there", delivery_mode=2)
                    while not back.is_set():
                        connection.drain_events(timeout=5)
                    if n >= 20:
                        trips.append((time.perf_counter() - start) * 1000)
    finally:
        echo.terminate()
        echo.wait()
    return trips


def percentile(values: list[float], which: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[which - 1]


if __name__ == "__main__":
    main()
