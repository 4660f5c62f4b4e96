"""Rows into the registry: what is new, what changed, what the file must not overwrite."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.registry_import.rules import Row
from recapito_auth.store import accounts, audit
from recapito_auth.store.tables import ACCOUNTS, CUSTOMERS
from recapito_servicekit.sql import Database

_CONTACTS: Final = ("mobile", "email")
# made once: a list of a thousand would be looked at, one by one, for what it is
_IDS: Final[sa.BindParameter[Any]] = sa.bindparam("ids", expanding=True)
_EXISTING: Final = sa.select(CUSTOMERS).where(CUSTOMERS.c.customer_id.in_(_IDS)).order_by(CUSTOMERS.c.customer_id)
_USERNAMES: Final = sa.select(ACCOUNTS.c.customer_id, ACCOUNTS.c.username).where(ACCOUNTS.c.customer_id.in_(_IDS))


class Outcome(StrEnum):
    """What became of a row."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Applied(NamedTuple):
    """What became of a row: the columns that changed, and those that the file did not overwrite, with the reason."""

    customer_id: str
    outcome: Outcome
    changed: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def apply_batch(database: Database, batch: list[Row], as_of: datetime, now: datetime, *, dry_run: bool) -> list[Applied]:
    """Writes a batch in one transaction.

    A contact that was changed here after ``as_of`` stays. A registered customer's contact that the company changed ends their
    sessions like any other change of contact, and a user name that was the old one follows where it is free.
    """
    if dry_run:
        with database.read() as connection:
            return _apply(connection, batch, as_of, now, dry_run=True)
    with database.transaction() as connection:
        return _apply(connection, batch, as_of, now, dry_run=False)


def _apply(connection: sa.Connection, batch: list[Row], as_of: datetime, now: datetime, *, dry_run: bool) -> list[Applied]:
    ids = {"ids": [row["customer_id"] for row in batch]}
    # held in one order, so that two imports at once don't wait for each other
    found = connection.execute(_EXISTING if dry_run else _EXISTING.with_for_update(), ids)
    existing = {row["customer_id"]: row for row in found.mappings()}
    usernames = {row.customer_id: row.username for row in connection.execute(_USERNAMES, ids)}
    added: list[dict[str, Any]] = []
    outcomes: list[Applied] = []
    for row in batch:
        wanted: dict[str, Any] = {**row, "policy_numbers": _numbers(row)}
        there = existing.get(row["customer_id"])
        if there is None:
            added.append({**wanted, "version": 1, "epoch": 1})
            outcomes.append(Applied(row["customer_id"], Outcome.ADDED))
            continue
        conflicts: list[str] = []
        for contact in _CONTACTS:
            changed_here = there[f"{contact}_changed_at"]
            if changed_here is not None and changed_here > as_of and wanted[contact] != there[contact]:
                conflicts.append(f"{contact}: changed here after the file's time, kept")
                del wanted[contact]
        changes = {name: value for name, value in wanted.items() if value != there[name]}
        if changes and not dry_run:
            conflicts += _change(connection, there, changes, usernames.get(row["customer_id"]), now)
        outcome = Outcome.CHANGED if changes else Outcome.UNCHANGED
        outcomes.append(Applied(row["customer_id"], outcome, tuple(n for n in changes if "folded" not in n), tuple(conflicts)))
    if added and not dry_run:
        connection.execute(sa.insert(CUSTOMERS), added)
    if not dry_run:
        _record(connection, outcomes, now)
    return outcomes


def _record(connection: sa.Connection, outcomes: list[Applied], now: datetime) -> None:
    changed = [
        Entry(Event.CUSTOMER_IMPORTED, applied.customer_id, details={"changed": list(applied.changed)})
        for applied in outcomes
        if applied.changed
    ]
    added = sum(1 for applied in outcomes if applied.outcome is Outcome.ADDED)
    entries = [*changed, *([Entry(Event.CUSTOMERS_ADDED, details={"count": added})] if added else [])]
    if entries:
        audit.append(connection, now, *entries)


def _numbers(row: Row) -> list[str]:
    return row["policy_numbers"].split(";") if row["policy_numbers"] else []


def _change(
    connection: sa.Connection, there: sa.RowMapping, changes: dict[str, Any], username: str | None, now: datetime
) -> list[str]:
    values: dict[str, Any] = {**changes, "version": CUSTOMERS.c.version + 1}
    if username is not None and changes.keys() & set(_CONTACTS):
        values |= {"epoch": CUSTOMERS.c.epoch + 1, "epoch_raised_at": now, "contact_changed_at": now}
    connection.execute(sa.update(CUSTOMERS).where(CUSTOMERS.c.customer_id == there["customer_id"]).values(values))
    for contact in _CONTACTS:
        if changes.get(contact) and username == there[contact]:
            try:
                with connection.begin_nested():
                    accounts.follow(connection, there["customer_id"], there[contact], changes[contact])
            except sa.exc.IntegrityError:
                return [f"username: the new {contact} is another account's user name, the old one stays"]
    return []
