"""A database's own means: SQLite's online backup, PostgreSQL's pg_dump and pg_restore. Services may go on meanwhile."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from recapito_servicekit.backup.estate import Failed

SQLITE: Final = "sqlite"
FILES: Final[Mapping[str, str]] = {SQLITE: "database.sqlite", "postgresql": "database.dump"}
LOCK_SECONDS: Final = 10
VERSIONS: Final = "alembic_version"


def kind(url: str) -> str:
    """``sqlite`` or ``postgresql``."""
    return sa.make_url(url).get_backend_name()


@contextmanager
def dumped(url: str, folder: Path) -> Iterator[sa.Connection]:
    """Writes the dump into the folder and gives a connection that sees exactly what is in it. Raises Failed."""
    file = folder / FILES[kind(url)]
    if kind(url) == SQLITE:
        with closing(sqlite3.connect(_sqlite_file(url))) as source, closing(sqlite3.connect(file)) as copy:
            source.backup(copy)
        file.chmod(0o600)
        engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True))
        with closing_engine(engine) as connection:
            yield connection
        return
    with closing_engine(_postgres_engine(url)) as connection:
        snapshot = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
        how = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={file}"]
        _run("pg_dump", how, url)
        file.chmod(0o600)
        yield connection


@contextmanager
def closing_engine(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection, and the engine closed at the end."""
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def opened(url: str) -> Iterator[sa.Connection]:
    """A connection to the service's own database, for looking at it."""
    engine = sa.create_engine(url) if kind(url) == SQLITE else _postgres_engine(url)
    with closing_engine(engine) as connection:
        yield connection


def rows(connection: sa.Connection) -> dict[str, int]:
    """How many rows each table has."""
    tables = sorted(set(sa.inspect(connection).get_table_names()) - {VERSIONS})
    return {name: int(connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0) for name in tables}


def revision(connection: sa.Connection) -> str:
    """The revision of the schema. Raises Failed: there is none."""
    if not sa.inspect(connection).has_table(VERSIONS):
        raise Failed("the database has no schema yet: run migrate first")
    return str(connection.scalar(sa.text(f"SELECT version_num FROM {VERSIONS}")))  # noqa: S608 - our own constant


def is_empty(url: str) -> bool:
    """Whether there is nothing that a restore would overwrite: no table, or no row in any."""
    if kind(url) == SQLITE and not _sqlite_file(url).exists():
        return True
    with opened(url) as connection:
        return not any(rows(connection).values())


def load(url: str, folder: Path) -> None:
    """Puts the dump in the place of what the database holds: all of it or nothing. Raises Failed."""
    file = folder / FILES[kind(url)]
    if kind(url) == SQLITE:
        target = _sqlite_file(url)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target, timeout=5)) as into:
                source.backup(into)
        except sqlite3.OperationalError as error:
            raise Failed(f"{target} can't be written: {error}; stop the service's processes first") from error
        return
    engine = sa.create_engine(url, connect_args={"options": f"-c lock_timeout={LOCK_SECONDS}s"})
    try:
        with closing_engine(engine) as connection, connection.begin():
            found = sa.MetaData()
            found.reflect(connection)
            found.drop_all(connection)
    except sa.exc.OperationalError as error:
        raise Failed(f"the tables can't be replaced: {error.orig}; stop the service's processes first") from error
    how = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--schema=public", str(file)]
    _run("pg_restore", [f"--dbname={sa.make_url(url).database}", *how], url)


def _sqlite_file(url: str) -> Path:
    return Path(sa.make_url(url).database or "")


def _postgres_engine(url: str) -> sa.Engine:
    return sa.create_engine(url, isolation_level="REPEATABLE READ")


def _run(program: str, arguments: list[str], url: str) -> None:
    """PostgreSQL's program, the password in its environment: a command line is everybody's to read."""
    found = shutil.which(program)
    if found is None:
        raise Failed(f"{program} is needed and isn't on the PATH: install PostgreSQL's client (Debian: postgresql-client)")
    parsed = sa.make_url(url)
    told = {"PGHOST": parsed.host, "PGPORT": parsed.port, "PGUSER": parsed.username, "PGDATABASE": parsed.database}
    environment = {**os.environ, **{name: str(value) for name, value in told.items() if value}}
    if parsed.password:
        environment["PGPASSWORD"] = str(parsed.password)
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Failed(f"{program} failed:\n{done.stderr.strip()}")
