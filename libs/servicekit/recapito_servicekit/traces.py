"""Which request a piece of work belongs to: its id and its place in a trace (W3C Trace Context), over calls, events and mails.

A front end begins a trace; the gate, a consumer and a delivery worker continue the one that came with the call, the event or the
job. Whatever is logged, called or written meanwhile carries it on.
"""

import random
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypedDict

from recapito_servicekit import lines

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
REQUEST_ID: Final = "x-request-id"
TRACEPARENT: Final = "traceparent"
LONGEST_ID: Final = 64


class Kind(StrEnum):
    """What a span is: a page or call that is answered, or an event or job that is handled."""

    SERVER = "SERVER"
    CONSUMER = "CONSUMER"


class Trace(NamedTuple):
    """Where we are: the request's id, the trace (32 hex digits) and the span within it (16)."""

    request_id: str
    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """As headers, metadata and CloudEvents carry it."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class Span(Protocol):
    """A piece of work under way."""

    def end(self, error: str = "") -> None:
        """It is over; ``error``: how it failed, in one word."""


class Recorded(Span, Protocol):
    """A span that is sent somewhere, where it has ids of its own."""

    trace_id: str
    span_id: str


class _Unrecorded:
    """A span that is sent nowhere."""

    def end(self, error: str = "") -> None:
        """Nothing to do."""


Start = Callable[[str, Kind, tuple[str, str] | None], Recorded]
"""Starts a span of a name and a kind under a parent (trace id, span id), or under none."""

_start: Start | None = None
_UNRECORDED: Final = _Unrecorded()
_NOTHING: Final[Mapping[str, str]] = {}
_TRACE: Final[ContextVar[Trace]] = ContextVar("recapito_trace")


def record_with(start: Start) -> None:
    """For the process's start alone: spans are started by ``start`` from now on."""
    global _start  # noqa: PLW0603  # one exporter a process, as with logging
    _start = start


def enter(name: str, kind: Kind, request_id: str = "", traceparent: str = "", about: Mapping[str, str] = _NOTHING) -> Span:
    """Begins a piece of work in the present context: makes it the current one, and binds its ids and ``about`` to each log line.

    What came with it goes on; without a (readable) ``traceparent`` a trace begins, without a ``request_id`` one is made. It holds
    until the context ends: run each job in a context of its own (``contextvars.copy_context().run``).
    """
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    # hex digits for three ids that nobody else has. They open nothing, so they may be guessed, and cost no call of the system
    fresh = random.randbytes(40).hex()
    request_id = request_id[:LONGEST_ID] or fresh[:32]
    if _start is None:
        span: Span = _UNRECORDED
        trace = Trace(request_id, found[1] if found else fresh[32:64], fresh[64:])
    else:
        span = recorded = _start(name, kind, (found[1], found[2]) if found else None)
        trace = Trace(request_id, recorded.trace_id, recorded.span_id)
    _TRACE.set(trace)
    lines.bind({**about, "request_id": request_id, "trace_id": trace.trace_id})
    return span


def current() -> Trace | None:
    """Where we are; None: nowhere in particular (a command, a test)."""
    return _TRACE.get(None)


class Carried(TypedDict):
    """What goes with an event or a job."""

    request_id: str
    traceparent: str


def carried() -> Carried:
    """``request_id`` and ``traceparent`` for what is handled later, elsewhere; empty ones where we are nowhere."""
    trace = current()
    return {"request_id": trace.request_id, "traceparent": trace.traceparent} if trace else {"request_id": "", "traceparent": ""}


def metadata() -> tuple[tuple[str, str], ...]:
    """The same as the metadata of a call."""
    trace = current()
    return ((REQUEST_ID, trace.request_id), (TRACEPARENT, trace.traceparent)) if trace else ()
