"""What the pipeline raises."""

from enum import StrEnum

from recapito_documents.limits import Limits


class Reason(StrEnum):
    """Why a document was refused: stable, and what front ends write their texts from."""

    EMPTY = "DOCUMENT_EMPTY"
    TOO_LARGE = "DOCUMENT_TOO_LARGE"
    TYPE_NOT_ALLOWED = "DOCUMENT_TYPE_NOT_ALLOWED"
    HEIC_NOT_ALLOWED = "DOCUMENT_HEIC_NOT_ALLOWED"
    ANIMATED = "DOCUMENT_ANIMATED"
    UNREADABLE = "DOCUMENT_UNREADABLE"
    TOO_MANY_PIXELS = "DOCUMENT_TOO_MANY_PIXELS"
    TOO_MANY_PAGES = "DOCUMENT_TOO_MANY_PAGES"
    ENCRYPTED = "DOCUMENT_ENCRYPTED"
    TOO_COMPLEX = "DOCUMENT_TOO_COMPLEX"
    INFECTED = "DOCUMENT_INFECTED"


class DocumentRefused(Exception):
    """Raised when a document can't be taken. ``message`` tells a developer what is wrong and what to send instead."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class CleaningUnavailable(Exception):
    """Raised when no document can be cleaned now, whatever it holds: no worker starts, all are busy, or
    the virus scanner gives no verdict. Try again later.
    """


class StoreUnavailable(CleaningUnavailable):
    """Raised when the blob store can't be asked now, or refuses us: no document can be kept or read. Try again later."""


class DocumentDamaged(Exception):
    """Raised when what is kept isn't what was stored: a blob or a wrapped key was changed, exchanged or cut."""


class UnknownKey(Exception):
    """Raised when a document names a key-encryption key that the ring doesn't hold."""


def refused(reason: Reason, limits: Limits) -> DocumentRefused:
    """The refusal for a reason, its message telling the limits in force."""
    accepted = "send a JPEG, a PNG or a PDF"
    messages = {
        Reason.EMPTY: f"the file is empty; {accepted}",
        Reason.TOO_LARGE: f"the file is larger than {limits.max_bytes / 2**20:g} MiB; send a smaller one",
        Reason.TYPE_NOT_ALLOWED: f"the file's content is none of the accepted types; {accepted}",
        Reason.HEIC_NOT_ALLOWED: "HEIC pictures are not accepted; set the phone's camera to 'most compatible', or export the "
        f"picture as JPEG; {accepted}",
        Reason.ANIMATED: f"the picture is animated; {accepted} that stands still",
        Reason.UNREADABLE: f"the file is damaged or incomplete; {accepted} that opens without errors",
        Reason.TOO_MANY_PIXELS: f"the picture has more than {limits.max_pixels / 1_000_000:g} megapixels, or a side of more than "
        f"{limits.max_side} pixels; send a smaller one",
        Reason.TOO_MANY_PAGES: f"the PDF has more than {limits.max_pages} pages; send only those that are needed",
        Reason.ENCRYPTED: "the PDF is encrypted; send it without a password and without restrictions",
        Reason.INFECTED: "the virus scanner found something in the file; send a photo of the document taken anew",
        Reason.TOO_COMPLEX: "cleaning the file takes too much time or memory; send a photo or a simpler scan of it",
    }
    return DocumentRefused(reason, messages[reason])
