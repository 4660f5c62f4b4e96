"""Every service's migrations, from nothing to the tables that its code uses, and from each revision before with what it kept."""

import importlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from recapito_servicekit import sql

SERVICES = ["auth", "claims", "contact_change"]


def migrate(service: str, url: str) -> str:
    package = importlib.import_module(f"recapito_{service}")
    return sql.migrate(url, Path(package.__path__[0]))


def revisions(service: str) -> int:
    package = importlib.import_module(f"recapito_{service}")
    return len(list((Path(package.__path__[0]) / "store" / "migrations" / "versions").glob("0*.py")))


def metadata_of(service: str) -> sa.MetaData:
    tables = importlib.import_module(f"recapito_{service}.store.tables")
    found = getattr(tables, "METADATA", None) or tables.metadata
    assert isinstance(found, sa.MetaData)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_lead_from_nothing_to_the_tables_of_the_code_and_run_again_without_harm(
    service: str, database_url: str
) -> None:
    newest = migrate(service, database_url)
    assert int(newest) == revisions(service)
    assert migrate(service, database_url) == newest
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata_of(service)) == []
        assert indexes(connection) == {
            (table.name, index.name, index.unique) for table in metadata_of(service).tables.values() for index in table.indexes
        }
    engine.dispose()


def indexes(connection: sa.Connection) -> set[tuple[str, str | None, bool]]:
    """Alembic doesn't compare partial ones."""
    found = sa.inspect(connection)
    return {
        (table, index["name"], bool(index["unique"]))
        for table in found.get_table_names()
        for index in found.get_indexes(table)
        if "duplicates_constraint" not in index
    }


@pytest.mark.parametrize("service", SERVICES)
def test_four_migrations_at_once_all_end_well(service: str, database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda _: migrate(service, database_url), range(4)))
    assert set(ends) == {ends[0]}


@pytest.mark.parametrize(
    ("service", "revision"), [(service, f"{number:04}") for service in SERVICES for number in range(1, revisions(service))]
)
def test_what_an_earlier_release_kept_is_there_after_the_upgrade(service: str, revision: str, database_url: str) -> None:
    package = Path(importlib.import_module(f"recapito_{service}").__path__[0])
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        config = sql._migrations(package)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    tables = a_row_in_every_table(engine)
    before = rows_of(engine, tables)
    migrate(service, database_url)
    assert rows_of(engine, tables) == before
    engine.dispose()


def rows_of(engine: sa.Engine, tables: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[object, ...]]]:
    """What these columns hold, as the driver gives it."""
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(sa.text(f"SELECT {', '.join(columns)} FROM {name}"))]
            for name, columns in tables.items()
        }


def a_row_in_every_table(engine: sa.Engine) -> dict[str, list[str]]:
    """Puts a row into each table of a schema as it stands, with those that it refers to. Gives the tables' columns."""
    metadata = sa.MetaData()
    metadata.reflect(engine)
    made: dict[str, dict[str, object]] = {}
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name == "alembic_version":
                continue
            there = connection.execute(table.select()).mappings().first()
            if there is not None:  # a migration put it
                made[table.name] = dict(there)
                continue
            row = {column.name: a_value(column) for column in table.columns}
            for key in table.foreign_keys:
                if key.column.table is not table:
                    row[key.parent.name] = made[key.column.table.name][key.column.name]
            connection.execute(table.insert().values(row))
            made[table.name] = row
    return {name: list(row) for name, row in made.items()}


def a_value(column: sa.Column[object]) -> object:
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.Integer):
        return 1
    if isinstance(kind, sa.DateTime):
        return datetime(2026, 11, 22, 12, tzinfo=UTC if kind.timezone else None)
    if isinstance(kind, sa.Date):
        return date(2026, 11, 22)
    if isinstance(kind, sa.Numeric):
        return Decimal("1.50")
    if isinstance(kind, sa.LargeBinary):
        return b"kept"
    return "kept"[: getattr(kind, "length", None)]
