"""SQL: one code path for SQLite (the embedded default) and PostgreSQL, with SQLAlchemy Core.

SQLite runs in WAL mode with full sync, every write transaction begins IMMEDIATE, and a busy writer waits: pysqlite's own
transactions lose updates without an error. There one writer runs at a time: the threads of a process take turns, and processes
look every half millisecond, for SQLite's own wait sleeps up to 100 ms in one go. PostgreSQL runs writers side by side, READ
COMMITTED: a statement that waited for a row sees that row as it is now, but every other row, in a sub-query too, as it was when
the statement began. So what a write depends on stands in the row that it changes, or in one that it holds (``with_for_update``).
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from recapito_servicekit import logs
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

log = logs.get(__name__)
BUSY_MS: Final = 5_000
LOOK_SECONDS: Final = 0.0005
IDLE_SECONDS: Final = 1.0  # a connection that lay idle for longer is asked before use whether it still lives
LOCK_MS: Final = 4_000
# of PostgreSQL's advisory locks: any number that nobody else in our databases takes
MIGRATING: Final = 7_326_211
MIGRATION_WAITS_MS: Final = 60_000
EVENTS_WRITTEN: Final = "recapito_events_written"  # in a connection's info: this transaction wrote to an outbox
HANDED_OVER: Final = "recapito_handed_over"  # there, too: the events that go to a publisher of this process at the commit


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware instant, kept and read back as UTC by every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Publisher(Protocol):
    """Who publishes the events that this process writes. None of it waits, or raises."""

    def takes(self) -> bool:
        """Whether it would take events over right now."""

    def take(self, events: list[Any]) -> None:
        """Takes events over that were just committed, and which nobody else publishes for a while."""

    def look(self) -> None:
        """There are events in the outbox that nobody has taken over."""


class Database:
    """A pool of connections. Flows take connections from here and nowhere else.

    A database that can't be asked now (away, no connection free, too long a wait for a lock) is a Refusal: UNAVAILABLE.
    """

    def __init__(self, url: str, threads: int) -> None:
        parsed = sa.make_url(url)
        self.engine = sa.create_engine(
            parsed,
            pool_size=threads,
            max_overflow=threads,
            pool_timeout=3,
            connect_args=_connect_args(parsed),
            hide_parameters=True,  # an error's text goes to the log, and values are people's
        )
        is_sqlite = parsed.get_backend_name() == "sqlite"
        self._turn: contextlib.AbstractContextManager[object] = _Turn() if is_sqlite else contextlib.nullcontext()
        if is_sqlite:
            sa.event.listen(self.engine, "connect", _sqlite_connect)
            sa.event.listen(self.engine, "begin", _sqlite_begin)
        else:
            sa.event.listen(self.engine, "checkin", _note_use)
            sa.event.listen(self.engine, "checkout", self._demand_alive)
        # one view for all that is read together; SQLite's BEGIN gives it anyway
        view = {} if is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(recapito_begin="BEGIN", **view)
        each = {} if is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._each_reader = self.engine.execution_options(recapito_begin="", **each)
        self._publishers: list[Publisher] = []

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A write transaction: commits at the end, rolls back when something is raised. Keep it short and call nobody inside."""
        with _as_refusals(), self._turn, self.engine.begin() as connection:
            taker = next((one for one in self._publishers if one.takes()), None)
            events: list[Any] = []
            connection.info[EVENTS_WRITTEN] = False  # a transaction before it may have been rolled back
            connection.info[HANDED_OVER] = None if taker is None else events
            yield connection
            written = connection.info[EVENTS_WRITTEN]
        if taker is not None and events:
            taker.take(events)
        if written:
            for publisher in self._publishers:
                publisher.look()

    def tell(self, publisher: "Publisher") -> None:
        """``publisher`` learns of each commit of a transaction that wrote events."""
        self._publishers.append(publisher)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent view for reading; it holds no write lock and is rolled back at the end."""
        with _as_refusals(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def read_each(self) -> Iterator[sa.Connection]:
        """For reading where each statement may see another state: it takes one round trip then, in no transaction."""
        with _as_refusals(), self._each_reader.connect() as connection:
            yield connection

    def ping(self) -> bool:
        """Whether the database answers."""
        with self.read_each() as connection:
            return bool(connection.scalar(sa.text("SELECT 1")) == 1)

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    def _demand_alive(self, connection: Any, record: Any, _proxy: object) -> None:
        """A connection that was used just now is taken as it is: asking first would be a round trip for each piece of work."""
        if time.monotonic() - record.info.get("used_at", time.monotonic()) < IDLE_SECONDS:
            return
        try:
            self.engine.dialect.do_ping(connection)
        except Exception as error:
            raise sa.exc.InvalidatePoolError from error  # the pool opens others


@contextmanager
def _as_refusals() -> Iterator[None]:
    try:
        yield
    except sa.exc.TimeoutError as error:  # no connection was free in time
        raise _unavailable(error) from error
    except sqlite3.OperationalError as error:  # of our own BEGIN, which waited too long
        if "locked" in str(error):
            raise _unavailable(error) from error
        raise
    except sa.exc.DBAPIError as error:
        if _is_away(error):
            raise _unavailable(error) from error
        if isinstance(error, sa.exc.DataError) and "NUL" in str(error.orig):
            raise invalid(Violation("", "NUL_CHARACTER", "no text here holds a NUL")) from None
        raise


def _is_away(error: sa.exc.DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    # to sqlite3 a table that isn't there is an OperationalError as well
    return isinstance(error, sa.exc.OperationalError) and (
        not isinstance(error.orig, sqlite3.Error) or "locked" in str(error.orig)
    )


def _unavailable(error: Exception) -> Refusal:
    log.warning("database unavailable", error=type(error.__cause__ or error).__name__)
    return Refusal(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", "the database cannot be asked now", retry_after=timedelta(seconds=1))


def _connect_args(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        return {"timeout": BUSY_MS / 1000, "check_same_thread": False}
    return {"connect_timeout": 3, "options": f"-c statement_timeout=5000 -c lock_timeout={LOCK_MS}"}


def _sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # no transactions of pysqlite's own: _sqlite_begin opens them
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


class _Turn:
    """Of the threads of a process that write to one SQLite file, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=BUSY_MS / 1000):
            raise sqlite3.OperationalError("database is locked")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _sqlite_begin(connection: sa.Connection) -> None:
    how = connection.get_execution_options().get("recapito_begin", "BEGIN IMMEDIATE")
    driver: Any = connection.connection.driver_connection
    if how == "BEGIN IMMEDIATE":
        _begin_writing(driver)
    elif how:
        driver.execute(how)  # through SQLAlchemy it takes ten times as long


