"""Erases a customer's contact changes (GDPR 17), and names what stays of them.

What an operator decided must be answered for, so of each such change a record stays: who, what, when, on which documents. Where
somebody disputes that it was the customer at all, the change stays whole: it is the evidence. Documents are the first to go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from recapito_contact_change.domain import OPEN_STATES, State
from recapito_contact_change.store import erasing
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.privacy import EVIDENCE, EVIDENCE_YEARS, Erased, Kept, counted
from recapito_servicekit.sql import Database

DISPUTED: Final = frozenset({State.REPUDIATED, State.REVERTED})
"""Somebody said, or a supervisor found, that it wasn't the customer."""
SUSPECTED: Final = frozenset({"ANOTHER_PERSON", "DOCUMENT_INVALID", "SUSPECTED_FRAUD"})
"""An operator refused it for one of these."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of each change. ``until``: of a change's record, or of the change that stays whole."""

    whole: list[tuple[Any, date]]
    recorded: list[tuple[Any, date]]
    dropped: list[Any]


@dataclass(frozen=True, slots=True)
class EraseCustomer:
    """See ``run``."""

    database: Database
    pipeline: DocumentPipeline
    clock: Clock

    def run(self, customer_id: str, *, dry_run: bool = False) -> Erased:
        """What went and what stays; again: nothing more.

        All of it is one commit, and with the rows go the documents' keys: blobs that a crash leaves behind are noise, and swept.
        Raises FAILED_PRECONDITION CHANGE_OPEN, NOTICES_WAITING.
        """
        now = self.clock()
        if dry_run:
            with self.database.read() as tx:
                return self._erase(tx, customer_id, now, dry_run=True)[0]
        with self.database.transaction() as tx:
            done, documents = self._erase(tx, customer_id, now, dry_run=False)
        for row in documents:
            self.pipeline.destroy(_ref(row))
        return done

    def _erase(self, tx: sa.Connection, customer_id: str, now: datetime, *, dry_run: bool) -> tuple[Erased, list[Any]]:
        plan = _plan(tx, customer_id, now.date(), hold=not dry_run)
        going = [*(change for change, _ in plan.recorded), *plan.dropped]
        documents = [row for change in going for row in erasing.documents_of(tx, change.change_id)] + erasing.unfiled(
            tx, customer_id
        )
        kept = [
            Kept(f"change {change.change_id}, {change.state}, which is disputed", EVIDENCE, until) for change, until in plan.whole
        ]
        kept += [_record(change.change_id, until) for change, until in plan.recorded]
        kept += [
            _record(row.change_id, row.keep_until) for row in erasing.records(tx, customer_id) if row.keep_until >= now.date()
        ]
        gone = (
            *counted(len(going), "contact change with its case and notices", "contact changes with their cases and notices"),
            *counted(len(documents), "identity document", "identity documents"),
        )
        if not dry_run:
            for change, until in plan.recorded:
                erasing.keep_record(tx, change, until, now)
            for change in going:
                erasing.erase(tx, change.change_id)
            erasing.erase_unfiled(tx, customer_id)
            erasing.forget_records(tx, now.date())
        return Erased(gone, tuple(kept)), documents


def _plan(tx: sa.Connection, customer_id: str, today: date, *, hold: bool) -> _Plan:
    found = erasing.changes_of(tx, customer_id, hold=hold)
    _demand_over(tx, found)
    plan = _Plan([], [], [])
    for change in found:
        ended: datetime = change.ended_at or change.applied_at or change.decided_at
        until = date(ended.year + EVIDENCE_YEARS, 12, 31)
        if until < today or not (change.decided_at or change.state in DISPUTED):
            plan.dropped.append(change)
        elif change.state in DISPUTED or change.reason_code in SUSPECTED:
            plan.whole.append((change, until))
        else:
            plan.recorded.append((change, until))
    return plan


def _demand_over(tx: sa.Connection, found: Sequence[Any]) -> None:
    still = [change for change in found if change.state in OPEN_STATES]
    if still:
        told = {"change_id": still[0].change_id, "state": still[0].state}
        raise Refusal(Kind.FAILED_PRECONDITION, "CHANGE_OPEN", f"change {still[0].change_id} isn't over: {still[0].state}", told)
    if erasing.waits(tx, [change.change_id for change in found]):
        raise Refusal(Kind.FAILED_PRECONDITION, "NOTICES_WAITING", "a notice, or another effect of a change, is still on its way")


def _record(change_id: str, until: date) -> Kept:
    return Kept(
        f"the record of the decision on change {change_id}: who decided what, when, no contact, no document", EVIDENCE, until
    )


def _ref(row: Any) -> DocumentRef:
    return DocumentRef(document_id=row.document_id, media_type=row.media_type, pages=row.pages, key_id="", wrapped_key=b"")
