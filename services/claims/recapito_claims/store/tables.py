"""The tables. What they hold together is held by constraints, so that parallel and repeated calls can't break it."""

from typing import Final

import sqlalchemy as sa

from recapito_servicekit.sql import UtcDateTime

metadata = sa.MetaData()

ID: Final = 32  # hex digits
REQUEST_ID: Final = 64

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("claim_id", sa.String(ID), primary_key=True),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("request_id", sa.String(REQUEST_ID), nullable=False),
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
    sa.Column("submit_request_id", sa.String(REQUEST_ID)),
    sa.Column("transaction_hash", sa.String(64)),  # of what was confirmed and filed
    sa.UniqueConstraint("customer_id", "request_id", name="one_draft_a_request"),
    sa.UniqueConstraint("claim_number", name="one_claim_a_number"),
    sa.Index("claims_of_a_customer", "customer_id", "created_at", "claim_id"),
)

expenses = sa.Table(
    "expenses",
    metadata,
    sa.Column("expense_id", sa.String(ID), primary_key=True),
    sa.Column("claim_id", sa.ForeignKey(claims.c.claim_id, name="expense_of_a_claim"), nullable=False),
    sa.Column("request_id", sa.String(REQUEST_ID), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("provider", sa.String(120), nullable=False),
    sa.Column("document_number", sa.String(60), nullable=False),
    sa.Column("document_date", sa.Date),
    sa.Column("cents", sa.BigInteger),
    sa.UniqueConstraint("claim_id", "request_id", name="one_expense_a_request"),
    sa.UniqueConstraint("claim_id", "position", name="one_expense_a_position"),
)

attachments = sa.Table(
    "attachments",
    metadata,
    sa.Column("attachment_id", sa.String(ID), primary_key=True),  # the document's id in the blob store
    sa.Column("claim_id", sa.ForeignKey(claims.c.claim_id, name="attachment_of_a_claim"), nullable=False),
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

claim_numbers = sa.Table(
    "claim_numbers",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.Integer, nullable=False),
)
