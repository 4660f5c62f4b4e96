"""Questions to the customer; changes that are cancelled or expire; a case says itself whether it may be taken."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0005"
down_revision = "0004"

_ID = sa.String(32)
_IS_OPEN = sa.text("state IN ('SUBMITTED', 'IN_REVIEW', 'WAITING_FOR_CUSTOMER', 'APPROVED')")


def upgrade() -> None:
    """Cases without a decision stay open."""
    op.create_table(
        "questions",
        sa.Column("question_id", _ID, primary_key=True),
        sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("asked_by", sa.String(100), nullable=False),
        sa.Column("reason_code", sa.String(40), nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
        sa.Column("answered_at", UtcDateTime),
        sa.Column("answer", sa.String(2000), nullable=False),
        sa.Column("answer_request_id", sa.String(64), nullable=False),
    )
    op.add_column("changes", sa.Column("applying_at", UtcDateTime))
    op.add_column("changes", sa.Column("ended_at", UtcDateTime))
    op.drop_index("changes_one_open", "changes")
    op.create_index("changes_one_open", "changes", ["customer_id"], unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
    op.add_column("cases", sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.true()))
    op.execute(sa.text("UPDATE cases SET is_open = (decision IS NULL)"))
