"""The migrations and the commands."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import recapito_claims
from recapito_claims.store.tables import metadata
from recapito_servicekit import sql
from tests.support.serving import run_command


def test_the_migrations_lead_to_the_tables_that_the_code_uses(database_url: str) -> None:
    assert sql.migrate(database_url, Path(recapito_claims.__file__).parent) == "0003"
    assert sql.migrate(database_url, Path(recapito_claims.__file__).parent) == "0003"
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_serve_without_settings_names_all_that_are_missing() -> None:
    run = run_command("claims", ["serve"], {"RECAPITO_DOCUMENT_KEYS": "no key"})
    assert run.returncode == 2
    for name in ("DATABASE_URL", "AUTH_ADDRESS", "OTP_ADDRESS"):
        assert f"RECAPITO_{name}: missing" in run.stderr
    assert "Traceback" not in run.stderr
