"""A notice that was refused for good says when and why."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Those that failed before this have no reason kept: they were noted in the case's history."""
    op.add_column("notices", sa.Column("failed_at", UtcDateTime))
    op.add_column("notices", sa.Column("error", sa.String(200), nullable=False, server_default=""))
    failed = sa.text("failed_at IS NOT NULL")
    op.create_index("notices_failed", "notices", ["failed_at"], sqlite_where=failed, postgresql_where=failed)
