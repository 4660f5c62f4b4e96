"""Requests as they come off the wire: what no handler can mean anything by is told apart before one sees it.

A text that isn't UTF-8, or holds a NUL, which PostgreSQL keeps nowhere, and an instant that no calendar has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid

_INSTANT: Final = "google.protobuf.Timestamp"
_NUL: Final = "\0"
_EARLIEST: Final = -62_135_596_800  # 0001-01-01T00:00:00Z
_LATEST: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
_NANOS: Final = 1_000_000_000


class Unreadable:
    """Stands where a request would, and says what is wrong with it: a deserializer's own error would be INTERNAL or UNKNOWN."""

    __slots__ = ("refusal",)

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def reader(parse: Callable[[bytes], Any], message: Descriptor) -> Callable[[bytes], Any]:
    """``parse``, the deserializer of ``message``, with an Unreadable instead of what can't be read."""
    has_instants = _has_instants(message, set())

    def read(data: bytes) -> Any:
        try:
            request = parse(data)
        except DecodeError:
            return Unreadable(
                Refusal(Kind.INVALID_ARGUMENT, "NOT_A_MESSAGE", f"no {message.full_name}, or a text that is no UTF-8")
            )
        # nearly no request has a zero byte: a look at the bytes spares a walk through the fields. A number, for to look for
        # bytes in bytes makes an error first and drops it
        if (has_instants or 0 in data) and (faults := tuple(_faults(request, ""))):
            return Unreadable(invalid(*faults))
        return request

    return read


def _has_instants(message: Descriptor, seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    parts = [field.message_type for field in message.fields if field.message_type is not None]
    return any(part.full_name == _INSTANT or _has_instants(part, seen) for part in parts)


def _faults(message: Message, above: str) -> Iterator[Violation]:
    for field, value in message.ListFields():
        place = f"{above}{field.name}"
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            if any(_NUL in text for pair in value.items() for text in pair if isinstance(text, str)):
                yield _with_nul(place)
        elif field.is_repeated:
            for index, one in enumerate(value):
                yield from _faults_of(field, one, f"{place}[{index}]")
        else:
            yield from _faults_of(field, value, place)


def _faults_of(field: FieldDescriptor, value: Any, place: str) -> Iterator[Violation]:
    if field.type == FieldDescriptor.TYPE_STRING:
        if _NUL in value:
            yield _with_nul(place)
    elif field.message_type is None:
        return
    elif field.message_type.full_name == _INSTANT:
        if not (_EARLIEST <= value.seconds <= _LATEST and 0 <= value.nanos < _NANOS):
            yield Violation(place, "OUT_OF_RANGE", "an instant of the years 1 to 9999, with 0 to 999,999,999 nanoseconds")
    else:
        yield from _faults(value, f"{place}.")


def _with_nul(place: str) -> Violation:
    return Violation(place, "CHARACTERS_NOT_ALLOWED", "text without a NUL")
