"""What a machine finds in a request before an operator looks: hints with their evidence, which decide nothing."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from recapito_contact_change.domain import Change, Customer
from recapito_contact_change.form import DocumentType, IdentityDocument, document_number

EXPIRES_SOON: Final = timedelta(days=30)
RESET_LATELY: Final = timedelta(days=7)
BIRTHDAYS_SINCE: Final = date(2013, 1, 1)  # cards and licences expire on a birthday: decree-law 5/2012, article 7, in force 2012
LONGEST_YEARS: Final = {DocumentType.IDENTITY_CARD: 11, DocumentType.DRIVING_LICENCE: 11, DocumentType.PASSPORT: 10}
"""Years from issue to expiry, the way to the next birthday included."""


class Finding(StrEnum):
    """What somebody should look at. The values are stable: they are in the contract, and in the history for good."""

    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    DOCUMENT_EXPIRES_SOON = "DOCUMENT_EXPIRES_SOON"
    NUMBER_SHAPE = "NUMBER_SHAPE"  # no document of that type has such a number
    VALIDITY_TOO_LONG = "VALIDITY_TOO_LONG"  # longer than documents of that type are issued for
    EXPIRY_NOT_BIRTHDAY = "EXPIRY_NOT_BIRTHDAY"  # of the codice fiscale
    NAME_CODE_DIFFERS = "NAME_CODE_DIFFERS"  # the registry's name doesn't fit its codice fiscale
    SAME_DOCUMENT_OTHER_CUSTOMER = "SAME_DOCUMENT_OTHER_CUSTOMER"
    SAME_MOBILE_OTHER_CUSTOMER = "SAME_MOBILE_OTHER_CUSTOMER"
    PASSWORD_RESET_LATELY = "PASSWORD_RESET_LATELY"
    MRZ_MATCHES = "MRZ_MATCHES"  # the machine-readable zone, with its check digits, fits what was typed and the registry
    MRZ_UNREADABLE = "MRZ_UNREADABLE"
    MRZ_CHECK_DIGIT = "MRZ_CHECK_DIGIT"  # the number is the typed one, but its check digit doesn't fit
    MRZ_NUMBER_DIFFERS = "MRZ_NUMBER_DIFFERS"
    MRZ_EXPIRY_DIFFERS = "MRZ_EXPIRY_DIFFERS"
    MRZ_BIRTH_DATE_DIFFERS = "MRZ_BIRTH_DATE_DIFFERS"
    MRZ_NAME_DIFFERS = "MRZ_NAME_DIFFERS"
    REGISTRY_CHANGED = "REGISTRY_CHANGED"
    USERNAME_TAKEN = "USERNAME_TAKEN"  # the new mobile is another account's user name


FAILED: Final = frozenset(
    {
        Finding.DOCUMENT_EXPIRED,
        Finding.NUMBER_SHAPE,
        Finding.MRZ_CHECK_DIGIT,
        Finding.MRZ_NUMBER_DIFFERS,
        Finding.MRZ_EXPIRY_DIFFERS,
        Finding.MRZ_BIRTH_DATE_DIFFERS,
        Finding.MRZ_NAME_DIFFERS,
    }
)
"""Checks that failed: who approves in spite of one needs a second operator."""
RISKS: Final = frozenset(
    {Finding.SAME_DOCUMENT_OTHER_CUSTOMER, Finding.SAME_MOBILE_OTHER_CUSTOMER, Finding.PASSWORD_RESET_LATELY}
)
"""What asks for a second operator whatever the first one decides (policy)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding. ``evidence``: what it rests on, by name, for the operator to read."""

    code: Finding
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where a request's document or mobile was seen before: other customers' ids, the first few."""

    document: tuple[str, ...] = ()
    mobile: tuple[str, ...] = ()


def check(change: Change, customer: Customer, elsewhere: Elsewhere, today: date) -> tuple[Found, ...]:
    """What the typed form, the registry and earlier requests say. ``today``: in UTC."""
    found = [*_of_document(change.form.document, today), *_of_person(change.form.document, customer)]
    if elsewhere.document:
        found.append(Found(Finding.SAME_DOCUMENT_OTHER_CUSTOMER, {"customers": ", ".join(elsewhere.document)}))
    if elsewhere.mobile:
        found.append(Found(Finding.SAME_MOBILE_OTHER_CUSTOMER, {"customers": ", ".join(elsewhere.mobile)}))
    if was_reset_lately(change.submitted_at, customer.password_recovered_at):
        found.append(Found(Finding.PASSWORD_RESET_LATELY, {"at": str(customer.password_recovered_at)}))
    return tuple(found)


