"""What stays of an erased change: the record of its decision."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """A table of its own: whoever reads changes never meets one that is hollow."""
    op.create_table(
        "decision_records",
        sa.Column("change_id", sa.String(32), primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False, index=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("keep_until", sa.Date, nullable=False, index=True),
        sa.Column("erased_at", UtcDateTime, nullable=False),
    )
