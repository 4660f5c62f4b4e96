"""The name of an upload: a label for people, never a path."""

import re
import unicodedata
from typing import Final

_LONGEST: Final = 100
_LONGEST_SUFFIX: Final = 10
# Control characters, format characters (the right-to-left override is one), lone surrogates, private use, line separators.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def shown_name(name: str) -> str:
    """The name as it may be shown: its last part, visible characters only, at most 100 with the suffix kept.

    It may still hold quotes, ``<`` and ``&``: whoever writes it into a page escapes it, as with any text.
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = " ".join("".join(map(_shown, last)).split()).lstrip(". ")
    if len(seen) > _LONGEST:
        stem, dot, suffix = seen.rpartition(".")
        tail = dot + suffix if stem and len(suffix) <= _LONGEST_SUFFIX else ""
        seen = seen[: _LONGEST - len(tail)] + tail
    return seen or "document"


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in _UNSHOWN else character
