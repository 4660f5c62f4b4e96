"""Instants between Python and protobuf."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def to_timestamp(at: datetime | None) -> Timestamp | None:
    """An aware instant as a Timestamp; None stays None, so that the field stays unset."""
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def from_timestamp(stamp: Timestamp) -> datetime:
    """A Timestamp as an aware instant, UTC."""
    return stamp.ToDatetime(tzinfo=UTC)
