"""From SubmitRequest to the case in the queue, at a steady rate, beside one broker round trip.

``serve`` and ``work`` are processes of their own, and so are their peers (auth, otp and the mail relay, which answer from memory)
and who looks for the cases, every millisecond; the driver files each request when it is due.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import contact_change_pb2_grpc

import recapito_contact_change
from recapito_contact_change.store.tables import DOCUMENTS
from recapito_servicekit import sql
from recapito_servicekit.calling import bearer
from recapito_servicekit.clock import system_clock
from recapito_servicekit.queues import connect, queue
from recapito_servicekit.sql import Database
from tests.integration.contact_change.peers import blob_environment
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer
from tests.support.redis import RedisServer
from tests.support.serving import ROOT, channel_as, server_environment, wait_serving

PACKAGE: Final = Path(recapito_contact_change.__file__).parent
CALLERS_AT_ONCE: Final = 16
PATIENCE_SECONDS: Final = 60
MOST_AT_ONCE: Final = 100  # cases that may come between two looks
ECHO: Final = """
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
LOOK: Final = """
import json, sqlite3, sys, threading, time
url, most = sys.argv[1], int(sys.argv[2])
if url.startswith("sqlite"):
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
else:
    import psycopg
    connection = psycopg.connect(url, autocommit=True)
seen, over = {}, threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
print("ready", flush=True)
while not over.is_set():
    rows = connection.execute(f"SELECT change_id FROM cases ORDER BY submitted_at DESC LIMIT {most}").fetchall()
    now = time.perf_counter()
    for (change_id,) in rows:
        seen.setdefault(change_id, now)
    time.sleep(0.001)
print(json.dumps(seen))
"""


@dataclass(frozen=True)
class Stores:
    """Where a system keeps its state. ``threads``: of its intake and its mailer, as that system has them."""

    name: str
    database_url: str
    broker_url: str
    threads: tuple[int, int] = (4, 4)


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[Stores]:
    """SQLite and Redis, as the embedded default has them."""
    broker = RedisServer(durable=True)
    try:
        yield Stores("SQLite, Redis", f"sqlite:///{folder / 'live.db'}", broker.url(1), (1, 2))
    finally:
        broker.stop()


@contextlib.contextmanager
def production(_folder: Path) -> Iterator[Stores]:
    """PostgreSQL, whose commits are durable, and RabbitMQ with quorum queues."""
    with contextlib.ExitStack() as stack:
        database = PostgresServer(durable=True)
        stack.callback(database.stop)
        broker = RabbitServer()
        stack.callback(broker.stop)
        yield Stores("PostgreSQL, RabbitMQ", database.url(database.new_database()), broker.url())


def measure(folder: Path, stores: Stores, rate: int, seconds: int, split: bool) -> dict[str, Any]:
    """Milliseconds: of a request until its case is there, of its call, of a round trip; and the processes' CPU a request.

    ``split``: the roles in two processes, intake apart from the rest; else in one.
    """
    pki = Pki(folder / "tls")
    port = free_port()
    with contextlib.ExitStack() as stack:
        peers = _begin(stack, [sys.executable, "-m", "bench.submission_peers", str(pki.folder)], {})
        told = json.loads(_line(peers))
        environment = {
            **server_environment(pki, "contact-change", port),
            **blob_environment(folder),
            "RECAPITO_DATABASE_URL": stores.database_url,
            "RECAPITO_BROKER_URL": stores.broker_url,
            "RECAPITO_AUTH_ADDRESS": f"localhost:{told['auth']}",
            "RECAPITO_OTP_ADDRESS": f"localhost:{told['otp']}",
            "RECAPITO_SMTP_HOST": "127.0.0.1",
            "RECAPITO_SMTP_PORT": str(told["smtp"]),
            "RECAPITO_SMTP_STARTTLS": "0",
            "RECAPITO_SECOND_REVIEW_PERCENT": "0",
            "RECAPITO_CONFIRM_NEW_MOBILE": "0",
            "RECAPITO_INTAKE_THREADS": str(stores.threads[0]),
            "RECAPITO_MAILER_THREADS": str(stores.threads[1]),
        }
        sql.migrate(stores.database_url, PACKAGE)
        module = [sys.executable, "-m", "recapito_contact_change"]
        others = [word for role in ("relay", "applier", "mailer", "clean-up", "team-mail", "reader") for word in ("--only", role)]
        kinds = {"serve": ["serve"]}
        kinds |= {"intake": ["work", "--only", "intake"], "work": ["work", *others]} if split else {"work": ["work"]}
        parts = {name: _begin(stack, [*module, *words], environment) for name, words in kinds.items()}
        wait_serving(pki, port)
        time.sleep(3)
        driver = Driver(pki, port, Database(stores.database_url, 2))
        stack.callback(driver.close)
        driver.file(5 * rate, rate, first=500_000)  # warm
        time.sleep(1)
        trips = round_trips(stores.broker_url)
        watcher = _begin(stack, [sys.executable, "-c", LOOK, stores.database_url, str(MOST_AT_ONCE)], {})
        _line(watcher)
        before = {name: _cpu_ms(part.pid) for name, part in parts.items()}
        began, calls = driver.file(rate * seconds, rate, first=1)
        driver.wait_for_cases(list(began))
        cpu = {name: (_cpu_ms(part.pid) - before[name]) / len(began) for name, part in parts.items()}
        seen = json.loads(watcher.communicate(timeout=20)[0])
        trips += round_trips(stores.broker_url)
    waits = [(seen[change_id] - start) * 1000 for change_id, start in began.items() if change_id in seen]
    return {
        "stores": stores.name,
        "split": split,
        "rate": rate,
        "requests": len(began),
        "lost": len(began) - len(waits),
        "load": os.getloadavg()[0],
        "visible": _spread(waits),
        "call": _spread(calls),
        "trip": _spread(trips),
        "cpu_ms": {name: round(ms, 1) for name, ms in cpu.items()},
    }


