"""Customers in SQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_auth.domain.customers import Customer, PersonType
from recapito_auth.store.tables import ACCOUNTS, APPLIED_CHANGES, CONTACT_CHANGES, CUSTOMERS

_OF_ACCOUNT = (ACCOUNTS.c.account_id, ACCOUNTS.c.recovered_at, ACCOUNTS.c.password_changed_at)
_CUSTOMER = sa.select(CUSTOMERS, *_OF_ACCOUNT).outerjoin_from(CUSTOMERS, ACCOUNTS)
_BY_ID = _CUSTOMER.where(CUSTOMERS.c.customer_id == sa.bindparam("wanted"))
_LOCK = sa.select(CUSTOMERS.c.customer_id).where(CUSTOMERS.c.customer_id == sa.bindparam("wanted")).with_for_update()


def by_id(connection: sa.Connection, customer_id: str) -> Customer | None:
    """The customer with that id."""
    row = connection.execute(_BY_ID, {"wanted": customer_id}).mappings().first()
    return _customer(row) if row is not None else None


def lock(connection: sa.Connection, customer_id: str) -> Customer | None:
    """The same, and nobody else changes the customer until the transaction ends."""
    # in SQLite the transaction holds the whole database; elsewhere the row is held first, then read as it is by then
    if connection.dialect.name != "sqlite" and connection.execute(_LOCK, {"wanted": customer_id}).first() is None:
        return None
    return by_id(connection, customer_id)


def by_name_and_contact(connection: sa.Connection, person_type: PersonType, family_folded: str, contact: str) -> list[Customer]:
    """Everybody of that kind with that folded family name and that canonical contact."""
    column = CUSTOMERS.c.email if "@" in contact else CUSTOMERS.c.mobile
    found = connection.execute(
        _CUSTOMER.where(
            column == contact, CUSTOMERS.c.family_folded == family_folded, CUSTOMERS.c.person_type == person_type.value
        )
    )
    return [_customer(row) for row in found.mappings()]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to find: canonical and folded; an empty one is not asked for."""

    contact: str = ""
    codice_fiscale: str = ""
    family_folded: str = ""


def find(connection: sa.Connection, wanted: Wanted, most: int) -> list[Customer]:
    """Everybody whom all of it fits, by id."""
    asked = {
        CUSTOMERS.c.email if "@" in wanted.contact else CUSTOMERS.c.mobile: wanted.contact,
        CUSTOMERS.c.codice_fiscale: wanted.codice_fiscale,
        CUSTOMERS.c.family_folded: wanted.family_folded,
    }
    conditions = [column == value for column, value in asked.items() if value]
    found = connection.execute(_CUSTOMER.where(*conditions).order_by(CUSTOMERS.c.customer_id).limit(most))
    return [_customer(row) for row in found.mappings()]


def freeze(connection: sa.Connection, customer_id: str, at: datetime | None) -> None:
    """Freezes a customer, or with None lifts that. The customer must be locked."""
    connection.execute(sa.update(CUSTOMERS).where(CUSTOMERS.c.customer_id == customer_id).values(frozen_at=at))


@dataclass(frozen=True, slots=True)
class Told:
    """A contact (``mobile`` or ``email``) that was changed here."""

    seq: int
    customer_id: str
    changed: str
    changed_at: datetime


def changes_after(connection: sa.Connection, seq: int, most: int) -> list[Told]:
    """What was changed here after ``seq``, in its order."""
    found = connection.execute(
        sa.select(CONTACT_CHANGES).where(CONTACT_CHANGES.c.seq > seq).order_by(CONTACT_CHANGES.c.seq).limit(most)
    )
    return [Told(**row._mapping) for row in found]


@dataclass(frozen=True, slots=True)
class MobileChange:
    """A new mobile for a customer, and what it brings with it."""

    customer_id: str
    mobile: str
    at: datetime
    claims_held_until: datetime | None


def change_mobile(connection: sa.Connection, change: MobileChange) -> None:
    """Replaces the mobile; version and epoch rise. The customer must be locked."""
    connection.execute(
        sa.update(CUSTOMERS)
        .where(CUSTOMERS.c.customer_id == change.customer_id)
        .values(
            mobile=change.mobile,
            version=CUSTOMERS.c.version + 1,
            epoch=CUSTOMERS.c.epoch + 1,
            epoch_raised_at=change.at,
            contact_changed_at=change.at,
            mobile_changed_at=change.at,
            claims_held_until=change.claims_held_until,
        )
    )


