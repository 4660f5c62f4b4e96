"""Customers, accounts, operators, applied changes."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("person_type", sa.String(16), nullable=False),
        sa.Column("given_name", sa.String(100), nullable=False),
        sa.Column("family_name", sa.String(200), nullable=False),
        sa.Column("given_folded", sa.String(400), nullable=False),
        sa.Column("family_folded", sa.String(800), nullable=False),
        sa.Column("codice_fiscale", sa.String(16), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("mobile", sa.String(16), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("policy_numbers", sa.JSON, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("contact_changed_at", UtcDateTime),
        sa.Column("mobile_changed_at", UtcDateTime),
        sa.Column("claims_held_until", UtcDateTime),
    )
    op.create_index("customers_mobile", "customers", ["mobile", "family_folded"])
    op.create_index("customers_email", "customers", ["email", "family_folded"])
    op.create_index("customers_contact_changed_at", "customers", ["contact_changed_at"])
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(32), primary_key=True),
        sa.Column("customer_id", sa.String(64), sa.ForeignKey("customers.customer_id"), nullable=False, unique=True),
        sa.Column("username", sa.String(254), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("registration_digest", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("first_signed_in_at", UtcDateTime),
        sa.Column("last_signed_in_at", UtcDateTime),
        sa.Column("wrong_codes", sa.Integer, nullable=False),
        sa.Column("codes_locked_until", UtcDateTime),
    )
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary, nullable=False),
        sa.Column("totp_last_step", sa.BigInteger, nullable=False),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "applied_changes",
        sa.Column("request_id", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.Column("applied_at", UtcDateTime, nullable=False),
    )
