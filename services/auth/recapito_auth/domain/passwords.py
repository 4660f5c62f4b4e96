"""Which passwords are taken (policy: password, password blocklist)."""

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Final

from recapito_auth.domain import names

MOST: Final = 256
LEAST_WORD: Final = 4  # a shorter name stands in too many good passwords by chance


class Weakness(StrEnum):
    """Why a password isn't taken; stable."""

    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    TOO_COMMON = "TOO_COMMON"
    CONTAINS_PERSONAL = "CONTAINS_PERSONAL"
    CONTAINS_SERVICE = "CONTAINS_SERVICE"


def normal(password: str) -> str:
    """The form that is hashed: NFC. Nothing is cut."""
    return unicodedata.normalize("NFC", password)


def weakness(password: str, personal: Iterable[str], service: Iterable[str], least: int) -> Weakness | None:
    """Why the password isn't taken; None: it is.

    ``personal``: the person's names and contacts; ``service``: "recapito" and the company's name; ``least``: code points.
    """
    normalised = normal(password)
    if len(normalised) < least:
        return Weakness.TOO_SHORT
    if len(normalised) > MOST:
        return Weakness.TOO_LONG
    if normalised.casefold() in _common() or len(set(normalised.casefold())) == 1:
        return Weakness.TOO_COMMON
    folded = names.fold_family(normalised)
    if any(word in folded for word in _words(personal)):
        return Weakness.CONTAINS_PERSONAL
    if any(word in folded for word in _words(service)):
        return Weakness.CONTAINS_SERVICE
    return None


@cache
def _common() -> frozenset[str]:
    """The 30,000 most common ones, once somebody chooses a password: most processes of auth never need these 12 MB."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"])


def _words(texts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in texts:
        if text.startswith("+39"):
            found.add(text[3:])
        elif "@" in text:
            found.add(names.fold_family(text.partition("@")[0]))
        else:
            found.update((*names.words(text), names.fold_family(text)))
    return {word for word in found if len(word) >= LEAST_WORD}
