"""Tells customers what changed: a notice is written with the change, and sent through otp by the background job."""

import contextvars
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from recapito_auth.domain.customers import Customer
from recapito_auth.senders.codes import Codes
from recapito_auth.store.tables import OUTBOX
from recapito_servicekit import logs, traces
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.outbox import TRIES, Event, Outbox
from recapito_servicekit.sql import Database

log = logs.get(__name__)

NOTICE: Final = "notice"
BATCH: Final = 50
PAUSE_SECONDS: Final = 1.0
_AWAY: Final = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED})
_OUTBOX: Final = Outbox(OUTBOX)


@dataclass(frozen=True, slots=True)
class Notice:
    """A text without a code: the name of otp's template, and what the text needs."""

    template: str
    params: dict[str, str] = field(default_factory=dict)


def tell(connection: sa.Connection, customer: Customer, notice: Notice, now: datetime) -> None:
    """Writes a notice to every contact that ``customer`` has, in the transaction of the change."""
    for destination in filter(None, (customer.mobile, customer.email)):
        data = {
            "destination": destination,
            "template": notice.template,
            "params": notice.params,
            "locale": customer.language or "it",
        }
        # a key each: a contact that can't be reached doesn't keep the other from being told
        _OUTBOX.add(connection, NOTICE, f"{customer.customer_id[:64]}:{'email' if '@' in destination else 'sms'}", data, now)


def send_due(database: Database, codes: Codes, clock: Clock, tries: int = TRIES) -> int:
    """Sends what is due; gives how many were. The event's id is the notice's request_id, so a repeat sends nothing twice."""
    with database.transaction() as connection:
        due = _OUTBOX.due(connection, clock(), BATCH)
    return sum(contextvars.copy_context().run(_send, database, codes, clock, tries, event) for event in due)


def keep_telling(database: Database, codes: Codes, clock: Clock, tries: int, stop: threading.Event) -> None:
    """The same until ``stop`` is set."""
    while not stop.is_set():
        if not send_due(database, codes, clock, tries):
            stop.wait(PAUSE_SECONDS)


def _send(database: Database, codes: Codes, clock: Clock, tries: int, event: Event) -> bool:
    data = event.data
    span = traces.enter("send notice", traces.Kind.CONSUMER, event.request_id, event.traceparent)
    logs.bind(notice_id=event.event_id)
    try:
        codes.notice(event.event_id, data["destination"], data["template"], data["locale"], data["params"])
    except Refusal as refusal:
        with database.transaction() as connection:
            if refusal.kind in _AWAY:
                _OUTBOX.postpone(connection, event.event_id, refusal.reason, clock())
            else:
                _OUTBOX.fail(connection, event.event_id, refusal.reason, clock(), tries=tries)
        log.warning("notice not sent", template=data["template"], reason=refusal.reason)
        span.end(refusal.reason)
        return False
    with database.transaction() as connection:  # what was sent is forgotten, the contact with it
        connection.execute(sa.delete(OUTBOX).where(OUTBOX.c.event_id == event.event_id))
    span.end()
    return True
