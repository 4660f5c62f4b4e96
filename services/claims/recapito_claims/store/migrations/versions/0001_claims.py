"""Claims, expenses, attachments, and the counter of claim numbers."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("claim_id", sa.String(32), primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32)),
        sa.Column("event_date", sa.Date),
        sa.Column("policy_number", sa.String(60), nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("iban", sa.String(34), nullable=False),
        sa.Column("iban_holder", sa.String(120), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("claim_number", sa.String(24)),
        sa.Column("submitted_at", UtcDateTime),
        sa.Column("submit_request_id", sa.String(64)),
        sa.Column("transaction_hash", sa.String(64)),
        sa.UniqueConstraint("customer_id", "request_id", name="one_draft_a_request"),
        sa.UniqueConstraint("claim_number", name="one_claim_a_number"),
    )
    op.create_index("claims_of_a_customer", "claims", ["customer_id", "created_at", "claim_id"])
    op.create_table(
        "expenses",
        sa.Column("expense_id", sa.String(32), primary_key=True),
        sa.Column("claim_id", sa.String(32), sa.ForeignKey("claims.claim_id", name="expense_of_a_claim"), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("provider", sa.String(120), nullable=False),
        sa.Column("document_number", sa.String(60), nullable=False),
        sa.Column("document_date", sa.Date),
        sa.Column("cents", sa.BigInteger),
        sa.UniqueConstraint("claim_id", "request_id", name="one_expense_a_request"),
        sa.UniqueConstraint("claim_id", "position", name="one_expense_a_position"),
    )
    op.create_table(
        "attachments",
        sa.Column("attachment_id", sa.String(32), primary_key=True),
        sa.Column("claim_id", sa.String(32), sa.ForeignKey("claims.claim_id", name="attachment_of_a_claim"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("key_id", sa.String(40), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("claim_id", "kind", "sha256", name="one_attachment_a_document"),
        sa.UniqueConstraint("claim_id", "position", name="one_attachment_a_position"),
    )
    op.create_table(
        "claim_numbers",
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("claim_numbers", "attachments", "expenses", "claims"):
        op.drop_table(table)
