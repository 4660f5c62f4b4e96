"""Requests while everything around them breaks: each that was acknowledged ends in one decision and one application, with mails.

``make chaos`` runs 300 of them; a few run with the tests. The seed is printed and can be set: ``RECAPITO_CHAOS_SEED``.
"""

import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
import sqlalchemy as sa
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import review_pb2

from recapito_contact_change import events
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import system_clock
from recapito_servicekit.queues import connect, queue
from recapito_servicekit.status import refusal_from
from tests.chaos.gremlins import Crawling, Gremlins, Kept
from tests.conftest import PARTS
from tests.integration.contact_change.system import System, identity_document, picture, wait_for
from tests.support.pki import Pki
from tests.support.rabbitmq import RabbitServer
from tests.support.redis import RedisServer
from tests.support.serving import wait_serving

REQUESTS = int(os.environ.get("RECAPITO_CHAOS") or 16)
SEED = int(os.environ.get("RECAPITO_CHAOS_SEED") or time.time_ns() % 1_000_000)
TAKEN = frozenset({"CASE_HELD", "ALREADY_DECIDED", "ALREADY_REVIEWED", "LEASE_LOST", "VERSION_CHANGED"})
PICTURE = picture()
T = TypeVar("T")


def insist(call: Callable[[], T]) -> T:
    """Calls again until there is an answer, as a person presses the button again."""
    until = time.monotonic() + 120
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            away = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)
            if not away or time.monotonic() > until:
                raise
            time.sleep(0.2)


class Play:
    """The customers and the operators, and what they were told."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.acknowledged: dict[str, str] = {}  # change ids by customer
        self.decided: dict[str, list[tuple[str, str]]] = defaultdict(list)  # operator and decision, by case
        self.odd: list[str] = []
        self._over = threading.Event()

    def customer(self, n: int) -> None:
        who = self.system.sign_in(f"C{n}")
        passport = identity_document(type=pb.DOCUMENT_TYPE_PASSPORT, number=f"YA{n:07}", expires_on="2034-05-05")
        document = insist(lambda: who.upload(PICTURE)).document_id
        proof = insist(lambda: who.confirm(f"348 {n:07}"))
        form = who.form(
            new_mobile=f"348 {n:07}",
            mobile_proof=proof,
            identity_document=passport,
            document_ids=[document],
            notify_email=f"esito{n}@altra.test",
        )
        self.acknowledged[who.customer_id] = insist(lambda: who.submit(form)).change_id

    def operate(self, name: str, seed: int) -> None:
        chance = random.Random(seed)
        who = self.system.operator(name)
        waiting = review_pb2.CaseFilter(waiting=True)
        while not self._over.is_set():
            cases = insist(lambda: list(who.list(filter=waiting, page_size=50).cases))
            cases = [case for case in cases if not case.reviewed_by_me]
            if not cases:
                time.sleep(0.1)
                continue
            case_id = chance.choice(cases[:10]).case_id
            approve = chance.random() < 0.6
            self._decide(who, name, case_id, approve)

    def _decide(self, who: Any, name: str, case_id: str, approve: bool) -> None:
        try:
            version = insist(lambda: who.take(case_id)).summary.version
            case = insist(lambda: (who.approve if approve else who.reject)(case_id, version))
        except grpc.RpcError as error:
            if refusal_from(error).reason not in TAKEN:
                self.odd.append(str(error))
            return
        if case.summary.state != pb.CHANGE_STATE_SECOND_REVIEW:
            self.decided[case_id].append((name, "APPROVE" if approve else "REJECT"))

    def end(self) -> None:
        self._over.set()


@pytest.fixture
def broker() -> Iterator[Any]:
    """A broker of this test's own, to be killed."""
    server = RedisServer(durable=True) if PARTS == "embedded" else RabbitServer()
    yield server
    server.stop()


@pytest.fixture
def crawling() -> Iterator[Crawling]:
    sink = Crawling()
    yield sink
    sink.stop()


