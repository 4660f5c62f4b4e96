"""Accounts in SQL. What may happen once, or must be counted, is one guarded statement.

The statements of a sign-in are made once: SQLAlchemy takes longer to build one than SQLite to run it.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recapito_auth.domain.customers import Account
from recapito_auth.store.tables import ACCOUNTS
from recapito_servicekit.sql import UtcDateTime

_ACCOUNT: Final = sa.select(*(ACCOUNTS.c[name] for name in Account.__dataclass_fields__))
_BY_USERNAME: Final = _ACCOUNT.where(ACCOUNTS.c.username == sa.bindparam("wanted"))
_BY_CUSTOMER: Final = _ACCOUNT.where(ACCOUNTS.c.customer_id == sa.bindparam("wanted"))
_BY_REGISTRATION: Final = _ACCOUNT.where(ACCOUNTS.c.registration_digest == sa.bindparam("wanted"))

_NOW: Final = sa.bindparam("now", type_=UtcDateTime)
_COUNT_FAILED: Final = (
    sa.update(ACCOUNTS)
    .where(ACCOUNTS.c.customer_id == sa.bindparam("customer"))
    .values(failed_passwords=ACCOUNTS.c.failed_passwords + 1)
)
_ACCEPT_CODE: Final = (
    sa.update(ACCOUNTS)
    .where(
        ACCOUNTS.c.customer_id == sa.bindparam("customer"),
        ACCOUNTS.c.wrong_codes < sa.bindparam("disable_at"),
        sa.or_(ACCOUNTS.c.codes_locked_until.is_(None), ACCOUNTS.c.codes_locked_until <= _NOW),
    )
    .values(wrong_codes=0, failed_passwords=0, codes_locked_until=None)
)
_ACCEPT_AND_SIGN_IN: Final = _ACCEPT_CODE.values(
    last_code_at=_NOW, first_signed_in_at=sa.func.coalesce(ACCOUNTS.c.first_signed_in_at, _NOW), last_signed_in_at=_NOW
)


def by_username(connection: sa.Connection, username: str) -> Account | None:
    """The account with that canonical user name."""
    return _one(connection, _BY_USERNAME, username)


def by_customer(connection: sa.Connection, customer_id: str) -> Account | None:
    """The customer's account."""
    return _one(connection, _BY_CUSTOMER, customer_id)


def by_registration(connection: sa.Connection, registration_digest: str) -> Account | None:
    """The account that a registration opened."""
    return _one(connection, _BY_REGISTRATION, registration_digest)


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
    connection.execute(_COUNT_FAILED, {"customer": customer_id})


def accept_code(connection: sa.Connection, customer_id: str, at: datetime, disable_at: int, *, signed_in: bool) -> bool:
    """Takes a right code: the counts start anew. False: codes were locked or disabled meanwhile, nothing changed."""
    statement = _ACCEPT_AND_SIGN_IN if signed_in else _ACCEPT_CODE
    taken = connection.execute(statement, {"customer": customer_id, "disable_at": disable_at, "now": at})
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
    return _one(connection, _BY_CUSTOMER.where(ACCOUNTS.c.recovery_digest == digest), customer_id)


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


def _one(connection: sa.Connection, statement: sa.Select[Any], wanted: str) -> Account | None:
    row = connection.execute(statement, {"wanted": wanted}).first()
    return Account(*row) if row is not None else None
