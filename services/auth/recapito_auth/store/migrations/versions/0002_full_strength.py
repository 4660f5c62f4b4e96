"""Trusted devices, recovery, operators' recovery codes, frozen customers, the audit chain, the feed of changes, the outbox."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_APPEND_ONLY = "the audit is append-only"


def upgrade() -> None:
    _widen()
    op.create_table(
        "devices",
        sa.Column("device_id", sa.String(32), primary_key=True),
        sa.Column("customer_id", sa.String(64), sa.ForeignKey("customers.customer_id"), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False, unique=True),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("confirmed_at", UtcDateTime, nullable=False),
        sa.Column("last_used_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
    )
    op.create_index("devices_customer_id", "devices", ["customer_id"])
    op.create_table(
        "networks",
        sa.Column("customer_id", sa.String(64), sa.ForeignKey("customers.customer_id"), primary_key=True),
        sa.Column("network", sa.String(43), primary_key=True),
        sa.Column("confirmed_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "operator_recovery_codes",
        sa.Column("operator_id", sa.String(32), sa.ForeignKey("operators.operator_id"), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("used_at", UtcDateTime),
    )
    op.create_table(
        "contact_changes",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("changed", sa.String(16), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
    )
    _make_audit()
    _make_outbox()


def _widen() -> None:
    op.add_column("customers", sa.Column("email_changed_at", UtcDateTime))
    op.add_column("customers", sa.Column("epoch_raised_at", UtcDateTime))
    op.add_column("customers", sa.Column("frozen_at", UtcDateTime))
    op.execute("UPDATE customers SET epoch_raised_at = contact_changed_at")
    op.drop_index("customers_contact_changed_at", "customers")
    op.create_index("customers_epoch_raised_at", "customers", ["epoch_raised_at"])
    op.create_index("customers_codice_fiscale", "customers", ["codice_fiscale"])
    op.create_index("customers_name", "customers", ["family_folded", "given_folded"])
    op.add_column("accounts", sa.Column("failed_passwords", sa.Integer, nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("last_code_at", UtcDateTime))
    op.add_column("accounts", sa.Column("password_changed_at", UtcDateTime))
    op.add_column("accounts", sa.Column("recovered_at", UtcDateTime))
    op.add_column("accounts", sa.Column("recovery_digest", sa.String(64)))
    op.add_column("accounts", sa.Column("contact_change_only", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE accounts SET last_code_at = last_signed_in_at")
    op.add_column("operators", sa.Column("epoch", sa.BigInteger, nullable=False, server_default="1"))
    op.add_column("operators", sa.Column("disabled_at", UtcDateTime))


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_customer_id", "audit", ["customer_id", "seq"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )


def _make_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(32), nullable=False, unique=True),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", UtcDateTime, nullable=False),
        sa.Column("done_at", UtcDateTime),
        sa.Column("dead_at", UtcDateTime),
        sa.Column("error", sa.String(300), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False, server_default=""),
        sa.Column("traceparent", sa.String(55), nullable=False, server_default=""),
    )
    is_open = sa.text("done_at IS NULL AND dead_at IS NULL")
    op.create_index("outbox_open", "outbox", ["next_try_at"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("outbox_key", "outbox", ["key", "seq"])
