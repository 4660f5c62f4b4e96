"""Erases a customer's account with all that hangs on it (GDPR 17), and names what stays."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer
from recapito_auth.senders.codes import Codes
from recapito_auth.store import audit, customers, erasing
from recapito_auth.store.sessions import Sessions
from recapito_auth.store.tables import APPLIED_CHANGES, DEVICES, NETWORKS
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.privacy import Erased, Kept, counted
from recapito_servicekit.sql import Database

REGISTRY: Final = "GDPR 6(1)(b), 17(3)(b): the company's own registry"
AUDIT: Final = "GDPR 5(2), 17(3)(e): who did what is proved by one chain, and none of it can be taken out"
OPERATOR: Final = "GDPR 6(1)(f): nobody decides on themselves"
SOON: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class EraseCustomer:
    """See ``run``."""

    database: Database
    sessions: Sessions
    codes: Codes
    clock: Clock

    def run(self, customer_id: str, *, registry_entry: bool = False, dry_run: bool = False) -> Erased:
        """What went and what stays; again: nothing more. ``registry_entry``: the company holds the customer no more.

        The account goes and the epoch rises in one commit, so nobody is signed in, whatever crashes after it: what Redis has
        carries the old epoch. Raises FAILED_PRECONDITION CUSTOMER_FROZEN, NOTICES_WAITING; UNAVAILABLE: say it again.
        """
        if dry_run:
            with self.database.read() as connection:
                customer = customers.by_id(connection, customer_id)
                return self._look(connection, customer, customer_id, registry_entry=registry_entry)
        with self.database.transaction() as connection:
            customer = customers.lock(connection, customer_id)
            found = self._look(connection, customer, customer_id, registry_entry=registry_entry)
            if customer is not None and found.gone:
                self._erase(connection, customer, found, registry_entry=registry_entry)
        self.sessions.forget(customer_id)
        self.codes.cancel(customer_id)
        return found

    def _look(self, connection: sa.Connection, customer: Customer | None, customer_id: str, *, registry_entry: bool) -> Erased:
        waiting, dead = erasing.notices(connection, customer_id)
        if customer is not None and customer.frozen_at is not None:
            raise Refusal(Kind.FAILED_PRECONDITION, "CUSTOMER_FROZEN", "a supervisor must first decide on a repudiated change")
        if waiting:
            told = "a notice of a change is still on its way to the customer"
            raise Refusal(Kind.FAILED_PRECONDITION, "NOTICES_WAITING", told, retry_after=SOON)
        opened = erasing.opened_at(connection, customer_id)
        gone = (
            *((f"the account of {opened.date()}: user name, password, what it signed in with and when",) if opened else ()),
            *counted(erasing.count(connection, DEVICES, customer_id), "trusted device", "trusted devices"),
            *counted(erasing.count(connection, NETWORKS, customer_id), "network signed in from", "networks signed in from"),
            *counted(
                erasing.count(connection, APPLIED_CHANGES, customer_id),
                "answer to a change of mobile",
                "answers to changes of mobile",
            ),
            *counted(dead, "notice that gave up", "notices that gave up"),
            *(("the registry entry",) if customer is not None and registry_entry else ()),
        )
        return Erased(gone, tuple(_kept(connection, customer_id, entry=customer is not None and not registry_entry)))

    def _erase(self, connection: sa.Connection, customer: Customer, found: Erased, *, registry_entry: bool) -> None:
        now, customer_id = self.clock(), customer.customer_id
        erasing.erase(connection, customer_id)
        epoch = customers.advance_epoch(connection, customer_id, now)
        if registry_entry:
            erasing.erase_entry(connection, customer_id)
        details = {"things": len(found.gone), "registry_entry": registry_entry}
        audit.append(connection, now, Entry(Event.CUSTOMER_ERASED, customer_id, details=details))
        # before the commit, as with a change of mobile: a crash here ends sessions for nothing, but none outlives the account
        self.sessions.raise_least_epoch(customer_id, epoch)


def _kept(connection: sa.Connection, customer_id: str, *, entry: bool) -> list[Kept]:
    kept = []
    if entry:
        what = "the registry entry: name, codice fiscale, contacts, language, policy numbers, and when a contact changed"
        kept.append(Kept(what, REGISTRY))
    kept += [
        Kept(f"operator {name}: that they are this customer", OPERATOR) for name in erasing.operators_of(connection, customer_id)
    ]
    records = erasing.records(connection, customer_id)
    if records:
        what = f"the audit: {records} records with the customer's id, times, addresses and masked contacts, no name"
        kept.append(Kept(what, AUDIT))
    return kept
