"""Every service's migrations, from nothing to the tables that its code uses."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
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