@pytest.mark.timeout(1800)
def test_a_history_under_chaos(pki: Pki, tmp_path: Path, database_url: str, broker: Any, crawling: Crawling) -> None:
    print(f"\nchaos: {REQUESTS} requests, seed {SEED}")
    url = broker.url(1) if PARTS == "embedded" else broker.url(broker.new_vhost())
    system = System(pki, tmp_path, database_url, url, crawling, system_clock, serve=False)
    environment = {
        **system.environment,
        "RECAPITO_SECOND_REVIEW_PERCENT": "20",
        "RECAPITO_PUBLISH_AT_ONCE": "1",
        "RECAPITO_WORK_METRICS_BIND": "",
        "RECAPITO_LOG_LEVEL": "ERROR",
    }
    processes = [Kept(environment, "serve", port=system.port), Kept(environment, "work"), Kept(environment, "work")]
    play = Play(system)
    started = time.monotonic()
    try:
        wait_serving(pki, system.port)
        gremlins = Gremlins(SEED, processes, broker, lambda: flush(broker, url), crawling, url, system.database)
        gremlins.start()
        operators = [threading.Thread(target=play.operate, args=(f"op{n}", SEED + n)) for n in range(3)]
        for operator in operators:
            operator.start()
        try:
            with ThreadPoolExecutor(4) as customers:
                list(customers.map(play.customer, range(1, REQUESTS + 1)))
            wait_for(gremlins.has_done_all, 120)
            wait_for(lambda: all(state in ("APPLIED", "REJECTED") for state in states(system)), 180 + REQUESTS)
        finally:
            gremlins.stop()
            play.end()
            for operator in operators:
                operator.join(30)
        wait_for(lambda: not count_open(system), 180 + REQUESTS, lambda: str(system.open_events()))
    finally:
        for process in processes:
            process.stop()
    check(system, play, crawling)
    deaths = sum(process.deaths for process in processes)
    told = ", ".join(f"{name} {count}" for name, count in sorted(gremlins.done.items()))
    seconds = time.monotonic() - started
    outcomes = Counter(states(system))
    print(f"chaos: {dict(outcomes)} in {seconds:.0f} s; {deaths} processes died; {told}; {len(crawling.messages)} mails")
    system.close()


def check(system: System, play: Play, mailbox: Crawling) -> None:
    """The history, from one end to the other."""
    assert not play.odd, play.odd
    changes = {row.change_id: row for row in system.rows("changes")}
    cases = {row.change_id: row for row in system.rows("cases")}
    assert set(play.acknowledged.values()) == set(changes), "what was acknowledged is there, and nothing else"
    assert len(changes) == REQUESTS
    assert not [row for row in system.rows("outbox") if row.dead_at], "nothing gave up"
    history = Counter((row.change_id, row.action) for row in system.rows("history"))
    events_of = Counter((row.key, row.type.split(".")[2]) for row in system.rows("outbox"))
    approved = set()
    for change_id, change in changes.items():
        case = cases[change_id]
        assert (history[change_id, "submitted"], history[change_id, "opened"], history[change_id, "decided"]) == (1, 1, 1)
        assert events_of[change_id, "decided"] == 1
        assert set(play.decided[case.case_id]) <= {(case.decided_by_name, case.decision)}, (
            "nobody else was told that they decided"
        )
        assert change.state == ("APPLIED" if case.decision == "APPROVE" else "REJECTED")
        assert history[change_id, "applied"] == (case.decision == "APPROVE")
        if case.decision == "APPROVE":
            approved.add(change_id)
        customer = system.known.customers[change.customer_id]
        n = int(change.customer_id[1:])
        old = "+393201234519" if n == 1 else f"+39349{n:07}"
        assert customer.mobile == (f"+39348{n:07}" if change_id in approved else old)
        assert customer.version == (4 if change_id in approved else 3), "applied once, or not at all"
        mails_arrived(mailbox, n, change_id in approved)
    assert set(system.known.changed) == approved, "no contact changed without an approval"
    opinions = Counter(row.case_id for row in system.rows("opinions"))
    assert all(1 <= count <= 3 for count in opinions.values())
    assert {row.state for row in system.rows("notices")} == {"SENT"}


def mails_arrived(mailbox: Crawling, n: int, approved: bool) -> None:
    """At least one of each, and each under one Message-ID however often it came."""
    outcome = "accolta" if approved else "non è stata accolta"
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for recipient in (f"esito{n}@altra.test", f"C{n}@posta.test"):
        for mail in mailbox.to(recipient):
            ids[recipient, mail["Subject"]].add(mail["Message-ID"])
    assert all(len(one) == 1 for one in ids.values()), ids
    to_form = [subject for recipient, subject in ids if recipient.startswith("esito")]
    assert len(to_form) == 1, to_form
    assert outcome in to_form[0]
    assert len(ids) == 3, "asked for and decided, to the email on file, and the outcome to the form's"


def states(system: System) -> list[str]:
    changes = OUTBOX._t.metadata.tables["changes"]
    with system.database.read() as tx:
        return [str(state) for state in tx.scalars(sa.select(changes.c.state))]


def count_open(system: System) -> int:
    with system.database.read() as tx:
        return OUTBOX.backlog(tx).waiting


def flush(broker: Any, url: str) -> None:
    """The broker forgets everything."""
    if isinstance(broker, RedisServer):
        broker.client().flushall()
        return
    with connect(url) as connection:
        for name in set(events.QUEUE_OF.values()):
            queue(name)(connection.default_channel).purge()
