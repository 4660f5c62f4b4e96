"""The database."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from recapito_servicekit.clock import Clock
from recapito_servicekit.doctor import Finding, fail, ok
from recapito_servicekit.doctor.peers import clock as compare
from recapito_servicekit.sql import Database, newest_revision


def database(url: str, package: Path, service: str, clock: Clock) -> Iterator[Finding]:
    """It answers, is at the newest migration of ``package``, and its clock agrees with ours."""
    parsed = sa.make_url(url)
    where = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        yield fail(f"there is no file {parsed.database}", f"run recapito-{service} migrate")
        return
    opened = Database(url, 1)
    try:
        with opened.engine.execution_options(recapito_read=True).connect() as tx:  # an error as the driver tells it
            yield ok(f"{where} answers")
            yield _revision(tx, package, service)
            if parsed.get_backend_name() == "postgresql":
                theirs: datetime | None = tx.scalar(sa.text("SELECT clock_timestamp()"))
                if theirs is not None:
                    yield compare("the database", theirs, clock())
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        yield fail(f"{where} can't be used: {reason}", "is it running, and are name, password and address right?")
    finally:
        opened.close()


def _revision(tx: sa.Connection, package: Path, service: str) -> Finding:
    newest = newest_revision(package)
    at = tx.scalar(sa.text("SELECT version_num FROM alembic_version")) if sa.inspect(tx).has_table("alembic_version") else None
    if at == newest:
        return ok(f"its schema is the newest, {newest}")
    advice = f"run recapito-{service} migrate; if the schema is the newer one, this program is too old for it"
    return fail(f"its schema is at {at or 'nothing'}, this program needs {newest}", advice)
