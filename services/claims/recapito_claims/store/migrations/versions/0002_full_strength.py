"""Beneficiary, accident, admission, other insurance, declarations; decisions, questions, history, notices."""

import sqlalchemy as sa
from alembic import op

from recapito_servicekit.sql import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    text = {"nullable": False, "server_default": ""}
    for column in (
        sa.Column("kinship", sa.String(16)),
        sa.Column("beneficiary_given_name", sa.String(120), **text),
        sa.Column("beneficiary_family_name", sa.String(120), **text),
        sa.Column("beneficiary_codice_fiscale", sa.String(16), **text),
        sa.Column("provider", sa.String(120), **text),
        sa.Column("accident_place", sa.String(120), **text),
        sa.Column("accident_cause", sa.String(300), **text),
        sa.Column("third_party", sa.String(3)),
        sa.Column("third_party_name", sa.String(120), **text),
        sa.Column("admitted", sa.String(3)),
        sa.Column("admitted_on", sa.Date),
        sa.Column("discharged_on", sa.Date),
        sa.Column("other_insurance", sa.String(3)),
        sa.Column("other_insurer", sa.String(120), **text),
        sa.Column("declarations", sa.String(100), **text),
        sa.Column("closed_at", UtcDateTime),
    ):
        op.add_column("claims", column)
    op.create_index("claims_over", "claims", ["closed_at"])
    for column in (
        sa.Column("category", sa.String(16)),
        sa.Column("state", sa.String(16)),
        sa.Column("reason", sa.String(500), **text),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("fingerprint", sa.String(64), **text),
    ):
        op.add_column("expenses", column)
    op.create_index("expenses_that_look_alike", "expenses", ["fingerprint"])
    op.create_table(
        "draft_changes",
        sa.Column("claim_id", sa.String(32), sa.ForeignKey("claims.claim_id", name="change_of_a_claim"), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("changed", sa.String(600), nullable=False),
    )
    op.create_table(
        "questions",
        sa.Column("question_id", sa.String(32), primary_key=True),
        sa.Column("claim_id", sa.String(32), sa.ForeignKey("claims.claim_id", name="question_of_a_claim"), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("text", sa.String(2000), nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("answer", sa.String(2000), **text),
        sa.Column("answer_request_id", sa.String(64)),
        sa.Column("answered_at", UtcDateTime),
        sa.Column("expired_at", UtcDateTime),
        sa.UniqueConstraint("claim_id", "request_id", name="one_question_a_request"),
    )
    op.create_index("questions_due", "questions", ["due_at"])
    op.create_table(
        "claim_steps",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("claim_id", sa.String(32), sa.ForeignKey("claims.claim_id", name="step_of_a_claim"), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("steps_of_a_claim", "claim_steps", ["claim_id", "seq"])
    op.create_table(
        "claim_sequence",
        sa.Column("only_row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    _outbox()
    # what was filed before there was a history
    op.execute(
        "UPDATE expenses SET state = 'SUBMITTED' WHERE claim_id IN (SELECT claim_id FROM claims WHERE claim_number IS NOT NULL)"
    )
    op.execute(
        "INSERT INTO claim_steps (seq, claim_id, event, subject, at) "
        "SELECT row_number() OVER (ORDER BY submitted_at, claim_id), claim_id, 'SUBMITTED', '', submitted_at "
        "FROM claims WHERE claim_number IS NOT NULL"
    )
    op.execute("INSERT INTO claim_sequence (only_row, last) SELECT 1, MAX(seq) FROM claim_steps HAVING COUNT(*) > 0")


def _outbox() -> None:
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


def downgrade() -> None:
    for table in ("outbox", "claim_sequence", "claim_steps", "questions", "draft_changes"):
        op.drop_table(table)
    op.drop_index("expenses_that_look_alike", "expenses")
    for name in ("category", "state", "reason", "decided_at", "fingerprint"):
        op.drop_column("expenses", name)
    op.drop_index("claims_over", "claims")
    for name in (
        *("kinship", "beneficiary_given_name", "beneficiary_family_name", "beneficiary_codice_fiscale", "provider"),
        *("accident_place", "accident_cause", "third_party", "third_party_name", "admitted", "admitted_on", "discharged_on"),
        *("other_insurance", "other_insurer", "declarations", "closed_at"),
    ):
        op.drop_column("claims", name)
