"""Codice fiscale and partita IVA: form, check character, day, month, birthplace, omocodia."""

import calendar
import re
from functools import cache
from string import ascii_uppercase, digits
from typing import Final

LENGTH: Final = 16
VAT_LENGTH: Final = 11
FEMALE: Final = 40  # added to the day of birth of a woman
_MONTHS: Final = "ABCDEHLMPRST"
_LETTERS: Final = "LMNPQRSTUV"  # omocodia: what stands for 0 to 9 where two people's codes would be equal
_FORM: Final = re.compile(rf"[A-Z]{{6}}[\d{_LETTERS}]{{2}}[{_MONTHS}][\d{_LETTERS}]{{2}}[A-Z][\d{_LETTERS}]{{3}}[A-Z]", re.ASCII)
_DIGITS: Final = str.maketrans(_LETTERS, "0123456789")
# what a character counts in the check character, by its place (D.M. 23 December 1976, art. 12; the first place is odd)
_CHARACTERS: Final = (ascii_uppercase + digits).encode()
_ODD_VALUES: Final = bytes((1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23))
_ODD: Final = bytes.maketrans(_CHARACTERS, _ODD_VALUES + _ODD_VALUES[:10])
_EVEN: Final = bytes.maketrans(_CHARACTERS, bytes((*range(26), *range(10))))


def person_fault(code: str) -> str | None:
    """The kind of fault of a person's code, in capitals; None: it is right."""
    if len(code) != LENGTH:
        return "wrong_length"
    if not _FORM.fullmatch(code):
        return "wrong_format"
    if _check_character(code) != code[-1]:
        return "check_character"
    plain = code[6:15]
    if not (plain[:2] + plain[3:5] + plain[6:]).isdigit():
        plain = plain[:2].translate(_DIGITS) + plain[2] + plain[3:5].translate(_DIGITS) + plain[5] + plain[6:].translate(_DIGITS)
    year, month, day = int(plain[:2]), _MONTHS.index(plain[2]) + 1, int(plain[3:5])
    day = day - FEMALE if day > FEMALE else day
    if not 1 <= day <= 31:
        return "impossible_day"
    if day > _longest(year, month):
        return "impossible_date"
    if plain[5:] not in _birthplaces():
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
    characters = code.encode()
    value = sum(characters[:15:2].translate(_ODD)) + sum(characters[1:15:2].translate(_EVEN))
    return ascii_uppercase[value % 26]


@cache
def _longest(year: int, month: int) -> int:
    """The days of the month in the century where it has more."""
    return max(calendar.monthrange(century + year, month)[1] for century in (1900, 2000))


@cache
def _birthplaces() -> frozenset[str]:
    from codicefiscale.data import get_indexed_data  # noqa: PLC0415  # 6 MB that an import of customers alone needs

    return frozenset(get_indexed_data()["codes"])
