"""kill -9 at every step between submit and notice: decided once, applied once, and the mail arrives."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import grpc
import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb

from recapito_servicekit.clock import system_clock
from tests.integration.contact_change.system import NEW_E164, OLD_E164, System, wait_for
from tests.support.pki import Pki
from tests.support.serving import ROOT, wait_serving
from tests.support.smtp import SmtpSink

T = TypeVar("T")
SERVE = ["before-submit", "after-submit", "before-decide", "after-decide"]
RELAY = [f"{when}-publish-{word}" for word in ("submitted", "decided", "notice") for when in ("before", "after")]
INTAKE = ["before-open", "after-open"]
APPLIER = ["before-apply", "before-registry", "after-registry", "after-apply"]
MAILER = ["before-notice", "before-mail", "after-mail", "before-text", "after-text", "after-notice"]


class Kept:
    """A process that is started again whenever it is killed."""

    def __init__(self, marks: Path, points: list[str], environment: dict[str, str], *arguments: str) -> None:
        module = ["-m", "tests.integration.contact_change.killed"] if points else ["-m", "recapito_contact_change"]
        told = [str(marks), ",".join(points), "--"] if points else []
        self._command = [sys.executable, *module, *told, *arguments]
        self._environment = {**{k: v for k, v in os.environ.items() if not k.startswith("RECAPITO_")}, **environment}
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes]
        self.exits: list[int] = []
        self._start()
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, env=self._environment, cwd=ROOT)

    def _keep(self) -> None:
        while True:
            code = self._process.wait()
            if self._stopping.is_set():
                return
            self.exits.append(code)
            self._start()

    def stop(self) -> None:
        self._stopping.set()
        self._process.terminate()
        self._thread.join(60)


@pytest.fixture
def system(pki: Pki, tmp_path: Path, database_url: str, broker_url: str, mailbox: SmtpSink) -> Iterator[System]:
    made = System(pki, tmp_path, database_url, broker_url, mailbox, system_clock, serve=False)
    yield made
    made.close()


def insist(call: Callable[[], T]) -> T:
    """Calls again until there is an answer, as a person presses the button again."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise
            time.sleep(0.2)
    raise AssertionError("no answer")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("points", [SERVE, RELAY, INTAKE, APPLIER, MAILER], ids=["serve", "relay", "intake", "applier", "mailer"])
def test_a_process_killed_at_every_step_loses_and_doubles_nothing(system: System, tmp_path: Path, points: list[str]) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    server = Kept(marks, points if points is SERVE else [], system.environment, "serve")
    worker = Kept(marks, points if points is not SERVE else ["before-submit"], system.environment, "work")
    try:
        wait_serving(system.pki, system.port)
        change = play(system)
        wait_for(lambda: not system.open_events(), 120, lambda: str(system.open_events()))
        # the last kill may come with the last event: its process is on its way out
        killed = (server if points is SERVE else worker).exits
        wait_for(lambda: len(killed) == len(points), 120, lambda: f"{killed} of {points}")
    finally:
        server.stop()
        worker.stop()
    assert sorted(path.name for path in marks.iterdir()) == sorted(points)
    assert killed == [-signal.SIGKILL] * len(points)
    everything_happened_once(system, change.change_id)


def play(system: System) -> pb.Change:
    """Submits, takes, approves; waits for the end."""
    customer = system.sign_in("C1")
    form = customer.form()
    change = insist(lambda: customer.submit(form))
    wait_for(lambda: system.rows("cases"), 120)
    rosa = system.operator("rosa")
    case = insist(lambda: rosa.take(system.rows("cases")[0].case_id))
    insist(lambda: rosa.approve(case.summary.case_id, case.summary.version))
    wait_for(lambda: system.rows("changes")[0].state == "APPLIED", 120)
    return change


def everything_happened_once(system: System, change_id: str) -> None:
    assert [row.change_id for row in system.rows("changes")] == [change_id]
    types = [row.type.removeprefix("recapito.contact_change.") for row in system.rows("outbox")]
    assert sorted(types) == ["applied.v1", "decided.v1", *["notice.v1"] * 5, "submitted.v1"]
    assert all(row.done_at and not row.dead_at for row in system.rows("outbox"))
    actions = [row.action for row in system.rows("history")]
    assert [actions.count(once) for once in ("submitted", "opened", "decided", "applied")] == [1, 1, 1, 1]
    assert list(system.known.changed) == [change_id]
    customer = system.known.customers["C1"]
    assert (customer.mobile, customer.version) == (NEW_E164, 4)
    assert {row.state for row in system.rows("notices")} == {"SENT"}
    texts = sorted((text.destination, text.template) for text in system.texts.notices.values())
    assert texts == [(OLD_E164, "change_approved"), (OLD_E164, "change_requested")]
    mails = defaultdict(set)
    for mail in system.mailbox.messages:
        mails[mail["X-Rcpt"], mail["Subject"]].add(mail["Message-ID"])
    assert {key: len(ids) for key, ids in mails.items()} == {
        ("C1@posta.test", "È stato chiesto di cambiare il tuo cellulare"): 1,
        ("C1@posta.test", "Il tuo cellulare è stato cambiato"): 1,
        ("avviso@altra.test", "La tua richiesta è stata accolta"): 1,
    }
