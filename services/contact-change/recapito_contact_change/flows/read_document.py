"""An operator looks at a page of a document; the look is recorded before it is given, and stands across the page."""

from datetime import UTC

from recapito_contact_change.domain import Operator
from recapito_contact_change.store import cases, changes, documents
from recapito_documents import watermark
from recapito_documents.errors import StoreUnavailable
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.sql import Database


class ReadDocument:
    """See ``run``."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock) -> None:
        self._database = database
        self._pipeline = pipeline
        self._clock = clock

    def run(self, operator: Operator, case_id: str, document_id: str, page: int) -> tuple[str, bytes]:
        """The media type and the bytes of a page, from 1; 0: the first. Raises Refusal: NOT_FOUND, DOCUMENT_DESTROYED."""
        with self._database.read() as tx:
            case = cases.find(tx, case_id)
            of_case = documents.of_change(tx, case.change.change_id) if case else []
        document = next((one for one in of_case if one.document_id == document_id), None)
        wanted = page or 1
        if case is None or document is None or not 1 <= wanted <= document.pages:
            raise not_found("document")
        if document.destroyed_at is not None:
            raise Refusal(
                Kind.FAILED_PRECONDITION,
                "DOCUMENT_DESTROYED",
                "the document's time of keeping is over; its key was destroyed",
                {"destroyed_at": document.destroyed_at.isoformat()},
            )
        now = self._clock()
        with self._database.transaction() as tx:
            detail = f"{document_id} page {wanted}"
            changes.note(tx, case.change.change_id, now, operator.name, "document_viewed", detail)
        try:
            _, image = self._pipeline.read_page(document, wanted)
        except StoreUnavailable:
            raise Refusal(Kind.UNAVAILABLE, "STORE_UNAVAILABLE", "no document can be read now") from None
        return watermark.MEDIA_TYPE, watermark.mark(image, f"{operator.name}  {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
