"""Files on their way from the browser to a service, in pieces, so that none is in memory whole."""

from collections.abc import Iterator
from typing import Final, TypeGuard

from recapito.claims.v1 import claims_pb2
from recapito.contact_change.v1 import contact_change_pb2
from werkzeug.datastructures import FileStorage

from recapito_servicekit.errors import Kind

FILE_BYTES: Final = 8 * 1024 * 1024  # of one attachment: claims refuses more
FILES: Final = 4  # of one form
PIECE_BYTES: Final = 256 * 1024
NAME_CHARS: Final = 200
# What is told at the file itself, so that the rest of the form isn't lost.
TOLD: Final = (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED, Kind.ABORTED, Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED)


def is_there(file: FileStorage | None) -> TypeGuard[FileStorage]:
    """Whether a file was chosen."""
    return file is not None and bool(file.filename)


def name_of(file: FileStorage) -> str:
    """The file's name, to show to people."""
    return (file.filename or "")[-NAME_CHARS:]


def document(file: FileStorage) -> Iterator[contact_change_pb2.UploadDocumentRequest]:
    """An identity document for UploadDocument."""
    yield contact_change_pb2.UploadDocumentRequest(name=name_of(file))
    for piece in _pieces(file):
        yield contact_change_pb2.UploadDocumentRequest(chunk=piece)


def attachment(
    file: FileStorage, claim_id: str, kind: claims_pb2.AttachmentKind.ValueType
) -> Iterator[claims_pb2.AttachDocumentRequest]:
    """A claim's attachment for AttachDocument."""
    yield claims_pb2.AttachDocumentRequest(
        head=claims_pb2.AttachDocumentRequest.Head(claim_id=claim_id, kind=kind, name=name_of(file))
    )
    for piece in _pieces(file):
        yield claims_pb2.AttachDocumentRequest(chunk=piece)


def _pieces(file: FileStorage) -> Iterator[bytes]:
    while piece := file.stream.read(PIECE_BYTES):
        yield piece
