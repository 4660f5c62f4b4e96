"""Machine-readable zones (ICAO 9303): three lines of 30 on a card's back, two of 44 in a passport.

What a camera and a recogniser made of them is full of mistakes, so every field that is believed has a check digit that fits; the
names have none, and are only ever said to be the same or to be quite different.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Final

from recapito_contact_change.form import NUMBERS, DocumentType, IdentityDocument
from recapito_contact_change.prechecks import Finding, Found, code_of, letters

_NOISE: Final = re.compile(r"[^A-Z0-9<]")
_FILLERS: Final = str.maketrans({"«": "<<", "‹": "<", "〈": "<", "《": "<<", "く": "<", "(": "<", "[": "<", "{": "<"})
_TO_DIGIT: Final = str.maketrans("OQDILZSGB", "000112568")
_TO_LETTER: Final = str.maketrans("012568", "OIZSGB")
_CARD_1: Final = re.compile(r"[CI1][A-Z<]{1,2}[I1]TA([A-Z0-9<]{9})([0-9A-Z])")
_DIGITS: Final = "[0-9OQDILZSGB]"  # and what is read in their place
_CARD_2: Final = re.compile(rf"^({_DIGITS}{{6}})({_DIGITS})([MF<])({_DIGITS}{{6}})({_DIGITS})[A-Z0-9<]{{3}}")
_PASSPORT_1: Final = re.compile(r"P[A-Z<]{1,2}[I1]TA([A-Z0-9<]{3,39})")
_PASSPORT_2: Final = re.compile(
    rf"([A-Z0-9<]{{9}})({_DIGITS})[A-Z0-9<]{{3}}({_DIGITS}{{6}})({_DIGITS})([MF<])({_DIGITS}{{6}})({_DIGITS})"
)
_NAMES: Final = re.compile(r"^([A-Z]+(?:<[A-Z]+)*)<<([A-Z]+(?:<[A-Z]+)*)<*$")
_SAME: Final = 0.75  # of two names' letters: more alike than that may be one name, misread
_VALUES: Final = {**{str(n): n for n in range(10)}, **{chr(ord("A") + n): n + 10 for n in range(26)}, "<": 0}


@dataclass(frozen=True, slots=True)
class Field:
    """What was read, and whether its check digit fits."""

    text: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as far as it could be read. Dates are YYMMDD; ``names``: family and given, empty: not read."""

    number: Field
    born: Field
    expires: Field
    names: tuple[str, str] = ("", "")


def check_digit(text: str) -> int:
    """The digit that belongs to a field (ICAO 9303-3, 4.9). Raises KeyError: a character that no zone has."""
    return sum(_VALUES[one] * (7, 3, 1)[place % 3] for place, one in enumerate(text)) % 10


def find(lines: Iterable[str], type: DocumentType) -> Zone | None:
    """The zone in what a recogniser read, line by line in any order; None: there is none to speak of."""
    cleaned = [_NOISE.sub("", line.upper().translate(_FILLERS)) for line in lines]
    found = _card(cleaned) if type is DocumentType.IDENTITY_CARD else _passport(cleaned, type)
    if found is None:
        return None
    number, number_digit, dates, names = found
    born, born_digit, expires, expires_digit = dates
    return Zone(_number(number, number_digit, type), _date(born, born_digit), _date(expires, expires_digit), names)


def compare(zone: Zone | None, typed: IdentityDocument, codice_fiscale: str, given_name: str, family_name: str) -> list[Found]:
    """What the zone says of what was typed and of the registry; at the most one finding a field, or that all of it fits."""
    if zone is None or not (zone.number.fits or zone.born.fits or zone.expires.fits or zone.number.text == typed.number):
        return [Found(Finding.MRZ_UNREADABLE)]
    found = [*_of_number(zone, typed), *_of_expiry(zone, typed), *_of_birth(zone, codice_fiscale)]
    alike = _names_alike(zone, codice_fiscale, given_name, family_name)
    if alike is False:
        evidence = {"read": " ".join(zone.names), "name": f"{family_name} {given_name}".strip()}
        found.append(Found(Finding.MRZ_NAME_DIFFERS, evidence))
    all_read = zone.number.fits and zone.born.fits and zone.expires.fits and alike is True
    if not found and all_read and code_of(codice_fiscale) is not None:
        return [Found(Finding.MRZ_MATCHES, {"read": zone.number.text})]
    return found or [Found(Finding.MRZ_UNREADABLE)]


def _of_number(zone: Zone, typed: IdentityDocument) -> list[Found]:
    evidence = {"read": zone.number.text, "typed": typed.number}
    if zone.number.text != typed.number:
        return [Found(Finding.MRZ_NUMBER_DIFFERS, evidence)] if zone.number.fits else []
    return [] if zone.number.fits else [Found(Finding.MRZ_CHECK_DIGIT, evidence)]


def _of_expiry(zone: Zone, typed: IdentityDocument) -> list[Found]:
    if not zone.expires.fits or zone.expires.text == f"{typed.expires_on:%y%m%d}":
        return []
    return [Found(Finding.MRZ_EXPIRY_DIFFERS, {"read": _day(zone.expires.text), "typed": typed.expires_on.isoformat()})]


