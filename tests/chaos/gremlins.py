"""What goes wrong: processes die, the broker restarts and forgets, mails fail or crawl, events come twice and out of order."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session

from recapito_contact_change import events
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.outbox import _event
from recapito_servicekit.queues import connect, envelope, queue
from recapito_servicekit.sql import Database
from tests.support.serving import ROOT
from tests.support.smtp import SmtpSink


class Kept:
    """A process that is started again whenever it dies. ``port``: it is killed while it listens there: on a busy machine it
    might else never live to do so.
    """

    def __init__(self, environment: dict[str, str], *arguments: str, port: int = 0) -> None:
        self._port = port
        self._command = [sys.executable, "-m", "tests.chaos.process", *arguments]
        self._environment = {**{k: v for k, v in os.environ.items() if not k.startswith("RECAPITO_")}, **environment}
        self._stopping = threading.Event()
        self.deaths = 0
        self._process = self._started()
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def _started(self) -> "subprocess.Popen[bytes]":
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self._command, env=self._environment, cwd=ROOT, stdout=quiet, stderr=quiet)

    def _keep(self) -> None:
        while True:
            self._process.wait()
            if self._stopping.is_set():
                return
            self.deaths += 1
            self._process = self._started()

    def kill(self) -> None:
        with socket.socket() as probe:
            if self._port and probe.connect_ex(("127.0.0.1", self._port)) != 0:
                return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        self._stopping.set()
        self._process.terminate()
        self._thread.join(20)


class Crawling(SmtpSink):
    """``pause``: seconds that taking a mail takes."""

    pause = 0.0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.pause)
        return await super().handle_DATA(server, session, envelope)


class Gremlins:
    """Does one thing after the other, in an order that the seed tells, until it is told to stop; counts what it did."""

    def __init__(
        self,
        seed: int,
        processes: list[Kept],
        broker: Any,
        flush: Callable[[], None],
        mailbox: Crawling,
        url: str,
        database: Database,
    ) -> None:
        self._chance = random.Random(seed)
        self._processes = processes
        self._broker = broker
        self._flush = flush
        self._mailbox = mailbox
        self._url = url
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.done: Counter[str] = Counter()
        self._acts = (self.kill, self.restart_broker, self.flush_broker, self.fail_mails, self.crawl, self.repeat_events)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Everything runs again afterwards."""
        self._stop.set()
        self._thread.join(60)
        self._mailbox.pause = 0.0
        self._mailbox.answers.clear()

    def has_done_all(self) -> bool:
        """Whether everything went wrong at least once."""
        return len(self.done) == len(self._acts)

    def _run(self) -> None:
        first = list(self._acts)
        self._chance.shuffle(first)
        while not self._stop.wait(self._chance.uniform(0.05, 0.8)):
            act = first.pop() if first else self._chance.choice((self.kill, *self._acts))
            act()
            self.done[act.__name__] += 1

    def kill(self) -> None:
        self._chance.choice(self._processes).kill()

    def restart_broker(self) -> None:
        self._broker.kill()
        time.sleep(self._chance.uniform(0, 0.5))
        self._broker.start()

    def flush_broker(self) -> None:
        with contextlib.suppress(Exception):
            self._flush()

    def fail_mails(self) -> None:
        self._mailbox.answers.extend(["451 later"] * self._chance.randint(1, 5))

    def crawl(self) -> None:
        self._mailbox.pause = self._chance.choice((0.0, 0.3, 1.5))

    def repeat_events(self) -> None:
        """Events that were, or are still to be, handled: once more, in any order."""
        table = OUTBOX._t
        with self._database.read() as tx:
            rows = list(tx.execute(sa.select(table).order_by(table.c.seq.desc()).limit(40)))
        self._chance.shuffle(rows)
        with contextlib.suppress(Exception), connect(self._url) as connection:
            producer = connection.Producer()
            for row in rows[:10]:
                event = _event(row)
                name = events.QUEUE_OF[event.type]
                producer.maybe_declare(queue(name))
                producer.publish(json.dumps(envelope(event, events.SOURCE)), exchange="", routing_key=name)