def was_reset_lately(submitted_at: datetime, recovered_at: datetime | None) -> bool:
    """Whether the password was reset in the seven days before the request, or after it."""
    return recovered_at is not None and recovered_at > submitted_at - RESET_LATELY


def _of_document(document: IdentityDocument, today: date) -> list[Found]:
    found = []
    if document.expires_on < today:
        found.append(Found(Finding.DOCUMENT_EXPIRED, {"expires_on": document.expires_on.isoformat()}))
    elif document.expires_on <= today + EXPIRES_SOON:
        days = str((document.expires_on - today).days)
        found.append(Found(Finding.DOCUMENT_EXPIRES_SOON, {"expires_on": document.expires_on.isoformat(), "days": days}))
    if document_number(document.type, document.number) is None:
        found.append(Found(Finding.NUMBER_SHAPE, {"typed": document.number, "type": document.type}))
    if document.expires_on > _years_after(document.issued_on, LONGEST_YEARS[document.type]):
        span = {"issued_on": document.issued_on.isoformat(), "expires_on": document.expires_on.isoformat()}
        found.append(Found(Finding.VALIDITY_TOO_LONG, span))
    return found


def _of_person(document: IdentityDocument, customer: Customer) -> list[Found]:
    code = code_of(customer.codice_fiscale)
    if code is None:
        return []
    found = []
    on_birthday = document.type is not DocumentType.PASSPORT and document.issued_on >= BIRTHDAYS_SINCE
    if on_birthday and (document.expires_on.month, document.expires_on.day) != (code.month, code.day):
        evidence = {"expires_on": document.expires_on.isoformat(), "birthday": f"{code.day:02}/{code.month:02}"}
        found.append(Found(Finding.EXPIRY_NOT_BIRTHDAY, evidence))
    if not code.fits(customer.given_name, customer.family_name):
        found.append(Found(Finding.NAME_CODE_DIFFERS, {"name": customer.name, "codice_fiscale": customer.codice_fiscale}))
    return found


def _years_after(day: date, years: int) -> date:
    leap = (day.month, day.day) == (2, 29)
    return date(day.year + years, day.month + leap, 1 if leap else day.day)


# --- what a codice fiscale tells (decree 23 December 1976) -------------------------------------------------------------

_SHAPE: Final = re.compile(r"([A-Z]{3})([A-Z]{3})([0-9]{2})([ABCDEHLMPRST])([0-9]{2})[A-Z][0-9]{3}[A-Z]")
_MONTHS: Final = "ABCDEHLMPRST"
_DIGITS: Final = str.maketrans("LMNPQRSTUV", "0123456789")  # omocodia
_DIGIT_PLACES: Final = (6, 7, 9, 10, 12, 13, 14)


@dataclass(frozen=True, slots=True)
class Code:
    """The letters of the names, and the birthday; ``year`` has two digits."""

    family: str
    given: str
    year: int
    month: int
    day: int
    sex: str

    def fits(self, given_name: str, family_name: str) -> bool:
        """Whether a name gives these letters; True where it has no Latin letters to compare."""
        given, family = letters(given_name), letters(family_name)
        if not given or not family:
            return True
        return (_family_letters(family), _given_letters(given)) == (self.family, self.given)


def code_of(codice_fiscale: str) -> Code | None:
    """What a person's codice fiscale tells; None: it is a company's, or none."""
    typed = codice_fiscale.upper()
    if len(typed) != 16:
        return None
    plain = "".join(one.translate(_DIGITS) if place in _DIGIT_PLACES else one for place, one in enumerate(typed))
    found = _SHAPE.fullmatch(plain)
    if found is None:
        return None
    day = int(found[5])
    sex, day = ("F", day - 40) if day > 40 else ("M", day)
    return Code(found[1], found[2], int(found[3]), _MONTHS.index(found[4]) + 1, day, sex)


def letters(name: str) -> str:
    """A name's Latin letters alone, in capitals, without accents."""
    plain = name.replace("ß", "SS").replace("ø", "o").replace("Ø", "O").replace("æ", "ae").replace("Æ", "AE").replace("ł", "l")
    folded = unicodedata.normalize("NFKD", plain.replace("Ł", "L").replace("đ", "d").replace("Đ", "D")).upper()
    return "".join(one for one in folded if "A" <= one <= "Z")


def _family_letters(name: str) -> str:
    consonants, vowels = _split(name)
    return f"{consonants}{vowels}XXX"[:3]


def _given_letters(name: str) -> str:
    consonants, vowels = _split(name)
    if len(consonants) > 3:
        consonants = consonants[0] + consonants[2:]
    return f"{consonants}{vowels}XXX"[:3]


def _split(name: str) -> tuple[str, str]:
    return "".join(one for one in name if one not in "AEIOU"), "".join(one for one in name if one in "AEIOU")
