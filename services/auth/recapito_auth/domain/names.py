"""How names are compared (policy, Names): after NFKD, without accents, apostrophes and case.

Several given names are allowed in any subset that starts with the first. Name and contact must pick exactly one customer.
"""

import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

_APOSTROPHES: Final = re.compile("['\u2018\u2019\u02bc\u02b9\u0060\u00b4\u2032\uff07]")
# the same for ASCII alone, where there is nothing to decompose
_ASCII: Final = {**{n: " " for n in range(128) if not chr(n).isalnum()}, **dict.fromkeys(map(ord, "'`."))}


class Named(Protocol):
    """Somebody with a folded name."""

    @property
    def given_folded(self) -> str: ...

    @property
    def family_folded(self) -> str: ...


N = TypeVar("N", bound=Named)


@functools.lru_cache(maxsize=32_768)  # names recur, in a registry of a million most of all
def words(name: str) -> tuple[str, ...]:
    """The words of a name, folded; hyphens and other punctuation separate them, full stops and apostrophes do not."""
    if name.isascii():
        return tuple(name.lower().translate(_ASCII).split())
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", name).casefold())
    letters = (c for c in folded if not unicodedata.category(c).startswith("M") and c != "." and not _APOSTROPHES.match(c))
    return tuple("".join(c if c.isalnum() else " " for c in letters).casefold().split())


def fold_given(name: str) -> str:
    """Given names for comparing: their words, separated by a blank; empty for a company."""
    return " ".join(words(name))


def fold_family(name: str) -> str:
    """A family name or a company's name for comparing: De Luca, DeLuca and D'E Luca are the same."""
    return "".join(words(name))


def given_names_fit(typed: str, registered: str) -> bool:
    """Whether the typed given names (folded) are a subset of the registered ones that starts with the first."""
    mine, theirs = typed.split(), registered.split()
    return mine[:1] == theirs[:1] and set(mine) <= set(theirs)


def pick(candidates: Sequence[N], given_folded: str, family_folded: str) -> N | None:
    """The one candidate whom the typed name means; None: nobody, or not clearly.

    Where one candidate's given names are the beginning of another's, the longer name doesn't tell them apart either: the
    registry may know the same person by the shorter one.
    """
    same_family = [c for c in candidates if family_folded and c.family_folded == family_folded]
    fits = [c for c in same_family if given_names_fit(given_folded, c.given_folded)]
    nearly = [c for c in same_family if given_names_fit(c.given_folded, given_folded)]
    return fits[0] if len(fits) == 1 and all(c is fits[0] for c in nearly) else None
