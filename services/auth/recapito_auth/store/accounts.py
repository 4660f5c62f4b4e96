"""Accounts in SQL. What may happen once, or must be counted, is one guarded statement."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from recapito_auth.domain.customers import Account
from recapito_auth.store.tables import ACCOUNTS
from recapito_servicekit.sql import UtcDateTime

_COLUMNS = [ACCOUNTS.c[name] for name in Account.__dataclass_fields__]


def by_username(connection: sa.Connection, username: str) -> Account | None:
    """The account with that canonical user name."""
    return _one(connection, ACCOUNTS.c.username == username)


def by_customer(connection: sa.Connection, customer_id: str) -> Account | None:
    """The customer's account."""
    return _one(connection, ACCOUNTS.c.customer_id == customer_id)


def by_registration(connection: sa.Connection, registration_digest: str) -> Account | None:
    """The account that a registration opened."""
    return _one(connection, ACCOUNTS.c.registration_digest == registration_digest)


def add(connection: sa.Connection, account: Account, registration_digest: str) -> None:
    """Opens an account. Raises sqlalchemy.exc.IntegrityError: the customer or the user name has one."""
    values = {name: getattr(account, name) for name in Account.__dataclass_fields__}
    connection.execute(sa.insert(ACCOUNTS).values(**values, registration_digest=registration_digest))


def count_wrong_code(connection: sa.Connection, customer_id: str, lock_every: int, locked_until: datetime) -> None:
    """Counts one more wrong code; every ``lock_every``-th locks codes until then."""
    more = ACCOUNTS.c.wrong_codes + 1
    connection.execute(
        sa.update(ACCOUNTS)
        .where(ACCOUNTS.c.customer_id == customer_id)
        .values(
            wrong_codes=more,
            codes_locked_until=sa.case(
                (more % lock_every == 0, sa.literal(locked_until, UtcDateTime)), else_=ACCOUNTS.c.codes_locked_until
            ),
        )
    )


def count_failed_password(connection: sa.Connection, customer_id: str) -> None:
    """Counts one more wrong password; the same statement for an unknown user name, whose ``customer_id`` is empty."""
    connection.execute(
        sa.update(ACCOUNTS).where(ACCOUNTS.c.customer_id == customer_id).values(failed_passwords=ACCOUNTS.c.failed_passwords + 1)
    )


def accept_code(connection: sa.Connection, customer_id: str, at: datetime, disable_at: int, *, signed_in: bool) -> bool:
    """Takes a right code: the counts start anew. False: codes were locked or disabled meanwhile, nothing changed."""
    first = sa.func.coalesce(ACCOUNTS.c.first_signed_in_at, sa.literal(at, UtcDateTime))
    values = {"first_signed_in_at": first, "last_signed_in_at": at}
    taken = connection.execute(
        sa.update(ACCOUNTS)
        .where(
            ACCOUNTS.c.customer_id == customer_id,
            ACCOUNTS.c.wrong_codes < disable_at,
            sa.or_(ACCOUNTS.c.codes_locked_until.is_(None), ACCOUNTS.c.codes_locked_until <= at),
        )
        .values(
            wrong_codes=0, failed_passwords=0, codes_locked_until=None, **({"last_code_at": at, **values} if signed_in else {})
        )
    )
    return taken.rowcount == 1


def sign_in_without_code(connection: sa.Connection, account: Account, at: datetime) -> bool:
    """Notes a sign-in with a trusted device. False: the password changed, or was recovered, meanwhile."""
    noted = connection.execute(
        sa.update(ACCOUNTS)
        .where(
            ACCOUNTS.c.account_id == account.account_id,
            ACCOUNTS.c.password_hash == account.password_hash,
            ACCOUNTS.c.contact_change_only.is_(False),
        )
        .values(last_signed_in_at=at)
    )
    return noted.rowcount == 1


def rebind(
    connection: sa.Connection, customer_id: str, old_mobile: str, new_mobile: str, *, contact_change_only: bool = False
) -> None:
    """After a change of mobile that a person approved: codes are open again, and so is an account that opened a contact change
    alone, unless it has to stay so; a user name that was the old mobile follows, if there is a new one.

    Raises sqlalchemy.exc.IntegrityError: the new mobile is another account's user name.
    """
    if new_mobile:
        follow(connection, customer_id, old_mobile, new_mobile)
    connection.execute(
        sa.update(ACCOUNTS)
        .where(ACCOUNTS.c.customer_id == customer_id)
        .values(wrong_codes=0, codes_locked_until=None, contact_change_only=contact_change_only)
    )


def follow(connection: sa.Connection, customer_id: str, old: str, new: str) -> None:
    """A user name that was the old contact becomes the new one. Raises sqlalchemy.exc.IntegrityError: another account has it."""
    connection.execute(
        sa.update(ACCOUNTS).where(ACCOUNTS.c.customer_id == customer_id, ACCOUNTS.c.username == old).values(username=new)
    )


def unlock(connection: sa.Connection, customer_id: str) -> None:
    """Opens codes again before their time; the count of wrong ones goes on."""
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.customer_id == customer_id).values(codes_locked_until=None))


def recover(
    connection: sa.Connection, customer_id: str, password_hash: str, digest: str, at: datetime, *, contact_change_only: bool
) -> None:
    """Sets a recovered password. ``digest``: the recovery's. Locks of codes stay as they are."""
    connection.execute(
        sa.update(ACCOUNTS)
        .where(ACCOUNTS.c.customer_id == customer_id)
        .values(
            password_hash=password_hash,
            recovered_at=at,
            recovery_digest=digest,
            # once with one contact, until a contact change was approved
            contact_change_only=sa.or_(ACCOUNTS.c.contact_change_only, sa.literal(contact_change_only)),
        )
    )


def by_recovery(connection: sa.Connection, customer_id: str, digest: str) -> Account | None:
    """The customer's account, if that recovery was its last one."""
    return _one(connection, (ACCOUNTS.c.customer_id == customer_id) & (ACCOUNTS.c.recovery_digest == digest))


def change_password(connection: sa.Connection, account: Account, password_hash: str, at: datetime) -> bool:
    """Sets another password. False: it changed meanwhile."""
    changed = connection.execute(
        sa.update(ACCOUNTS)
        .where(ACCOUNTS.c.account_id == account.account_id, ACCOUNTS.c.password_hash == account.password_hash)
        .values(password_hash=password_hash, password_changed_at=at)
    )
    return changed.rowcount == 1


def rehash(connection: sa.Connection, account: Account, password_hash: str) -> None:
    """Replaces a hash that was made with lower settings, unless the password changed meanwhile."""
    connection.execute(
        sa.update(ACCOUNTS)
        .where(ACCOUNTS.c.account_id == account.account_id, ACCOUNTS.c.password_hash == account.password_hash)
        .values(password_hash=password_hash)
    )


def locked_for(account: Account, at: datetime) -> timedelta | None:
    """How long codes stay locked; None: they aren't."""
    until = account.codes_locked_until
    return until - at if until is not None and until > at else None


def _one(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Account | None:
    row = connection.execute(sa.select(*_COLUMNS).where(condition)).mappings().first()
    return Account(**row) if row is not None else None