def change_email(connection: sa.Connection, customer_id: str, email: str, at: datetime) -> None:
    """Replaces the email; version and epoch rise. The customer must be locked."""
    connection.execute(
        sa.update(CUSTOMERS)
        .where(CUSTOMERS.c.customer_id == customer_id)
        .values(
            email=email,
            version=CUSTOMERS.c.version + 1,
            epoch=CUSTOMERS.c.epoch + 1,
            epoch_raised_at=at,
            contact_changed_at=at,
            email_changed_at=at,
        )
    )


def tell_change(connection: sa.Connection, seq: int, customer_id: str, changed: str, at: datetime) -> None:
    """Tells the company's systems that a contact (``mobile`` or ``email``) was changed here; ``seq`` is the audit record's."""
    connection.execute(sa.insert(CONTACT_CHANGES).values(seq=seq, customer_id=customer_id, changed=changed, changed_at=at))


def advance_epoch(connection: sa.Connection, customer_id: str, at: datetime) -> int:
    """Kills what carries the present epoch; gives the new one. The customer must be locked."""
    return int(
        connection.execute(
            sa.update(CUSTOMERS)
            .where(CUSTOMERS.c.customer_id == customer_id)
            .values(epoch=CUSTOMERS.c.epoch + 1, epoch_raised_at=at)
            .returning(CUSTOMERS.c.epoch)
        ).scalar_one()
    )


def raise_epoch(connection: sa.Connection, customer_id: str, least: int) -> None:
    """Lifts the epoch to ``least`` where it is lower; never lowers it."""
    connection.execute(
        sa.update(CUSTOMERS).where(CUSTOMERS.c.customer_id == customer_id, CUSTOMERS.c.epoch < least).values(epoch=least)
    )


def epochs_raised_since(connection: sa.Connection, since: datetime) -> list[tuple[str, int]]:
    """Id and epoch of every customer whose epoch rose since."""
    found = connection.execute(sa.select(CUSTOMERS.c.customer_id, CUSTOMERS.c.epoch).where(CUSTOMERS.c.epoch_raised_at >= since))
    return [(row.customer_id, row.epoch) for row in found]


def first_answer(connection: sa.Connection, request_id: str) -> tuple[str, dict[str, Any]] | None:
    """Customer and first answer of a change that was applied before."""
    row = connection.execute(
        sa.select(APPLIED_CHANGES.c.customer_id, APPLIED_CHANGES.c.answer).where(APPLIED_CHANGES.c.request_id == request_id)
    ).first()
    return (row.customer_id, row.answer) if row is not None else None


def was_last(connection: sa.Connection, request_id: str) -> bool:
    """Whether no other change here replaced the mobile that this one put."""
    found = (
        sa.select(APPLIED_CHANGES.c.request_id)
        .join(CUSTOMERS, CUSTOMERS.c.customer_id == APPLIED_CHANGES.c.customer_id)
        .where(APPLIED_CHANGES.c.request_id == request_id, CUSTOMERS.c.mobile_changed_at == APPLIED_CHANGES.c.applied_at)
    )
    return connection.execute(found).first() is not None


def keep_answer(connection: sa.Connection, request_id: str, customer_id: str, answer: dict[str, Any], at: datetime) -> None:
    """Keeps the first answer for a repeat."""
    connection.execute(
        sa.insert(APPLIED_CHANGES).values(request_id=request_id, customer_id=customer_id, answer=answer, applied_at=at)
    )


def _customer(row: sa.RowMapping) -> Customer:
    return Customer(
        customer_id=row["customer_id"],
        person_type=PersonType(row["person_type"]),
        given_name=row["given_name"],
        family_name=row["family_name"],
        given_folded=row["given_folded"],
        family_folded=row["family_folded"],
        codice_fiscale=row["codice_fiscale"],
        email=row["email"],
        mobile=row["mobile"],
        language=row["language"],
        policy_numbers=tuple(row["policy_numbers"]),
        version=row["version"],
        epoch=row["epoch"],
        contact_changed_at=row["contact_changed_at"],
        claims_held_until=row["claims_held_until"],
        registered=row["account_id"] is not None,
        frozen_at=row["frozen_at"],
        recovered_at=row["recovered_at"],
        password_changed_at=row["password_changed_at"],
    )
