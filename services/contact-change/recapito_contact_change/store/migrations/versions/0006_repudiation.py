"""The links of notices by which whoever has a contact says that it wasn't them."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0006"
down_revision = "0005"

_ID = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "repudiation_tokens",
        sa.Column("token_digest", sa.String(64), primary_key=True),
        sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime),
    )
