"""The form: what a customer may file, and what is wrong with the rest. Every fault of a form is found together."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from recapito_servicekit import contacts
from recapito_servicekit.errors import Violation

REQUEST_ID_LENGTH: Final = 64
ISSUER_LENGTH: Final = 100


class Reason(StrEnum):
    """Why the customer wants the change, in their own word; never an input to risk."""

    NO_MOBILE = "NO_MOBILE"
    NOT_RECOGNISED = "NOT_RECOGNISED"
    REPLACE = "REPLACE"


class DocumentType(StrEnum):
    """Kinds of identity document. Asked, never guessed: a paper card's number looks like a passport's."""

    IDENTITY_CARD = "IDENTITY_CARD"
    PASSPORT = "PASSPORT"
    DRIVING_LICENCE = "DRIVING_LICENCE"


NUMBERS: Final = {
    # CIE 3.0 CA12345AA, CIE 2.0 1234567AA, paper AA1234567
    DocumentType.IDENTITY_CARD: re.compile(r"C[A-Z][0-9]{5}[A-Z]{2}|[0-9]{7}[A-Z]{2}|[A-Z]{2}[0-9]{7}"),
    DocumentType.PASSPORT: re.compile(r"[A-Z]{2}[0-9]{7}"),
    # AA0123456B and, from the central office, U1H00B000C
    DocumentType.DRIVING_LICENCE: re.compile(r"[A-Z]{2}[0-9]{7}[A-Z]|U1[A-Z0-9]{7}[A-Z]"),
}
TWO_SIDED: Final = frozenset({DocumentType.IDENTITY_CARD, DocumentType.DRIVING_LICENCE})


@dataclass(frozen=True, slots=True)
class TypedForm:
    """The form as it came in: text as typed; None where an enum was left out."""

    request_id: str
    reason: Reason | None
    new_mobile: str
    mobile_proof: str
    notify_email: str
    document_type: DocumentType | None
    document_number: str
    document_issuer: str
    document_issued_on: str
    document_expires_on: str
    document_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """An identity document's data as the customer typed them, mended."""

    type: DocumentType
    number: str
    issuer: str
    issued_on: date
    expires_on: date


@dataclass(frozen=True, slots=True)
class FiledForm:
    """A form that can be taken. ``new_mobile`` is E.164, ``notify_email`` normalised."""

    reason: Reason
    new_mobile: str
    notify_email: str
    document: IdentityDocument


def asks_for(typed: TypedForm, mobile: str) -> bool:
    """Whether the form as typed names that mobile, E.164."""
    try:
        return contacts.mobile(typed.new_mobile) == mobile
    except contacts.BadContact:
        return False


def check(
    typed: TypedForm,
    on_file: str,
    pages: Sequence[int] | None,
    today: date,
    *,
    need_proof: bool,
    most_documents: int = 4,
) -> FiledForm | tuple[Violation, ...]:
    """The form mended, or everything that is wrong with it.

    ``on_file``: the mobile on file, E.164 or empty. ``pages``: of each document named; None: one of them isn't the customer's to
    file. ``today``: the day in UTC, so that around midnight in Italy a document is judged by the day before.
    """
    faults: list[Violation] = []
    if not 1 <= len(typed.request_id) <= REQUEST_ID_LENGTH:
        faults.append(Violation("request_id", "LENGTH", f"1 to {REQUEST_ID_LENGTH} characters"))
    if typed.reason is None:
        faults.append(Violation("reason", "MISSING", "one of the reasons"))
    new_mobile = check_mobile(typed.new_mobile, on_file, faults)
    notify_email = _contact(contacts.email, "notify_email", typed.notify_email, faults)
    if need_proof and not typed.mobile_proof:
        faults.append(Violation("mobile_proof", "MISSING", "confirm the new mobile first (ConfirmMobile)"))
    document = _document(typed, today, faults)
    faults += _files(typed, pages, most_documents)
    if faults or typed.reason is None or document is None:
        return tuple(faults)
    return FiledForm(typed.reason, new_mobile, notify_email, document)


def check_mobile(typed: str, on_file: str, faults: list[Violation]) -> str:
    """The wished mobile in E.164; a fault where it can't be taken or is the one on file."""
    new_mobile = _contact(contacts.mobile, "new_mobile", typed, faults)
    if new_mobile and new_mobile == on_file:
        faults.append(Violation("new_mobile", "SAME_AS_ON_FILE", "another mobile than the one on file"))
    return new_mobile


def document_number(type: DocumentType, typed: str) -> str | None:
    """A document's number without spaces and dashes, in capitals; None where documents of that type have no such numbers."""
    number = re.sub(r"[\s\-]", "", typed).upper()
    return number if NUMBERS[type].fullmatch(number) else None


def _contact(parse: Callable[[str], str], field: str, typed: str, faults: list[Violation]) -> str:
    try:
        return parse(typed)
    except contacts.BadContact as error:
        faults.append(Violation(field, error.fault.value, "a contact that can be reached"))
        return ""


def _document(typed: TypedForm, today: date, faults: list[Violation]) -> IdentityDocument | None:
    before = len(faults)
    where = "identity_document"
    number = ""
    if typed.document_type is None:
        faults.append(Violation(f"{where}.type", "MISSING", "one of the types"))
    else:
        number = document_number(typed.document_type, typed.document_number) or ""
        if not number:
            faults.append(Violation(f"{where}.number", "SHAPE", "the number as printed on a document of that type"))
    issuer = " ".join(typed.document_issuer.split())
    if not issuer or len(issuer) > ISSUER_LENGTH or not issuer.isprintable():
        faults.append(Violation(f"{where}.issuer", "LENGTH", f"who issued it, 1 to {ISSUER_LENGTH} characters"))
    issued_on = _date(f"{where}.issued_on", typed.document_issued_on, faults)
    expires_on = _date(f"{where}.expires_on", typed.document_expires_on, faults)
    if issued_on and issued_on > today:
        faults.append(Violation(f"{where}.issued_on", "IN_FUTURE", "a day that has come"))
    if expires_on and expires_on < today:
        faults.append(Violation(f"{where}.expires_on", "EXPIRED", "a document that has not expired"))
    elif expires_on and issued_on and expires_on <= issued_on:
        faults.append(Violation(f"{where}.expires_on", "BEFORE_ISSUE", "a day after the day of issue"))
    if len(faults) > before or typed.document_type is None or issued_on is None or expires_on is None:
        return None
    return IdentityDocument(typed.document_type, number, issuer, issued_on, expires_on)


def _date(field: str, typed: str, faults: list[Violation]) -> date | None:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed, re.ASCII):
            return date.fromisoformat(typed)
    except ValueError:
        pass
    faults.append(Violation(field, "NOT_A_DATE" if typed else "MISSING", "a day, YYYY-MM-DD"))
    return None


def _files(typed: TypedForm, pages: Sequence[int] | None, most: int) -> Iterable[Violation]:
    ids = typed.document_ids
    if not 1 <= len(ids) <= most:
        yield Violation("document_ids", "MISSING" if not ids else "TOO_MANY", f"1 to {most} documents")
    elif len(set(ids)) < len(ids) or pages is None:
        yield Violation("document_ids", "UNKNOWN", "documents that this customer uploaded and has not filed yet, each once")
    elif typed.document_type in TWO_SIDED and sum(pages) < 2:
        what = "identity card" if typed.document_type is DocumentType.IDENTITY_CARD else "driving licence"
        yield Violation("document_ids", "MISSING_SIDE", f"the {what}'s other side: a second picture, or a second page")
