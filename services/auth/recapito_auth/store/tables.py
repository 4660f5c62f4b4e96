"""The tables. The migrations make them; a test holds both equal."""

from typing import Final

import sqlalchemy as sa

from recapito_servicekit.sql import UtcDateTime

METADATA: Final = sa.MetaData()

CUSTOMERS: Final = sa.Table(
    "customers",
    METADATA,
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
    sa.Column("contact_changed_at", UtcDateTime),  # any contact, here or by an import into an account
    sa.Column("mobile_changed_at", UtcDateTime),  # here: an older file doesn't overwrite it
    sa.Column("claims_held_until", UtcDateTime),
    sa.Index("customers_mobile", "mobile", "family_folded"),
    sa.Index("customers_email", "email", "family_folded"),
    sa.Index("customers_contact_changed_at", "contact_changed_at"),
)

ACCOUNTS: Final = sa.Table(
    "accounts",
    METADATA,
    sa.Column("account_id", sa.String(32), primary_key=True),
    sa.Column("customer_id", sa.String(64), sa.ForeignKey("customers.customer_id"), nullable=False, unique=True),
    sa.Column("username", sa.String(254), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(256), nullable=False),
    sa.Column("registration_digest", sa.String(64), nullable=False, unique=True),  # a repeat gives the first answer
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("first_signed_in_at", UtcDateTime),
    sa.Column("last_signed_in_at", UtcDateTime),
    sa.Column("wrong_codes", sa.Integer, nullable=False),
    sa.Column("codes_locked_until", UtcDateTime),
)

OPERATORS: Final = sa.Table(
    "operators",
    METADATA,
    sa.Column("operator_id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password_hash", sa.String(256), nullable=False),
    sa.Column("totp_sealed", sa.LargeBinary, nullable=False),
    sa.Column("totp_last_step", sa.BigInteger, nullable=False),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

APPLIED_CHANGES: Final = sa.Table(
    "applied_changes",
    METADATA,
    sa.Column("request_id", sa.String(64), primary_key=True),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("answer", sa.JSON, nullable=False),  # the first answer, for a repeat
    sa.Column("applied_at", UtcDateTime, nullable=False),
)
