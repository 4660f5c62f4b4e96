"""Codice fiscale and partita IVA: form, check character, day, month, birthplace, omocodia."""

import calendar
import re
from functools import cache
from string import ascii_uppercase, digits
from typing import Final

from codicefiscale.data import get_indexed_data

LENGTH: Final = 16
VAT_LENGTH: Final = 11
FEMALE: Final = 40  # added to the day of birth of a woman
_MONTHS: Final = "ABCDEHLMPRST"
_LETTERS: Final = "LMNPQRSTUV"  # omocodia: what stands for 0 to 9 where two people's codes would be equal
_FORM: Final = re.compile(rf"[A-Z]{{6}}[\d{_LETTERS}]{{2}}[{_MONTHS}][\d{_LETTERS}]{{2}}[A-Z][\d{_LETTERS}]{{3}}[A-Z]", re.ASCII)
_DIGITS: Final = str.maketrans(_LETTERS, "0123456789")
# what a character counts in the check character, by its place (D.M. 23 December 1976, art. 12; the first place is odd)
_EVEN: Final = {character: value for characters in (ascii_uppercase, digits) for value, character in enumerate(characters)}
_ODD_VALUES: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_ODD: Final = {character: _ODD_VALUES[value] for character, value in _EVEN.items()}


def person_fault(code: str) -> str | None:
    """The kind of fault of a person's code, in capitals; None: it is right."""
    if len(code) != LENGTH:
        return "wrong_length"
    if not _FORM.fullmatch(code):
        return "wrong_format"
    if _check_character(code) != code[-1]:
        return "check_character"
    year, month = int(code[6:8].translate(_DIGITS)), _MONTHS.index(code[8]) + 1
    day = int(code[9:11].translate(_DIGITS))
    day = day - FEMALE if day > FEMALE else day
    if not 1 <= day <= 31:
        return "impossible_day"
    if day > _longest(year, month):
        return "impossible_date"
    if code[11] + code[12:15].translate(_DIGITS) not in _birthplaces():
        return "unknown_birthplace"
    return None


def company_fault(code: str) -> str | None:
    """The kind of fault of a partita IVA; None: it is right."""
    if len(code) != VAT_LENGTH:
        return "wrong_length"
    if not (code.isascii() and code.isdigit()):
        return "wrong_format"
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in code[1::2])
    return None if (sum(int(digit) for digit in code[::2]) + doubled) % 10 == 0 else "check_character"


def _check_character(code: str) -> str:
    value = sum(map(_ODD.__getitem__, code[:15:2])) + sum(map(_EVEN.__getitem__, code[1:15:2]))
    return ascii_uppercase[value % 26]


@cache
def _longest(year: int, month: int) -> int:
    """The days of the month in the century where it has more."""
    return max(calendar.monthrange(century + year, month)[1] for century in (1900, 2000))


@cache
def _birthplaces() -> frozenset[str]:
    return frozenset(get_indexed_data()["codes"])
