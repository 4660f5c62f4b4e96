"""The events that this service writes and consumes: what each holds (ids and a version, nothing of a person), and its queue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow import validate as checks

from recapito_servicekit.outbox import Event, Outbox
from recapito_servicekit.queues import Unreadable

SUBMITTED: Final = "recapito.contact_change.submitted.v1"
ANSWERED: Final = "recapito.contact_change.answered.v1"
DECIDED: Final = "recapito.contact_change.decided.v1"
APPLIED: Final = "recapito.contact_change.applied.v1"
FROZEN: Final = "recapito.contact_change.frozen.v1"
RESTORED: Final = "recapito.contact_change.restored.v1"
NOTICE: Final = "recapito.contact_change.notice.v1"

INTAKE_QUEUE: Final = "contact-change.intake"
APPLY_QUEUE: Final = "contact-change.apply"
NOTICES_QUEUE: Final = "contact-change.notices"
QUEUE_OF: Final[Mapping[str, str]] = {
    SUBMITTED: INTAKE_QUEUE,
    ANSWERED: INTAKE_QUEUE,
    DECIDED: APPLY_QUEUE,
    APPLIED: APPLY_QUEUE,
    FROZEN: APPLY_QUEUE,
    RESTORED: APPLY_QUEUE,
    NOTICE: NOTICES_QUEUE,
}
SOURCE: Final = "recapito/contact-change"


def _id() -> fields.String:
    return fields.String(required=True, validate=checks.Length(1, 64))


class _Data(Schema):
    class Meta:
        unknown = EXCLUDE  # a newer writer may say more


class Submitted(_Data):
    """A customer filed a change."""

    change_id = _id()


class Answered(_Data):
    """A customer answered an operator's question."""

    change_id = _id()
    question_id = _id()


class Decided(_Data):
    """An operator decided. ``version``: the case's after this decision, which tells it from an older one."""

    change_id = _id()
    case_id = _id()
    version = fields.Integer(required=True, strict=True, validate=checks.Range(min=1))


class Applied(_Data):
    """The registry took the new mobile over."""

    change_id = _id()


class Frozen(_Data):
    """An applied change was repudiated: the customer is to be frozen."""

    change_id = _id()


class Restored(_Data):
    """A supervisor found that it was the customer after all: the customer is to be freed."""

    change_id = _id()


class Notice(_Data):
    """A notice of the ledger is to go out."""

    notice_id = _id()


SCHEMAS: Final[Mapping[str, Schema]] = {
    SUBMITTED: Submitted(),
    ANSWERED: Answered(),
    DECIDED: Decided(),
    APPLIED: Applied(),
    FROZEN: Frozen(),
    RESTORED: Restored(),
    NOTICE: Notice(),
}


def write(outbox: Outbox, tx: sa.Connection, type: str, key: str, data: dict[str, Any], now: datetime) -> None:
    """Writes an event in the transaction of the change that it tells of. Events of one ``key`` are handled in their order."""
    outbox.add(tx, type, key, SCHEMAS[type].load(data), now, follow=True)


def write_first(outbox: Outbox, tx: sa.Connection, type: str, data_of: Mapping[str, dict[str, Any]], now: datetime) -> None:
    """Writes events by their keys, each the first one of its key."""
    outbox.add_first(tx, type, {key: SCHEMAS[type].load(data) for key, data in data_of.items()}, now)


def read(event: Event) -> dict[str, Any]:
    """The event's data, checked. Raises Unreadable."""
    try:
        data: dict[str, Any] = SCHEMAS[event.type].load(event.data)
    except ValidationError as error:
        raise Unreadable(f"bad data: {', '.join(sorted(map(str, error.messages_dict)))}") from None
    return data