class Driver:
    """Files requests when they are due, whatever became of those before."""

    def __init__(self, pki: Pki, port: int, database: Database) -> None:
        self._database = database
        self._channel = channel_as(pki, "portal", port)
        self._stub = contact_change_pb2_grpc.ContactChangeServiceStub(self._channel)

    def close(self) -> None:
        self._channel.close()
        self._database.close()

    def file(self, count: int, rate: int, first: int) -> tuple[dict[str, float], list[float]]:
        """When each change's call began, and how long the calls took."""
        forms = [(f"C{n}", self._form(n)) for n in range(first, first + count)]
        began: dict[str, float] = {}
        took: list[float] = []

        def one(customer_id: str, form: pb.SubmitRequestRequest) -> None:
            start = time.perf_counter()
            change = self._stub.SubmitRequest(form, metadata=bearer(customer_id)).change
            took.append((time.perf_counter() - start) * 1000)
            began[change.change_id] = start

        with ThreadPoolExecutor(CALLERS_AT_ONCE) as pool:
            due = time.perf_counter()
            filed = []
            for customer_id, form in forms:
                time.sleep(max(0.0, due - time.perf_counter()))
                filed.append(pool.submit(one, customer_id, form))
                due += 1 / rate
            for each in filed:
                each.result()
        return began, took

    def wait_for_cases(self, change_ids: list[str]) -> None:
        """Returns once the last ones have their case."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with self._database.read() as tx:
                found = tx.exec_driver_sql("SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM changes)").one()
            if found[0] == found[1] >= len(change_ids):
                return
            time.sleep(0.2)

    def _form(self, n: int) -> pb.SubmitRequestRequest:
        return pb.SubmitRequestRequest(
            request_id=uuid.uuid4().hex,
            reason=pb.REASON_REPLACE,
            new_mobile=f"348 {n:07}",
            notify_email="avviso@altra.test",
            identity_document=pb.IdentityDocument(
                type=pb.DOCUMENT_TYPE_PASSPORT,
                number=f"YA{n:07}",
                issuer="Questura di Lodi",
                issued_on="2024-05-06",
                expires_on="2034-05-05",
            ),
            document_ids=[self._stored(f"C{n}")],
        )

    def _stored(self, customer_id: str) -> str:
        """A document that was uploaded: its row alone, for cleaning a picture is measured elsewhere."""
        document_id = uuid.uuid4().hex
        with self._database.transaction() as tx:
            tx.execute(DOCUMENTS.insert().values(
                document_id=document_id, customer_id=customer_id, place=0, name="a.jpg", media_type="image/jpeg", size=1,
                sha256="0" * 64, pages=1, key_id="test", wrapped_key=b"x", uploaded_at=system_clock(),
            ))  # fmt: skip
        return document_id


def round_trips(url: str) -> list[float]:
    """Milliseconds to another process and back, over two durable queues."""
    trips: list[float] = []
    with contextlib.ExitStack() as stack:
        _line(_begin(stack, [sys.executable, "-c", ECHO, url], {}))
        connection = stack.enter_context(connect(url))
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
    return trips


def _begin(stack: contextlib.ExitStack, command: list[str], settings: Mapping[str, str]) -> "subprocess.Popen[str]":
    """A process that ends with the stack."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RECAPITO_")}
    piped = None if settings else subprocess.PIPE  # a service has nothing to say to us
    process = subprocess.Popen(
        command, env={**clean, **settings}, cwd=ROOT, stdin=piped, stdout=piped, text=True, encoding="utf-8"
    )
    stack.callback(_end, process)
    return process


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.wait(30)


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _spread(values: list[float]) -> dict[str, float]:
    ordered = statistics.quantiles(values, n=100, method="inclusive")
    return {"median": round(ordered[49], 2), "p90": round(ordered[89], 2), "p99": round(ordered[98], 2)}
