"""What happens by itself: questions whose time ends, and pieces of documents that a crash left behind."""

import threading
from datetime import timedelta
from typing import Final

from recapito_claims.flows.answer_question import expire_questions
from recapito_claims.store import claims as store
from recapito_claims.store.allowances import COUNTS
from recapito_claims.store.tables import OUTBOX
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

log = logs.get(__name__)

PERIOD_SECONDS: Final = 60.0
NOTICES_KEPT: Final = timedelta(days=7)  # after they went out, for whoever looks into what happened
BATCH: Final = 100
STRAY: Final = timedelta(hours=24)  # a document's blobs are written before its row


class CleanUp:
    """See ``run_once``. Several may run at once."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock) -> None:
        self._database = database
        self._pipeline = pipeline
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Every minute until told to stop."""
        while not stop.is_set():
            self.run_once()
            stop.wait(PERIOD_SECONDS)

    def run_once(self) -> None:
        """Ends what is due and sweeps what nobody can read any more."""
        expired = expire_questions(self._database, self._clock)
        with self._database.read() as connection:
            known = store.attachment_ids(connection)
        blobs = self._pipeline.sweep(known, self._clock() - STRAY)
        with self._database.transaction() as connection:
            OUTBOX.forget(connection, self._clock() - NOTICES_KEPT, BATCH)
            COUNTS.forget(connection, (self._clock() - timedelta(days=1)).date())
        if expired or blobs:
            log.info("cleaned up", questions_expired=expired, stray_blobs=blobs)
