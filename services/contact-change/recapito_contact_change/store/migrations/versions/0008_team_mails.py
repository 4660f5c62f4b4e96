"""When the team was last told by mail that cases wait."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """One row for all processes: whoever moves it sends the mail."""
    op.create_table(
        "team_mails",
        sa.Column("address", sa.String(320), primary_key=True),
        sa.Column("sent_at", UtcDateTime, nullable=False),
    )
