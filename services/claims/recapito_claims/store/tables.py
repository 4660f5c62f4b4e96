"""The tables. What they hold together is held by constraints, so that parallel and repeated calls can't break it."""

from typing import Final

import sqlalchemy as sa

from recapito_servicekit.allowances import allowances_table
from recapito_servicekit.outbox import Outbox, outbox_table
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
    sa.Column("kinship", sa.String(16)),
    sa.Column("beneficiary_given_name", sa.String(120), nullable=False, server_default=""),
    sa.Column("beneficiary_family_name", sa.String(120), nullable=False, server_default=""),
    sa.Column("beneficiary_codice_fiscale", sa.String(16), nullable=False, server_default=""),
    sa.Column("provider", sa.String(120), nullable=False, server_default=""),
    sa.Column("accident_place", sa.String(120), nullable=False, server_default=""),
    sa.Column("accident_cause", sa.String(300), nullable=False, server_default=""),
    sa.Column("third_party", sa.String(3)),
    sa.Column("third_party_name", sa.String(120), nullable=False, server_default=""),
    sa.Column("admitted", sa.String(3)),
    sa.Column("admitted_on", sa.Date),
    sa.Column("discharged_on", sa.Date),
    sa.Column("other_insurance", sa.String(3)),
    sa.Column("other_insurer", sa.String(120), nullable=False, server_default=""),
    sa.Column("declarations", sa.String(100), nullable=False, server_default=""),  # separated by commas
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("claim_number", sa.String(24)),
    sa.Column("submitted_at", UtcDateTime),
    sa.Column("submit_request_id", sa.String(REQUEST_ID)),
    sa.Column("transaction_hash", sa.String(64)),  # of what was confirmed and filed
    sa.Column("closed_at", UtcDateTime),  # closed, withdrawn or discarded
    sa.UniqueConstraint("customer_id", "request_id", name="one_draft_a_request"),
    sa.UniqueConstraint("claim_number", name="one_claim_a_number"),
    sa.Index("claims_of_a_customer", "customer_id", "created_at", "claim_id"),
    sa.Index("claims_over", "closed_at"),
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
    sa.Column("category", sa.String(16)),
    sa.Column("state", sa.String(16)),
    sa.Column("reason", sa.String(500), nullable=False, server_default=""),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
    sa.Index("expenses_that_look_alike", "fingerprint"),
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

allowances = allowances_table(metadata)

claim_numbers = sa.Table(
    "claim_numbers",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.Integer, nullable=False),
)

# what each version of a draft changed, so that whoever held an older one can be told; gone once it is filed
draft_changes = sa.Table(
    "draft_changes",
    metadata,
    sa.Column("claim_id", sa.ForeignKey(claims.c.claim_id, name="change_of_a_claim"), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("changed", sa.String(600), nullable=False),
)

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("question_id", sa.String(ID), primary_key=True),
    sa.Column("claim_id", sa.ForeignKey(claims.c.claim_id, name="question_of_a_claim"), nullable=False),
    sa.Column("request_id", sa.String(REQUEST_ID), nullable=False),
    sa.Column("text", sa.String(2000), nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("answer", sa.String(2000), nullable=False, server_default=""),
    sa.Column("answer_request_id", sa.String(REQUEST_ID)),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("expired_at", UtcDateTime),
    sa.UniqueConstraint("claim_id", "request_id", name="one_question_a_request"),
    sa.Index("questions_due", "due_at"),
)

# the history of filed claims, and what the claim handling system watches
claim_steps = sa.Table(
    "claim_steps",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("claim_id", sa.ForeignKey(claims.c.claim_id, name="step_of_a_claim"), nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(ID), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("steps_of_a_claim", "claim_id", "seq"),
)

# one row, held by whoever writes a step until it commits: so seq rises in the order of commits, and a cursor skips nothing
claim_sequence = sa.Table(
    "claim_sequence",
    metadata,
    sa.Column("only_row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger, nullable=False),
)

OUTBOX: Final = Outbox(outbox_table(metadata))
