"""Takes a document in, unfiled until a request names it."""

from collections.abc import Iterable
from datetime import timedelta

from recapito_contact_change.domain import Asker, Policy
from recapito_contact_change.store import allowances, documents
from recapito_documents.errors import CleaningUnavailable, DocumentRefused
from recapito_documents.pipeline import DocumentPipeline, StoredDocument
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.sql import Database


class UploadDocument:
    """See ``run``."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._pipeline = pipeline
        self._clock = clock
        self._policy = policy

    def run(self, asker: Asker, name: str, chunks: Iterable[bytes]) -> StoredDocument:
        """Receives and keeps a document. One that is refused counts too, for looking at it is what costs.

        Raises Refusal: too many today, or on ``document`` what is wrong with it.
        """
        with self._database.transaction() as tx:
            day = self._clock().date()
            taken = allowances.take(tx, asker.customer_id, allowances.DOCUMENTS, day, self._policy.documents_a_day)
        if not taken:
            most = self._policy.documents_a_day
            raise Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_DOCUMENTS", f"{most} documents a day; come back tomorrow")
        try:
            document = self._pipeline.store(name, chunks)
        except DocumentRefused as error:
            raise invalid(Violation("document", error.reason.value, error.message)) from None
        except CleaningUnavailable:
            raise Refusal(
                Kind.UNAVAILABLE, "CLEANING_UNAVAILABLE", "no document can be looked at now", retry_after=timedelta(seconds=5)
            ) from None
        try:
            with self._database.transaction() as tx:
                documents.insert(tx, asker.customer_id, document, self._clock())
        except BaseException:
            self._pipeline.destroy(document)
            raise
        return document
