"""Cases whose documents' machine-readable zones are still to be read."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0009"
down_revision = "0008"

_DUE = sa.text("zone_due_at IS NOT NULL")


def upgrade() -> None:
    """Of earlier cases none is read."""
    op.add_column("cases", sa.Column("zone_due_at", UtcDateTime))
    op.create_index("cases_zone_due", "cases", ["zone_due_at"], sqlite_where=_DUE, postgresql_where=_DUE)
