"""Operators choose their own password, and Redis is told again of their epochs."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operators", sa.Column("password_change_required", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("operators", sa.Column("epoch_raised_at", UtcDateTime))