def _of_birth(zone: Zone, codice_fiscale: str) -> list[Found]:
    code = code_of(codice_fiscale)
    if code is None or not zone.born.fits or zone.born.text == f"{code.year:02}{code.month:02}{code.day:02}":
        return []
    evidence = {"read": _day(zone.born.text), "birthday": f"{code.day:02}/{code.month:02}/{code.year:02}"}
    return [Found(Finding.MRZ_BIRTH_DATE_DIFFERS, evidence)]


def _names_alike(zone: Zone, codice_fiscale: str, given_name: str, family_name: str) -> bool | None:
    """None: it can't be said. Given names may be fewer on one side, from the first on (policy, Names)."""
    family, given = zone.names
    if not family or not given:
        return None
    known_family, known_given = letters(family_name), letters(given_name)
    if not known_family or not known_given:  # written in another script: the codice fiscale has its Latin letters
        code = code_of(codice_fiscale)
        return True if code is not None and code.fits(given, family) else None
    read_family, read_given = letters(family), letters(given)
    if read_family == known_family and (known_given.startswith(read_given) or read_given.startswith(known_given)):
        return True
    unlike = SequenceMatcher(None, read_family + read_given, known_family + known_given).ratio() < _SAME
    return False if unlike else None


_Found = tuple[str, str, tuple[str, str, str, str], tuple[str, str]]


def _card(lines: Sequence[str]) -> _Found | None:
    card = DocumentType.IDENTITY_CARD
    first = _best((_CARD_1.search(line) for line in lines), lambda match: _number(match[1], match[2], card).fits)
    second = _best(
        (_CARD_2.match(line) for line in lines),
        lambda match: _date(match[1], match[2]).fits + _date(match[4], match[5]).fits,
    )
    if first is None and second is None:
        return None
    number = (first[1], first[2]) if first else ("", "")
    dates = (second[1], second[2], second[4], second[5]) if second else ("", "", "", "")
    thirds = (line.translate(_TO_LETTER) for line in lines if len(line) > 12)
    third = next((line for line in thirds if _NAMES.match(line)), "")
    return *number, dates, _names(third)


def _passport(lines: Sequence[str], type: DocumentType) -> _Found | None:
    first = next((match for line in lines if (match := _PASSPORT_1.search(line))), None)
    second = _best(
        (_PASSPORT_2.search(line) for line in lines),
        lambda match: _number(match[1], match[2], type).fits + _date(match[3], match[4]).fits + _date(match[6], match[7]).fits,
    )
    if first is None and second is None:
        return None
    number = (second[1], second[2]) if second else ("", "")
    dates = (second[3], second[4], second[6], second[7]) if second else ("", "", "", "")
    return *number, dates, _names(first[1].translate(_TO_LETTER) if first else "")


def _best(matches: Iterable[re.Match[str] | None], fits: Callable[[re.Match[str]], int]) -> re.Match[str] | None:
    """Of what the turns of a page show of one line, what most check digits fit; of equals the first."""
    return max((match for match in matches if match is not None), key=fits, default=None)


def _names(line: str) -> tuple[str, str]:
    match = _NAMES.match(line.rstrip("<") + "<")
    return (match[1].replace("<", " "), match[2].replace("<", " ")) if match else ("", "")


def _number(read: str, digit: str, type: DocumentType) -> Field:
    """Letters and digits that look alike are told apart by their place, where every number of the type has the same there."""
    text = read.rstrip("<")
    candidates = {text} if NUMBERS[type].fullmatch(text) else _by_place(text, type)
    for one in sorted(candidates):
        if _fits(one.ljust(9, "<"), digit):
            return Field(one, True)
    return Field(min(candidates, default=text), False)


def _by_place(text: str, type: DocumentType) -> set[str]:
    shapes = {DocumentType.PASSPORT: ("AA0000000",), DocumentType.IDENTITY_CARD: ("AA00000AA", "0000000AA", "AA0000000")}
    mended = set()
    for shape in shapes.get(type, ()):
        if len(shape) == len(text):
            pairs = zip(text, shape, strict=True)
            one = "".join(char.translate(_TO_LETTER if kind == "A" else _TO_DIGIT) for char, kind in pairs)
            if NUMBERS[type].fullmatch(one):
                mended.add(one)
    return mended


def _date(read: str, digit: str) -> Field:
    text = read.translate(_TO_DIGIT)
    return Field(text, len(text) == 6 and text.isdigit() and _is_day(text) and _fits(text, digit))


def _is_day(text: str) -> bool:
    try:
        date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return text[2:] == "0229"  # a leap year of the last century
    return True


def _fits(text: str, digit: str) -> bool:
    plain = digit.translate(_TO_DIGIT)
    return plain.isdigit() and check_digit(text) == int(plain)


def _day(text: str) -> str:
    return f"{text[4:6]}/{text[2:4]}/{text[:2]}"
