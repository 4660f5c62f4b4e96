"""The database or the broker stops under a change, and comes back: the change arrives, once."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recapito_servicekit import outbox
from recapito_servicekit.clock import system_clock
from tests.conftest import PARTS
from tests.integration.contact_change.system import System, refused, wait_for
from tests.integration.contact_change.test_kills import everything_happened_once, insist
from tests.support.pki import Pki
from tests.support.rabbitmq import NEW_QUEUE_SECONDS
from tests.support.smtp import SmtpSink

SERVERS = {"embedded": ["redis_server"], "servers": ["postgres_server", "rabbit_server"]}[PARTS]


@pytest.fixture
def system(pki: Pki, tmp_path: Path, database_url: str, broker_url: str, mailbox: SmtpSink) -> Iterator[System]:
    made = System(pki, tmp_path, database_url, broker_url, mailbox, system_clock)
    yield made
    made.close()


@pytest.mark.timeout(400)  # a server takes its time to start on a busy machine
@pytest.mark.parametrize("server", SERVERS)
def test_a_change_outlives_a_server_that_stops(
    system: System, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setattr(outbox, "REPUBLISH_AFTER", outbox.REPUBLISH_AFTER / 10)
    running = request.getfixturevalue(server)
    customer, rosa = system.sign_in(), system.operator("rosa")
    form = customer.form()
    with system.working():
        time.sleep(NEW_QUEUE_SECONDS)
        change = insist(lambda: customer.submit(form))
        stop_and_start(running)
        wait_for(lambda: system.rows("cases"), 60)
        case = insist(lambda: rosa.take(system.rows("cases")[0].case_id))
        insist(lambda: rosa.approve(case.summary.case_id, case.summary.version))
        stop_and_start(running)
        wait_for(lambda: not system.open_events(), 60, lambda: str(system.open_events()))
    assert system.rows("changes")[0].state == "APPLIED"
    everything_happened_once(system, change.change_id)


def why(call: Callable[[], object]) -> str:
    with refused() as refusal:
        call()
    return f"{refusal().kind} {refusal().reason}"


def stop_and_start(server: Any) -> None:
    server.kill()
    time.sleep(2)
    server.start()


@pytest.mark.skipif(PARTS != "servers", reason="a SQLite database has no server that could be away: make test PARTS=servers")
def test_a_call_without_its_database_says_unavailable(system: System, postgres_server: Any) -> None:
    customer = system.sign_in()
    form = customer.form()
    calls: list[Callable[[], object]] = [lambda: customer.submit(form), lambda: customer.change("a" * 32)]
    postgres_server.kill()
    try:
        reasons = [why(call) for call in calls]
    finally:
        postgres_server.start()
    assert reasons == ["UNAVAILABLE DATABASE_UNAVAILABLE"] * 2
    assert insist(lambda: customer.submit(form)).change_id
