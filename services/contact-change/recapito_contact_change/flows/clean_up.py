"""Keeps nothing longer than it may be kept: identity documents after the decision, uploads that were never filed."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from recapito_contact_change.flows.open_case import SYSTEM
from recapito_contact_change.store import allowances, changes, documents
from recapito_contact_change.store.documents import KeptDocument
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

log = logs.get(__name__)

PERIOD_SECONDS: Final = 600.0
UNFILED: Final = timedelta(hours=24)
BATCH: Final = 100


class CleanUp:
    """See ``run_once``. ``keep``: how long identity documents are kept after the decision. Several may run at once."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock, keep: timedelta) -> None:
        self._database = database
        self._pipeline = pipeline
        self._clock = clock
        self._keep = keep

    def run(self, stop: threading.Event) -> None:
        """Cleans up every ten minutes until told to stop."""
        while not stop.is_set():
            self.run_once()
            stop.wait(PERIOD_SECONDS)

    def run_once(self) -> None:
        """Cleans up all that is due (GDPR 5(1)(e), 17). A crash in between leaves nothing that the next run doesn't find."""
        now = self._clock()
        destroyed = _all(self._destroy_decided)
        unfiled = _all(self._delete_unfiled)
        with self._database.transaction() as tx:
            allowances.forget(tx, (now - timedelta(days=1)).date())
        with self._database.read() as tx:
            known = documents.readable_ids(tx)
        blobs = self._pipeline.sweep(known, now - UNFILED)
        if destroyed or unfiled or blobs:
            log.info("cleaned up", documents_destroyed=destroyed, uploads_deleted=unfiled, stray_blobs=blobs)

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
            self._pipeline.destroy(document)
        return len(due)

    def _delete_unfiled(self) -> int:
        with self._database.read() as tx:
            due = documents.never_filed(tx, self._clock() - UNFILED, BATCH)
        for document in due:
            self._delete(document)
        return len(due)

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
