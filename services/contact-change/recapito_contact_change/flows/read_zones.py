"""Reads the machine-readable zones of open cases' documents, and adds what they say as findings. Hints: an operator decides."""

import threading
from collections.abc import Callable
from typing import Final

from recapito_contact_change import mrz
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import UNDER_REVIEW, State
from recapito_contact_change.flows.open_case import SYSTEM
from recapito_contact_change.form import DocumentType
from recapito_contact_change.store import changes, documents, findings, zones
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

log = logs.get(__name__)

PERIOD_SECONDS: Final = 2.0
WITH_ZONE: Final = frozenset({DocumentType.IDENTITY_CARD, DocumentType.PASSPORT})
Reader = Callable[[bytes], list[str]]
"""The lines of a page's picture."""


class ReadZones:
    """See ``run_once``. ``reader`` None: nothing is read, for it isn't switched on."""

    def __init__(
        self, database: Database, registry: Registry, pipeline: DocumentPipeline, reader: Reader | None, clock: Clock
    ) -> None:
        self._database = database
        self._registry = registry
        self._pipeline = pipeline
        self._reader = reader
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Reads until told to stop."""
        if self._reader is None:
            stop.wait()
        while not stop.is_set():
            if not self.run_once():
                stop.wait(PERIOD_SECONDS)

    def run_once(self) -> bool:
        """Reads the documents of one case; whether there was one. After a crash in between they are read again."""
        if self._reader is None:
            return False
        with self._database.transaction() as tx:
            claimed = zones.claim(tx, self._clock())
        if claimed is None:
            return False
        case_id, change_id = claimed
        with self._database.read() as tx:
            change = changes.find(tx, change_id)
            of_case = documents.of_change(tx, change_id)
        found = []
        if change is not None and change.state in (*UNDER_REVIEW, State.SUBMITTED) and change.form.document.type in WITH_ZONE:
            customer = self._registry.get(change.customer_id)
            lines = []
            for document in of_case:
                if document.destroyed_at is None:
                    for page in range(1, document.pages + 1):
                        lines += self._reader(self._pipeline.read_page(document, page)[1])
            typed = change.form.document
            zone = mrz.find(lines, typed.type)
            found = mrz.compare(zone, typed, customer.codice_fiscale, customer.given_name, customer.family_name)
        now = self._clock()
        with self._database.transaction() as tx:
            zones.done(tx, case_id)
            new = findings.add(tx, change_id, found, now)
            if new:
                changes.note(tx, change_id, now, SYSTEM, "found", " ".join(new))
        log.info("zone read", change_id=change_id, found=[one.code for one in found])
        return True
