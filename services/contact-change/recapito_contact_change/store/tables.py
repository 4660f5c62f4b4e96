"""The tables. The migrations make them; a test holds the two together."""

from typing import Final

import sqlalchemy as sa

from recapito_contact_change.domain import BEFORE_APPLIED
from recapito_servicekit.allowances import allowances_table
from recapito_servicekit.outbox import Outbox, outbox_table
from recapito_servicekit.sql import UtcDateTime

METADATA: Final = sa.MetaData()
_ID: Final = sa.String(32)
_SEQ: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FAILED: Final = sa.text("failed_at IS NOT NULL")
_ZONE_DUE: Final = sa.text("zone_due_at IS NOT NULL")
_CAN_BE_TAKEN: Final = sa.text("is_open")
_IS_OPEN: Final = sa.text("state IN ({})".format(", ".join(f"'{state}'" for state in BEFORE_APPLIED)))

CHANGES: Final = sa.Table(
    "changes",
    METADATA,
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
    sa.Column("document_hash", sa.String(110), nullable=False),  # of type and number, keyed: key id, ":", hex
    sa.Column("document_issuer", sa.String(100), nullable=False),
    sa.Column("document_issued_on", sa.Date, nullable=False),
    sa.Column("document_expires_on", sa.Date, nullable=False),
    sa.Column("amr", sa.String(100), nullable=False),  # separated by spaces
    sa.Column("submitted_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("applying_at", UtcDateTime),  # since then the registry may have the new mobile: too late to stop it
    sa.Column("applied_at", UtcDateTime),
    sa.Column("reverting_at", UtcDateTime),  # since then the registry may have the old mobile again: no other way is left
    sa.Column("ended_at", UtcDateTime),  # when it was over without a decision
    sa.Column("reason_code", sa.String(40), nullable=False, default=""),
    sa.UniqueConstraint("customer_id", "request_id", name="changes_request"),
    sa.Index("changes_one_open", "customer_id", unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    sa.Index("changes_new_mobile", "new_mobile"),
    sa.Index("changes_document", "document_hash"),
)

DOCUMENTS: Final = sa.Table(
    "documents",
    METADATA,
    sa.Column("document_id", _ID, primary_key=True),
    sa.Column("customer_id", sa.String(64), nullable=False),
    sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), index=True),  # null until it is filed
    sa.Column("place", sa.Integer, nullable=False, default=0),  # in the form's list
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("media_type", sa.String(40), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("key_id", sa.String(40), nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("uploaded_at", UtcDateTime, nullable=False),
    sa.Column("destroyed_at", UtcDateTime),  # its key is gone then: key_id and wrapped_key are empty
)

ALLOWANCES: Final = allowances_table(METADATA)

ASKED_MOBILES: Final = sa.Table(
    "asked_mobiles",
    METADATA,
    sa.Column("customer_id", sa.String(64), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("mobile", sa.String(20), primary_key=True),
)

CASES: Final = sa.Table(
    "cases",
    METADATA,
    sa.Column("case_id", _ID, primary_key=True),
    sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, unique=True),
    sa.Column("customer_name", sa.String(200), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("findings", sa.String(400), nullable=False),  # separated by spaces
    sa.Column("submitted_at", UtcDateTime, nullable=False),  # the change's, for the queue's order
    sa.Column("is_open", sa.Boolean, nullable=False, default=True),  # an operator may take it
    sa.Column("holder_id", sa.String(64), nullable=False, default=""),
    sa.Column("holder_name", sa.String(100), nullable=False, default=""),
    sa.Column("lease_expires_at", UtcDateTime),
    sa.Column("registry_version", sa.BigInteger, nullable=False, default=0),
    sa.Column("decision", sa.String(20)),
    sa.Column("reason_code", sa.String(40), nullable=False, default=""),
    sa.Column("note", sa.String(2000), nullable=False, default=""),
    sa.Column("decided_by_id", sa.String(64), nullable=False, default=""),
    sa.Column("decided_by_name", sa.String(100), nullable=False, default=""),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("round", sa.Integer, nullable=False, default=1),
    sa.Column("drawn", sa.Boolean, nullable=False, default=False),  # by lot, for a second operator
    sa.Column("zone_due_at", UtcDateTime),  # a machine is to read its documents; claimed until then, or null
    sa.Index("cases_zone_due", "zone_due_at", sqlite_where=_ZONE_DUE, postgresql_where=_ZONE_DUE),
    sa.Index("cases_queue", "submitted_at", "case_id"),
    sa.Index("cases_open", "submitted_at", "case_id", sqlite_where=_CAN_BE_TAKEN, postgresql_where=_CAN_BE_TAKEN),
)

OPINIONS: Final = sa.Table(
    "opinions",
    METADATA,
    sa.Column("case_id", _ID, sa.ForeignKey("cases.case_id"), primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("operator_id", sa.String(64), primary_key=True),  # nobody twice in a round
    sa.Column("operator_name", sa.String(100), nullable=False),
    sa.Column("place", sa.Integer, nullable=False),  # 1: the first of the round
    sa.Column("decision", sa.String(20), nullable=False),
    sa.Column("reason_code", sa.String(40), nullable=False),
    sa.Column("note", sa.String(2000), nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),  # the case's version
    sa.Column("registry_version", sa.BigInteger, nullable=False),
    sa.Column("risks", sa.String(200), nullable=False),  # separated by spaces
    sa.Column("given_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("case_id", "round", "place", name="opinions_place"),
)

FINDINGS: Final = sa.Table(
    "findings",
    METADATA,
    sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), primary_key=True),
    sa.Column("code", sa.String(40), primary_key=True),
    sa.Column("evidence", sa.Text, nullable=False),  # JSON; emptied with the documents
    sa.Column("found_at", UtcDateTime, nullable=False),
)

QUESTIONS: Final = sa.Table(
    "questions",
    METADATA,
    sa.Column("question_id", _ID, primary_key=True),
    sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("asked_by", sa.String(100), nullable=False),
    sa.Column("reason_code", sa.String(40), nullable=False),
    sa.Column("text", sa.String(1000), nullable=False),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("answer", sa.String(2000), nullable=False, default=""),
    sa.Column("answer_request_id", sa.String(64), nullable=False, default=""),
)

HISTORY: Final = sa.Table(
    "history",
    METADATA,
    sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
    sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("detail", sa.String(400), nullable=False),
)

NOTICES: Final = sa.Table(
    "notices",
    METADATA,
    sa.Column("notice_id", _ID, primary_key=True),
    sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
    sa.Column("channel", sa.String(10), nullable=False),
    sa.Column("destination", sa.String(320), nullable=False),
    sa.Column("template", sa.String(40), nullable=False),
    sa.Column("params", sa.Text, nullable=False),  # JSON
    sa.Column("locale", sa.String(35), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("failed_at", UtcDateTime),
    sa.Column("error", sa.String(200), nullable=False, server_default=""),
    sa.Index("notices_failed", "failed_at", sqlite_where=_FAILED, postgresql_where=_FAILED),
)

REPUDIATION_TOKENS: Final = sa.Table(
    "repudiation_tokens",
    METADATA,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("change_id", _ID, sa.ForeignKey("changes.change_id"), nullable=False, index=True),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
)

# of changes that were erased: who decided what, when, and on which documents, without a contact and without a document's data
DECISION_RECORDS: Final = sa.Table(
    "decision_records",
    METADATA,
    sa.Column("change_id", _ID, primary_key=True),
    sa.Column("customer_id", sa.String(64), nullable=False, index=True),
    sa.Column("record", sa.Text, nullable=False),  # JSON
    sa.Column("keep_until", sa.Date, nullable=False, index=True),
    sa.Column("erased_at", UtcDateTime, nullable=False),
)

TEAM_MAILS: Final = sa.Table(
    "team_mails",
    METADATA,
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("sent_at", UtcDateTime, nullable=False),
)

OUTBOX: Final = Outbox(outbox_table(METADATA))