def _begin_writing(driver: Any) -> None:
    """Waits for another process's write in short steps. Raises OperationalError after as long as SQLite itself would."""
    until = time.monotonic() + BUSY_MS / 1000
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(LOOK_SECONDS)
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_MS}")


def _note_use(_connection: object, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def migrate(url: str, package: Path) -> str:
    """Brings a database to the newest schema of ``package``/store/migrations/versions. Gives the revision it is at afterwards.

    All of it is one transaction. Of several at once, one after the other runs: SQLite's begin locks the database by itself.
    """
    from alembic import command  # noqa: PLC0415  # 10 MB that a server has no use for

    database = Database(url, 1)
    config = _migrations(package)
    with database.transaction() as connection:
        if connection.dialect.name == "postgresql":
            _wait_for_turn(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    database.close()
    return str(revision)


def newest_revision(package: Path) -> str:
    """The newest schema that ``package`` knows."""
    return str(_scripts(package).get_current_head())


def knows(package: Path, revision: str) -> bool:
    """Whether this release has that revision of the schema: it does not where a newer one made it."""
    return any(script.revision == revision for script in _scripts(package).walk_revisions())


def _scripts(package: Path) -> "ScriptDirectory":
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return ScriptDirectory.from_config(_migrations(package))


def _migrations(package: Path) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("version_locations", str(package / "store" / "migrations" / "versions"))
    config.set_main_option("path_separator", "os")
    return config


def _wait_for_turn(connection: sa.Connection) -> None:
    """Holds the right to migrate until the transaction ends. A statement may then take its time, but not its wait for a table."""
    connection.execute(sa.text(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {MIGRATION_WAITS_MS}"))
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
    connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_MS}"))
