"""Instants between Python and protobuf."""

from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS: Final = 86_400


def to_timestamp(at: datetime | None) -> Timestamp | None:
    """An aware instant as a Timestamp; None stays None, so that the field stays unset."""
    if at is None:
        return None
    since = at - _EPOCH  # half of what FromDatetime takes
    return Timestamp(seconds=since.days * _DAY_SECONDS + since.seconds, nanos=since.microseconds * 1_000)


def from_timestamp(stamp: Timestamp) -> datetime:
    """A Timestamp as an aware instant, UTC."""
    return stamp.ToDatetime(tzinfo=UTC)
