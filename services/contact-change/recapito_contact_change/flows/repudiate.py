"""Whoever has a contact on file says that it wasn't them. The link's page changes nothing, for mail scanners open links."""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from recapito_contact_change import events, notices
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import BEFORE_APPLIED, Change, Customer, State, Step
from recapito_contact_change.store import cases, changes, repudiations
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.sql import Database

log = logs.get(__name__)

ANSWERER: Final = "contact on file"
_DONE: Final = (State.REPUDIATED, State.FROZEN)


class _Raced(Exception):
    """Rolls the transaction back: the token was used, or the change moved on, meanwhile."""


class Repudiate:
    """See ``preview`` and ``run``."""

    def __init__(self, database: Database, registry: Registry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock

    def preview(self, token: str) -> Change:
        """The change that the token is of, and no more. Raises NOT_FOUND: no such token, or it is too old."""
        with self._database.read() as tx:
            change_id = repudiations.change_of(tx, token, self._clock())
            change = changes.find(tx, change_id) if change_id else None
        if change is None:
            raise not_found("repudiation")
        return change

    def run(self, token: str) -> Change:
        """The change, stopped or, where it is applied, frozen together with its customer; a repeat gives it again.

        The token is used up by what it does and by nothing else. Raises Refusal: NOT_FOUND; NOT_OPEN with its state: there is
        nothing left to stop; UNAVAILABLE with BEING_APPLIED: the registry is just taking the mobile over.
        """
        change = self.preview(token)
        if change.state in _DONE:
            return change
        if change.state not in (*BEFORE_APPLIED, State.APPLIED):
            raise _not_open(change)
        customer = self._registry.get(change.customer_id)
        try:
            with self._database.transaction() as tx:
                if not repudiations.consume(tx, token, self._clock()):
                    raise _Raced
                if change.state is State.APPLIED:
                    self._freeze(tx, change)
                else:
                    self._stop(tx, change, customer)
        except _Raced:
            return self._raced(token)
        log.warning("change repudiated", change_id=change.change_id)
        return self.preview(token)

    def _stop(self, tx: sa.Connection, change: Change, customer: Customer) -> None:
        now = self._clock()
        if not changes.move(tx, change.change_id, Step.REPUDIATE, ended_at=now):
            raise _Raced
        cases.close(tx, change.change_id)
        changes.note(tx, change.change_id, now, ANSWERER, Step.REPUDIATE)
        ledger.insert(tx, change.change_id, notices.to_customer(notices.CANCELLED, customer), now)

    def _freeze(self, tx: sa.Connection, change: Change) -> None:
        """A link never puts a number back by itself, for whoever has it may be the thief."""
        now = self._clock()
        if not changes.move(tx, change.change_id, Step.FREEZE):
            raise _Raced
        changes.note(tx, change.change_id, now, ANSWERER, Step.FREEZE)
        events.write(OUTBOX, tx, events.FROZEN, change.change_id, {"change_id": change.change_id}, now)

    def _raced(self, token: str) -> Change:
        change = self.preview(token)
        if change.state in _DONE:
            return change
        if change.state in (State.APPROVED, State.APPLIED):  # it is, or it just was
            again = timedelta(seconds=5)
            raise Refusal(Kind.UNAVAILABLE, "BEING_APPLIED", "the registry is taking the mobile over", retry_after=again)
        raise _not_open(change)


def _not_open(change: Change) -> Refusal:
    return Refusal(Kind.FAILED_PRECONDITION, "NOT_OPEN", "there is nothing left to stop", {"state": change.state})
