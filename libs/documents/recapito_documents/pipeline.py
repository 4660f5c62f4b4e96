"""Stores documents and reads them back. See the package for what happens to one."""

import contextlib
import hashlib
import uuid
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import filetype

from recapito_documents.blobs import BlobStore
from recapito_documents.cleaning import Cleaner
from recapito_documents.errors import Reason, StoreUnavailable, refused
from recapito_documents.keys import KeyRing, new_document_key, seal, unseal
from recapito_documents.limits import Limits
from recapito_documents.names import shown_name
from recapito_documents.scanning import Scanner

_PDF: Final = "application/pdf"
_ALLOWED: Final = frozenset({"image/jpeg", "image/png", _PDF})
_HEIC: Final = frozenset({"image/heic", "image/heif"})
_APNG: Final = "image/apng"
_FILE: Final = 0  # the place of a PDF's cleaned file; pages count from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRef:
    """What reading a document back takes. ``key_id`` and ``wrapped_key`` open it together with the key ring."""

    document_id: str  # 32 hex digits
    media_type: str  # image/jpeg, image/png or application/pdf
    pages: int
    key_id: str
    wrapped_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument(DocumentRef):
    """A document as it was taken in: what a service keeps in its SQL row."""

    name: str  # as it may be shown, at most 100 characters
    size: int  # of the bytes received
    sha256: str  # of the bytes received, hex


class DocumentPipeline:
    """Takes documents in and gives them back. One is shared by all threads of a process. ``scan``: for viruses; None: none is."""

    def __init__(
        self,
        blobs: BlobStore,
        keys: KeyRing,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        scan: Scanner | None = None,
    ) -> None:
        self._blobs = blobs
        self._keys = keys
        self._limits = limits
        self._cleaner = Cleaner(limits)
        self._scan = scan

    def store(self, name: str, chunks: Iterable[bytes]) -> StoredDocument:
        """Receives, checks, cleans, encrypts and keeps a document.

        Takes no more chunks once the size limit is passed. Raises DocumentRefused, after which nothing is kept, and
        CleaningUnavailable, after which ``sweep`` may find a page. Where the row that should hold the answer can't be
        written, call ``destroy``.
        """
        data = self._received(chunks)
        media_type = self._media_type(data)
        if self._scan is not None and self._scan(data):
            raise refused(Reason.INFECTED, self._limits)
        cleaned = self._cleaner.clean(media_type, data)
        document_id = uuid.uuid4().hex
        key = new_document_key()
        key_id, wrapped_key = self._keys.wrap(document_id, key)
        document = StoredDocument(
            document_id=document_id,
            media_type=media_type,
            pages=len(cleaned.pages),
            key_id=key_id,
            wrapped_key=wrapped_key,
            name=shown_name(name),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        try:
            if media_type == _PDF:
                self._put(document_id, _FILE, key, cleaned.file)
            for page, picture in enumerate(cleaned.pages, 1):
                self._put(document_id, page, key, picture)
        except StoreUnavailable:
            raise  # who waits would wait as long again for a store that is away; the sweep finds what is left
        except BaseException:
            with contextlib.suppress(StoreUnavailable):
                self.destroy(document)
            raise
        return document

    def read_page(self, document: DocumentRef, page: int) -> tuple[str, bytes]:
        """The media type (image/jpeg or image/png) and the bytes of a page, counted from 1.

        Raises LookupError for a page that isn't there or whose blob is gone (BlobNotFound), DocumentDamaged, UnknownKey.
        """
        if not 1 <= page <= document.pages:
            raise LookupError(f"document {document.document_id} has {document.pages} pages, no page {page}")
        return ("image/jpeg" if document.media_type == _PDF else document.media_type), self._get(document, page)

    def read_file(self, document: DocumentRef) -> tuple[str, bytes]:
        """The media type and the bytes of the cleaned file. Raises BlobNotFound, DocumentDamaged, UnknownKey."""
        return document.media_type, self._get(document, _FILE if document.media_type == _PDF else 1)

    def destroy(self, document: DocumentRef) -> None:
        """Deletes all that is kept of a document; again: nothing happens."""
        for place in range(document.pages + 1):
            self._blobs.delete(_blob_key(document.document_id, place))

    def sweep(self, known: Container[str], before: datetime) -> int:
        """Deletes what was written before that instant for documents whose ids aren't ``known``; gives how many blobs.

        ``before`` lies well in the past: a document's blobs are written before its row.
        """
        return self._blobs.sweep(before, lambda key: key.partition("-")[0] in known)

    def _received(self, chunks: Iterable[bytes]) -> bytes:
        data = bytearray()
        for chunk in chunks:
            if len(data) + len(chunk) > self._limits.max_bytes:
                raise refused(Reason.TOO_LARGE, self._limits)
            data += chunk
        if not data:
            raise refused(Reason.EMPTY, self._limits)
        return bytes(data)

    def _media_type(self, data: bytes) -> str:
        """What the content says that it is; decoding shows later whether that holds."""
        media_type = filetype.guess_mime(data[:8192])
        if media_type in _HEIC:
            raise refused(Reason.HEIC_NOT_ALLOWED, self._limits)
        if media_type == _APNG:
            raise refused(Reason.ANIMATED, self._limits)
        if media_type not in _ALLOWED:
            raise refused(Reason.TYPE_NOT_ALLOWED, self._limits)
        return str(media_type)

    def _put(self, document_id: str, place: int, key: bytes, data: bytes) -> None:
        self._blobs.put(_blob_key(document_id, place), seal(key, data, document_id, place))

    def _get(self, document: DocumentRef, place: int) -> bytes:
        key = self._keys.unwrap(document.document_id, document.key_id, document.wrapped_key)
        sealed = self._blobs.get(_blob_key(document.document_id, place))
        return unseal(key, sealed, document.document_id, place)


def blob_keys(document_id: str, media_type: str, pages: int) -> list[str]:
    """The keys of all blobs that ``store`` kept for a document."""
    places = range(_FILE if media_type == _PDF else 1, pages + 1)
    return [_blob_key(document_id, place) for place in places]


def _blob_key(document_id: str, place: int) -> str:
    return f"{document_id}-{place}"
