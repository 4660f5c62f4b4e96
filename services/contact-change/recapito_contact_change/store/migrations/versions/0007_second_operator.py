"""Opinions of several operators, findings with their evidence, documents that were seen before; changes that are taken back."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0007"
down_revision = "0006"

_ID = sa.String(32)
_IS_OPEN = sa.text("state IN ('SUBMITTED', 'IN_REVIEW', 'SECOND_REVIEW', 'WAITING_FOR_CUSTOMER', 'APPROVED')")
_CAN_BE_TAKEN = sa.text("is_open")


def upgrade() -> None:
    """Findings of before have no evidence. The clean-up gives earlier documents their hashes."""
    op.create_table(
        "opinions",
        sa.Column("case_id", _ID, sa.ForeignKey("cases.case_id"), primary_key=True),
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("operator_id", sa.String(64), primary_key=True),
        sa.Column("operator_name", sa.String(100), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("reason_code", sa.String(40), nullable=False),
        sa.Column("note", sa.String(2000), nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("registry_version", sa.BigInteger, nullable=False),
        sa.Column("risks", sa.String(200), nullable=False),
        sa.Column("given_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("case_id", "round", "place", name="opinions_place"),
    )
    op.create_table(
        "findings",
        sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), primary_key=True),
        sa.Column("code", sa.String(40), primary_key=True),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("found_at", UtcDateTime, nullable=False),
    )
    op.add_column("changes", sa.Column("document_hash", sa.String(110), nullable=False, server_default=""))
    op.add_column("changes", sa.Column("reverting_at", UtcDateTime))
    op.create_index("changes_document", "changes", ["document_hash"])
    op.drop_index("changes_one_open", "changes")
    op.create_index("changes_one_open", "changes", ["customer_id"], unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
    op.add_column("cases", sa.Column("round", sa.Integer, nullable=False, server_default="1"))
    op.add_column("cases", sa.Column("drawn", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index(
        "cases_open", "cases", ["submitted_at", "case_id"], sqlite_where=_CAN_BE_TAKEN, postgresql_where=_CAN_BE_TAKEN
    )
