"""Tells customers by mail what became of their claims. What is to be told was written with the change, in the outbox."""

import contextvars
import threading
from typing import Final

import sqlalchemy as sa

from recapito_claims.senders.mails import Mails
from recapito_claims.store import reading
from recapito_claims.store.tables import OUTBOX
from recapito_claims.upstream import Registry
from recapito_servicekit import logs, traces
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.mail import MailFailed, MailRejected
from recapito_servicekit.outbox import Event
from recapito_servicekit.sql import Database

log = logs.get(__name__)

BATCH: Final = 50
PAUSE_SECONDS: Final = 1.0
_AWAY: Final = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED})


class SendNotices:
    """See ``run_once``. ``tries``: of a mail that fails. Several may run at once: each takes what no other has taken."""

    def __init__(self, database: Database, registry: Registry, mails: Mails, clock: Clock, tries: int) -> None:
        self._database = database
        self._registry = registry
        self._mails = mails
        self._clock = clock
        self._tries = tries

    def run(self, stop: threading.Event) -> None:
        """Sends until told to stop."""
        while not stop.is_set():
            if not self.run_once():
                stop.wait(PAUSE_SECONDS)

    def run_once(self) -> int:
        """Sends what is due; gives how many went out. A crash in between sends one again, under the same Message-ID."""
        with self._database.transaction() as connection:
            due = OUTBOX.due(connection, self._clock(), BATCH)
        return sum(contextvars.copy_context().run(self._send, event) for event in due)

    def _send(self, event: Event) -> bool:
        span = traces.enter("send notice", traces.Kind.CONSUMER, event.request_id, event.traceparent)
        logs.bind(notice_id=event.event_id, claim_id=event.data["claim_id"])
        try:
            self._mail(event)
        except (MailFailed, MailRejected, Refusal, sa.exc.DBAPIError) as error:
            self._note_failure(event, error)
            span.end(type(error).__name__)
            return False
        with self._database.transaction() as connection:
            OUTBOX.close(connection, event.event_id, self._clock())
        span.end()
        return True

    def _mail(self, event: Event) -> None:
        with self._database.read() as connection:
            claim = reading.find_filed(connection, event.data["claim_id"])
        if claim is None:  # erased meanwhile
            return
        customer = self._registry.customer(claim.customer_id)
        if customer.email:  # without one the portal alone tells
            self._mails.send(event.event_id, event.data["template"], claim, customer)

    def _note_failure(self, event: Event, error: Exception) -> None:
        away = isinstance(error, MailFailed) or (isinstance(error, Refusal) and error.kind in _AWAY)
        log.warning("notice not sent", template=event.data["template"], error=type(error).__name__)
        with self._database.transaction() as connection:
            if away:
                OUTBOX.postpone(connection, event.event_id, type(error).__name__, self._clock())
            else:
                final = isinstance(error, MailRejected)
                why = type(error).__name__
                OUTBOX.fail(connection, event.event_id, why, self._clock(), tries=self._tries, final=final)
