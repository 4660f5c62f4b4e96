"""SQL: one code path for SQLite (the embedded default) and PostgreSQL, with SQLAlchemy Core.

SQLite runs in WAL mode with full sync, every write transaction begins IMMEDIATE, and a busy writer waits: pysqlite's own
transactions lose updates without an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Dialect

BUSY_MS: Final = 5_000


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


class Database:
    """A pool of connections. Flows take connections from here and nowhere else."""

    def __init__(self, url: str, threads: int) -> None:
        parsed = sa.make_url(url)
        self.engine = sa.create_engine(
            parsed,
            pool_size=threads,
            max_overflow=threads,
            pool_timeout=3,
            pool_pre_ping=parsed.get_backend_name() != "sqlite",
            connect_args=_connect_args(parsed),
        )
        if parsed.get_backend_name() == "sqlite":
            sa.event.listen(self.engine, "connect", _sqlite_connect)
            sa.event.listen(self.engine, "begin", _sqlite_begin)
        # one view for all that is read together; SQLite's BEGIN gives it anyway
        view = {} if parsed.get_backend_name() == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(recapito_read=True, **view)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A write transaction: commits at the end, rolls back when something is raised. Keep it short and call nobody inside."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent view for reading; it holds no write lock and is rolled back at the end."""
        with self._reader.connect() as connection:
            yield connection

    def ping(self) -> bool:
        """Whether the database answers."""
        with self.read() as connection:
            return bool(connection.scalar(sa.text("SELECT 1")) == 1)

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()


def _connect_args(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        return {"timeout": BUSY_MS / 1000, "check_same_thread": False}
    return {"connect_timeout": 3, "options": "-c statement_timeout=5000 -c lock_timeout=4000"}


def _sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # no transactions of pysqlite's own: _sqlite_begin opens them
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("recapito_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def migrate(url: str, package: Path) -> str:
    """Brings a database to the newest schema of ``package``/store/migrations/versions. Gives the revision it is at afterwards."""
    database = Database(url, 1)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("version_locations", str(package / "store" / "migrations" / "versions"))
    config.set_main_option("path_separator", "os")
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    database.close()
    return str(revision)
