"""Changes, documents, cases, history, notices, the outbox."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0001"
down_revision = None

_ID = sa.String(32)
_IS_OPEN = sa.text("state IN ('SUBMITTED', 'IN_REVIEW', 'APPROVED')")


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("change_id", _ID, primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("new_mobile", sa.String(20), nullable=False),
        sa.Column("mobile_confirmed", sa.Boolean, nullable=False),
        sa.Column("notify_email", sa.String(320), nullable=False),
        sa.Column("document_type", sa.String(20), nullable=False),
        sa.Column("document_number", sa.String(20), nullable=False),
        sa.Column("document_issuer", sa.String(100), nullable=False),
        sa.Column("document_issued_on", sa.Date, nullable=False),
        sa.Column("document_expires_on", sa.Date, nullable=False),
        sa.Column("amr", sa.String(100), nullable=False),
        sa.Column("submitted_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("applied_at", UtcDateTime),
        sa.Column("reason_code", sa.String(40), nullable=False),
        sa.UniqueConstraint("customer_id", "request_id", name="changes_request"),
    )
    op.create_index("changes_one_open", "changes", ["customer_id"], unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
    op.create_index("changes_new_mobile", "changes", ["new_mobile"])
    op.create_table(
        "documents",
        sa.Column("document_id", _ID, primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), index=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("key_id", sa.String(40), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("uploaded_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "allowances",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("what", sa.String(20), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
    )
    op.create_table(
        "asked_mobiles",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("mobile", sa.String(20), primary_key=True),
    )
    op.create_table(
        "cases",
        sa.Column("case_id", _ID, primary_key=True),
        sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, unique=True),
        sa.Column("customer_name", sa.String(200), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("findings", sa.String(400), nullable=False),
        sa.Column("submitted_at", UtcDateTime, nullable=False),
        sa.Column("holder_id", sa.String(64), nullable=False),
        sa.Column("holder_name", sa.String(100), nullable=False),
        sa.Column("lease_expires_at", UtcDateTime),
        sa.Column("registry_version", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.String(20)),
        sa.Column("reason_code", sa.String(40), nullable=False),
        sa.Column("note", sa.String(2000), nullable=False),
        sa.Column("decided_by_id", sa.String(64), nullable=False),
        sa.Column("decided_by_name", sa.String(100), nullable=False),
        sa.Column("decided_at", UtcDateTime),
    )
    op.create_index("cases_queue", "cases", ["submitted_at", "case_id"])
    op.create_table(
        "history",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("detail", sa.String(400), nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("notice_id", _ID, primary_key=True),
        sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("destination", sa.String(320), nullable=False),
        sa.Column("template", sa.String(40), nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent_at", UtcDateTime),
    )
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
    )
    is_open = sa.text("done_at IS NULL AND dead_at IS NULL")
    op.create_index("outbox_open", "outbox", ["next_try_at"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("outbox_key", "outbox", ["key", "seq"])
