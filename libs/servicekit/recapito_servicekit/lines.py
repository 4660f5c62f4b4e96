"""What every log line of the work under way carries: one mapping a context, for that is bound anew by each call.

structlog's own way keeps a context variable a name, which a call of 0.3 ms pays for five times.
"""

from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, Final

_NOTHING: Final[Mapping[str, str]] = {}
_BOUND: Final[ContextVar[Mapping[str, str]]] = ContextVar("recapito_lines", default=_NOTHING)


def bind(values: Mapping[str, str]) -> None:
    """Adds to the lines of the present context, and of those that are copied from it."""
    bound = _BOUND.get()
    _BOUND.set({**bound, **values} if bound else values)


def clear() -> None:
    """Begins anew, for a thread that does one piece of work after another in the same context."""
    _BOUND.set(_NOTHING)


def bound() -> Mapping[str, str]:
    """What lines carry now."""
    return _BOUND.get()


def merge(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor: what the line itself says comes before what is bound."""
    return {**_BOUND.get(), **line}
