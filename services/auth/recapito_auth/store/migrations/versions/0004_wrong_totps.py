"""Wrong codes of an operator's app are counted."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operators", sa.Column("wrong_totps", sa.Integer, nullable=False, server_default="0"))
    op.add_column("operators", sa.Column("totp_locked_until", UtcDateTime))
