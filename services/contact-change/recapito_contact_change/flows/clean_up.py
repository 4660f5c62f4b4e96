"""Keeps nothing longer than it may be kept: documents after the decision, uploads never filed, questions never answered."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from recapito_contact_change import notices
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import DEFAULTS, Step
from recapito_contact_change.flows.open_case import SYSTEM
from recapito_contact_change.hashes import DocumentHashes
from recapito_contact_change.store import allowances, cases, changes, documents, erasing, findings, repudiations
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.documents import KeptDocument
from recapito_contact_change.store.tables import OUTBOX
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

log = logs.get(__name__)

PERIOD_SECONDS: Final = 600.0
UNFILED: Final = timedelta(hours=24)
BATCH: Final = 100
EVENTS_KEPT: Final = timedelta(days=7)  # after their effect, for whoever looks into what happened


class CleanUp:
    """See ``run_once``. ``keep``: how long identity documents are kept after the decision; ``answer_within``: how long a question
    waits. Several may run at once."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        pipeline: DocumentPipeline,
        hashes: DocumentHashes,
        clock: Clock,
        keep: timedelta,
        answer_within: timedelta = DEFAULTS.answer_within,
    ) -> None:
        self._database = database
        self._registry = registry
        self._pipeline = pipeline
        self._hashes = hashes
        self._clock = clock
        self._keep = keep
        self._answer_within = answer_within

    def run(self, stop: threading.Event) -> None:
        """Cleans up every ten minutes until told to stop."""
        while not stop.is_set():
            self.run_once()
            stop.wait(PERIOD_SECONDS)

    def run_once(self) -> None:
        """Cleans up all that is due (GDPR 5(1)(e), 17). A crash in between leaves nothing that the next run doesn't find."""
        now = self._clock()
        expired = _all(self._expire_unanswered)
        destroyed = _all(self._destroy_decided)
        unfiled = _all(self._delete_unfiled)
        _all(self._hash_anew)
        _all(self._forget_events)
        with self._database.transaction() as tx:
            allowances.forget(tx, (now - timedelta(days=1)).date())
            repudiations.forget(tx, now)
            erasing.forget_records(tx, now.date())
        with self._database.read() as tx:
            known = documents.readable_ids(tx)
        blobs = self._pipeline.sweep(known, now - UNFILED)
        if expired or destroyed or unfiled or blobs:
            log.info(
                "cleaned up", changes_expired=expired, documents_destroyed=destroyed, uploads_deleted=unfiled, stray_blobs=blobs
            )

    def _expire_unanswered(self) -> int:
        with self._database.read() as tx:
            due = changes.unanswered(tx, self._clock() - self._answer_within, BATCH)
        for change in due:
            customer = self._registry.get(change.customer_id)
            now = self._clock()
            with self._database.transaction() as tx:
                if not changes.move(tx, change.change_id, Step.EXPIRE, ended_at=now):
                    continue
                cases.close(tx, change.change_id)
                changes.note(tx, change.change_id, now, SYSTEM, Step.EXPIRE)
                ledger.insert(tx, change.change_id, notices.to_customer(notices.EXPIRED, customer), now)
        return len(due)

    def _destroy_decided(self) -> int:
        """The key first: from then on nobody reads the document, whatever becomes of its blobs. The SHA-256 stays."""
        now = self._clock()
        with self._database.read() as tx:
            due = documents.past_keeping(tx, now - self._keep, BATCH)
        for document in due:
            with self._database.transaction() as tx:
                if documents.destroy_key(tx, document.document_id, now):
                    detail = f"{document.document_id} sha256 {document.sha256}"
                    changes.note(tx, document.change_id, now, SYSTEM, "document_destroyed", detail)
                    findings.forget_evidence(tx, document.change_id)
            self._pipeline.destroy(document)
        return len(due)

    def _delete_unfiled(self) -> int:
        with self._database.read() as tx:
            due = documents.never_filed(tx, self._clock() - UNFILED, BATCH)
        for document in due:
            self._delete(document)
        return len(due)

    def _hash_anew(self) -> int:
        """Hashes of documents' numbers that another key than the current one made."""
        with self._database.read() as tx:
            due = changes.hashed_otherwise(tx, self._hashes.current, BATCH)
        with self._database.transaction() as tx:
            for change in due:
                document = change.form.document
                changes.set_hash(tx, change.change_id, self._hashes.hash(document.type, document.number))
        return len(due)

    def _forget_events(self) -> int:
        with self._database.transaction() as tx:
            return OUTBOX.forget(tx, self._clock() - EVENTS_KEPT, BATCH)

    def _delete(self, document: KeptDocument) -> None:
        with self._database.transaction() as tx:
            deleted = documents.delete_unfiled(tx, document.document_id)
        if deleted:
            self._pipeline.destroy(document)


def _all(batch: Callable[[], int]) -> int:
    """Calls until a batch isn't full; gives how many there were."""
    done = found = batch()
    while found == BATCH:
        found = batch()
        done += found
    return done
