"""A relay and a consumer over a real broker, with a handler that a test can look into."""

import threading
import time
from collections.abc import Callable

import sqlalchemy as sa

from recapito_servicekit import work
from recapito_servicekit.clock import system_clock
from recapito_servicekit.outbox import Event, Outbox, outbox_table
from recapito_servicekit.queues import Consumer, Relay, connect, queue
from recapito_servicekit.sql import Database, UtcDateTime

METADATA = sa.MetaData()
OUTBOX = Outbox(outbox_table(METADATA))
EFFECTS = sa.Table(
    "effects",
    METADATA,
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("event_id", sa.String(32)),
    sa.Column("at", UtcDateTime),
)
TYPE = "recapito.test.happened.v1"


class Bench:
    """A database, a broker, and a handler that records its effect and closes the event in one transaction."""

    def __init__(self, database_url: str, broker_url: str) -> None:
        self.database = Database(database_url, 4)
        METADATA.create_all(self.database.engine)
        self.broker_url = broker_url
        self.fail: Callable[[Event], None] = lambda event: None
        self.stop = threading.Event()
        self.threads: list[threading.Thread] = []
        self.health = work.Health()

    def handle(self, event: Event) -> None:
        self.fail(event)
        with self.database.transaction() as tx:
            if OUTBOX.close(tx, event.event_id, system_clock()):
                tx.execute(EFFECTS.insert().values(event_id=event.event_id, at=system_clock()))

    def add(self, key: str = "k") -> str:
        with self.database.transaction() as tx:
            return OUTBOX.add(tx, TYPE, key, {"id": "1"}, system_clock())

    def add_first(self, *keys: str) -> None:
        with self.database.transaction() as tx:
            OUTBOX.add_first(tx, TYPE, {key: {"id": "1"} for key in keys}, system_clock())

    def relay(self) -> Relay:
        return Relay(self.database, OUTBOX, self.broker_url, "test", {TYPE: "test.q"}, system_clock)

    def consumer(self) -> Consumer:
        return Consumer(self.database, OUTBOX, self.broker_url, "test.q", {TYPE: self.handle}, system_clock)

    def start(self) -> None:
        """Relay and consumer in threads, as ``work`` runs them: started again when they fail."""
        self._start({"relay": self.relay().run, "consumer": self.consumer().run})

    def start_consumer(self) -> None:
        """The consumer alone."""
        self._start({"consumer": self.consumer().run})

    def _start(self, roles: dict[str, work.Role]) -> None:
        for name, role in roles.items():
            thread = threading.Thread(target=work._keep, args=(name, role, self.stop, self.health))
            thread.start()
            self.threads.append(thread)

    def carried(self) -> int:
        """How many messages wait in the queue."""
        with connect(self.broker_url) as connection:
            return int(queue("test.q")(connection.default_channel).queue_declare(passive=True).message_count)

    def effects(self) -> list[str]:
        with self.database.read() as tx:
            return [row.event_id for row in tx.execute(sa.select(EFFECTS).order_by(EFFECTS.c.n))]

    def wait_effects(self, count: int, seconds: float = 60) -> list[str]:
        until = time.monotonic() + seconds
        while len(found := self.effects()) < count and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def row(self, event_id: str) -> "sa.Row[tuple[object, ...]]":
        with self.database.read() as tx:
            return tx.execute(sa.select(METADATA.tables["outbox"]).where(METADATA.tables["outbox"].c.event_id == event_id)).one()
