"""The tables. The migrations make them; a test holds both equal."""

from typing import Final

import sqlalchemy as sa

from recapito_servicekit.outbox import outbox_table
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
    sa.Column("email_changed_at", UtcDateTime),  # here: an older file doesn't overwrite it
    sa.Column("epoch_raised_at", UtcDateTime),  # Redis is told again for a while
    sa.Column("frozen_at", UtcDateTime),
    sa.Index("customers_mobile", "mobile", "family_folded"),
    sa.Index("customers_email", "email", "family_folded"),
    sa.Index("customers_codice_fiscale", "codice_fiscale"),
    sa.Index("customers_name", "family_folded", "given_folded"),
    sa.Index("customers_epoch_raised_at", "epoch_raised_at"),
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
    sa.Column("failed_passwords", sa.Integer, nullable=False),
    sa.Column("last_code_at", UtcDateTime),
    sa.Column("password_changed_at", UtcDateTime),
    sa.Column("recovered_at", UtcDateTime),
    sa.Column("recovery_digest", sa.String(64)),  # the last recovery: a repeat gives the first answer
    sa.Column("contact_change_only", sa.Boolean, nullable=False),
)

DEVICES: Final = sa.Table(
    "devices",
    METADATA,
    sa.Column("device_id", sa.String(32), primary_key=True),
    sa.Column("customer_id", sa.String(64), sa.ForeignKey("customers.customer_id"), nullable=False),
    sa.Column("token_digest", sa.String(64), nullable=False, unique=True),
    sa.Column("label", sa.String(100), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index("devices_customer_id", "customer_id"),
)

# the blocks of addresses from which a customer gave a right code
NETWORKS: Final = sa.Table(
    "networks",
    METADATA,
    sa.Column("customer_id", sa.String(64), sa.ForeignKey("customers.customer_id"), primary_key=True),
    sa.Column("network", sa.String(43), primary_key=True),
    sa.Column("confirmed_at", UtcDateTime, nullable=False),
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
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
    sa.Column("password_change_required", sa.Boolean, nullable=False),
    sa.Column("epoch_raised_at", UtcDateTime),  # Redis is told again for a while
    sa.Column("wrong_totps", sa.Integer, nullable=False, default=0),  # consecutive, beside the right password
    sa.Column("totp_locked_until", UtcDateTime),
)

RECOVERY_CODES: Final = sa.Table(
    "operator_recovery_codes",
    METADATA,
    sa.Column("operator_id", sa.String(32), sa.ForeignKey("operators.operator_id"), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("used_at", UtcDateTime),
)

APPLIED_CHANGES: Final = sa.Table(
    "applied_changes",
    METADATA,
    sa.Column("request_id", sa.String(64), primary_key=True),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("answer", sa.JSON, nullable=False),  # the first answer, for a repeat
    sa.Column("applied_at", UtcDateTime, nullable=False),
)

# what was changed here, for the company's own systems; seq is the audit record's, so the order of commits is the order of seq
CONTACT_CHANGES: Final = sa.Table(
    "contact_changes",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("changed", sa.String(16), nullable=False),  # "mobile" or "email"
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

AUDIT: Final = sa.Table(
    "audit",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # canonical JSON; what the hash is of
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("audit_customer_id", "customer_id", "seq"),
)

AUDIT_HEAD: Final = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

OUTBOX: Final = outbox_table(METADATA)
