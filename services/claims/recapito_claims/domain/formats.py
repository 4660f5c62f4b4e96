"""How what a customer gives is read: texts, dates, amounts, IBANs. Nothing here asks whether something is missing."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar

from codicefiscale import codicefiscale as fiscal
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from recapito_servicekit.errors import Violation, invalid

T = TypeVar("T")
# control, format (bidi overrides, zero width), surrogates, private use, line and paragraph separators
_UNWANTED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AMOUNT: Final = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,2}))?")


class BadFormat(Exception):
    """Raised where a value can't be read: a stable reason and what instead."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason


class Reading:
    """Reads the fields of one message and keeps every fault, so that all are told together."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._faults: list[Violation] = []

    def take(self, field: str, read: Callable[[str], T], raw: str, empty: T) -> T:
        """The value read; ``empty`` where nothing was given or it can't be read."""
        if not raw.strip():
            return empty
        try:
            return read(raw)
        except BadFormat as fault:
            self._faults.append(Violation(f"{self._message}.{field}", fault.reason, str(fault)))
            return empty

    def done(self) -> None:
        """Raises INVALID_ARGUMENT with every fault, if there was one."""
        if self._faults:
            raise invalid(*self._faults)


def text(most: int) -> Callable[[str], str]:
    """Reads one line: NFC, trimmed, at most ``most`` characters."""

    def read(raw: str) -> str:
        return _clean(raw.strip(), most)

    return read


def lines(most: int) -> Callable[[str], str]:
    """The same, and line breaks are kept."""

    def read(raw: str) -> str:
        mended = raw.replace("\r\n", "\n").replace("\r", "\n").strip()
        _clean(mended.replace("\n", " "), most)
        return unicodedata.normalize("NFC", mended)

    return read


def day(raw: str) -> date:
    """Reads YYYY-MM-DD, in ASCII digits and nothing else: date.fromisoformat alone takes more shapes."""
    if not _DATE.fullmatch(raw.strip()):
        raise BadFormat("DATE_INVALID", "a date as YYYY-MM-DD")
    try:
        return date.fromisoformat(raw.strip())
    except ValueError:
        raise BadFormat("DATE_INVALID", "no such day") from None


def cents(raw: str) -> int:
    """Reads an amount in EUR, a decimal above zero with at most two places, as cents."""
    match = _AMOUNT.fullmatch(raw.strip())
    if match is None:
        raise BadFormat("AMOUNT_INVALID", "a decimal with at most seven digits before the point and two after it")
    found = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if found == 0:
        raise BadFormat("AMOUNT_INVALID", "more than zero")
    return found


def iban(raw: str) -> str:
    """Reads an IBAN, blanks allowed: mod 97 and, for Italy, the CIN."""
    compact = "".join(raw.split()).upper()
    if not is_iban(compact):
        raise BadFormat("IBAN_INVALID", "an IBAN whose check digits, and Italian CIN, are right")
    return compact


def is_iban(compact: str) -> bool:
    """Whether it is an IBAN with the right check digits of every kind that its country has."""
    try:
        IBAN(compact, validate_bban=True)
    except (SchwiftyException, ValueError):
        return False
    return True


def codice_fiscale(raw: str) -> str:
    """Reads a person's codice fiscale, blanks allowed: form, check character, date, birthplace, omocodia."""
    compact = "".join(raw.split()).upper()
    if not is_codice_fiscale(compact):
        raise BadFormat("CODICE_FISCALE_INVALID", "a codice fiscale whose check character, date and birthplace are right")
    return compact


def is_codice_fiscale(compact: str) -> bool:
    """Whether it is a right codice fiscale of a person."""
    return len(compact) == 16 and compact.isascii() and bool(fiscal.is_valid(compact))


def decimal(amount: int) -> str:
    """Cents as a decimal with two places and a point."""
    return f"{amount // 100}.{amount % 100:02d}"


def written(amount: int, language: str) -> str:
    """Cents as people who read ``language`` write them: with a comma in Italian."""
    return decimal(amount).replace(".", "," if language == "it" else ".")


def language_of(spoken: str) -> str:
    """The language of what is written to a customer, by their BCP 47 code: Italian where none is known, else English."""
    return "it" if spoken.partition("-")[0].lower() in ("", "it") else "en"


def _clean(raw: str, most: int) -> str:
    normal = unicodedata.normalize("NFC", raw)
    if any(unicodedata.category(character) in _UNWANTED for character in normal):
        raise BadFormat("CHARACTERS_NOT_ALLOWED", "no control characters")
    if len(normal) > most:
        raise BadFormat("TOO_LONG", f"at most {most} characters")
    return normal
