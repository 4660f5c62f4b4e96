"""Operators in SQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_auth.domain.customers import Operator
from recapito_auth.store.tables import OPERATORS, RECOVERY_CODES
from recapito_servicekit.sql import UtcDateTime

_COLUMNS = [OPERATORS.c[name] for name in Operator.__dataclass_fields__]


def by_name(connection: sa.Connection, name: str) -> Operator | None:
    """The operator with that name, casefolded."""
    row = connection.execute(sa.select(*_COLUMNS).where(OPERATORS.c.name == name)).mappings().first()
    return Operator(**row) if row is not None else None


def add(connection: sa.Connection, operator: Operator, at: datetime) -> None:
    """Enrols an operator. Raises sqlalchemy.exc.IntegrityError: the name is taken."""
    values = {name: getattr(operator, name) for name in Operator.__dataclass_fields__}
    connection.execute(sa.insert(OPERATORS).values(**values, totp_last_step=0, created_at=at))


@dataclass(frozen=True, slots=True)
class Listed:
    """An operator as a supervisor may see them. ``recovery_codes_left``: how many aren't spent."""

    operator_id: str
    name: str
    role: str
    customer_id: str
    created_at: datetime
    disabled_at: datetime | None
    recovery_codes_left: int


def every(connection: sa.Connection) -> list[Listed]:
    """All operators by name, those who are disabled too."""
    left = (
        sa.select(sa.func.count())
        .where(RECOVERY_CODES.c.operator_id == OPERATORS.c.operator_id, RECOVERY_CODES.c.used_at.is_(None))
        .scalar_subquery()
        .label("recovery_codes_left")
    )
    columns = [OPERATORS.c[name] for name in Listed.__dataclass_fields__ if name != "recovery_codes_left"]
    return [Listed(**row) for row in connection.execute(sa.select(*columns, left).order_by(OPERATORS.c.name)).mappings()]


def drop_recovery_codes(connection: sa.Connection, operator_id: str) -> None:
    """Forgets an operator's recovery codes, spent or not."""
    connection.execute(sa.delete(RECOVERY_CODES).where(RECOVERY_CODES.c.operator_id == operator_id))


def keep_recovery_codes(connection: sa.Connection, operator_id: str, digests: list[str]) -> None:
    """Keeps the hashes of an operator's recovery codes."""
    connection.execute(sa.insert(RECOVERY_CODES), [{"operator_id": operator_id, "digest": digest} for digest in digests])


def consume_recovery_code(connection: sa.Connection, operator_id: str, digest: str, at: datetime) -> bool:
    """Spends a recovery code. False: the operator has no such one, or it was spent before."""
    spent = connection.execute(
        sa.update(RECOVERY_CODES)
        .where(RECOVERY_CODES.c.operator_id == operator_id, RECOVERY_CODES.c.digest == digest, RECOVERY_CODES.c.used_at.is_(None))
        .values(used_at=at)
    )
    return spent.rowcount == 1


def disable(connection: sa.Connection, operator_id: str, at: datetime) -> int:
    """Disables an operator, once; gives the epoch below which their sessions are dead."""
    connection.execute(
        sa.update(OPERATORS)
        .where(OPERATORS.c.operator_id == operator_id, OPERATORS.c.disabled_at.is_(None))
        .values(disabled_at=at, epoch=OPERATORS.c.epoch + 1, epoch_raised_at=at)
    )
    return int(connection.execute(sa.select(OPERATORS.c.epoch).where(OPERATORS.c.operator_id == operator_id)).scalar_one())


def change_password(connection: sa.Connection, operator: Operator, password_hash: str, at: datetime) -> int | None:
    """Replaces the password that ``operator`` was read with, which is their own from now on; gives the new epoch.

    None: it changed meanwhile, or the operator was disabled.
    """
    return _replace(connection, operator, OPERATORS.c.password_hash == operator.password_hash, at,
                    password_hash=password_hash, password_change_required=False)  # fmt: skip


def change_totp(connection: sa.Connection, operator: Operator, sealed: bytes, step: int, at: datetime) -> int | None:
    """Replaces the sealed secret that ``operator`` was read with, ``step`` of the new one spent; gives the new epoch.

    None: it changed meanwhile, or the operator was disabled.
    """
    return _replace(connection, operator, OPERATORS.c.totp_sealed == operator.totp_sealed, at,
                    totp_sealed=sealed, totp_last_step=step, wrong_totps=0, totp_locked_until=None)  # fmt: skip


def reset(connection: sa.Connection, operator_id: str, password_hash: str, sealed: bytes, at: datetime) -> int | None:
    """Replaces password and sealed secret, whatever they were, and lifts the app's locks; gives the new epoch.

    None: the operator is disabled.
    """
    replaced = connection.execute(
        sa.update(OPERATORS)
        .where(OPERATORS.c.operator_id == operator_id, OPERATORS.c.disabled_at.is_(None))
        .values(
            password_hash=password_hash,
            password_change_required=True,
            totp_sealed=sealed,
            totp_last_step=0,
            wrong_totps=0,
            totp_locked_until=None,
            epoch=OPERATORS.c.epoch + 1,
            epoch_raised_at=at,
        )
        .returning(OPERATORS.c.epoch)
    ).first()
    return int(replaced.epoch) if replaced is not None else None


def _replace(
    connection: sa.Connection, operator: Operator, unchanged: sa.ColumnElement[bool], at: datetime, **values: Any
) -> int | None:
    replaced = connection.execute(
        sa.update(OPERATORS)
        .where(OPERATORS.c.operator_id == operator.operator_id, unchanged, OPERATORS.c.disabled_at.is_(None))
        .values(epoch=OPERATORS.c.epoch + 1, epoch_raised_at=at, **values)
        .returning(OPERATORS.c.epoch)
    ).first()
    return int(replaced.epoch) if replaced is not None else None


def rehash(connection: sa.Connection, operator: Operator, password_hash: str) -> None:
    """Keeps the same password under today's settings, unless it changed meanwhile."""
    connection.execute(
        sa.update(OPERATORS)
        .where(OPERATORS.c.operator_id == operator.operator_id, OPERATORS.c.password_hash == operator.password_hash)
        .values(password_hash=password_hash)
    )


def raise_epoch(connection: sa.Connection, operator_id: str, least: int) -> None:
    """Lifts the epoch to ``least`` where it is lower; never lowers it."""
    connection.execute(
        sa.update(OPERATORS).where(OPERATORS.c.operator_id == operator_id, OPERATORS.c.epoch < least).values(epoch=least)
    )


def epochs_raised_since(connection: sa.Connection, since: datetime) -> list[tuple[str, int]]:
    """Id and epoch of every operator whose epoch rose since."""
    found = connection.execute(sa.select(OPERATORS.c.operator_id, OPERATORS.c.epoch).where(OPERATORS.c.epoch_raised_at >= since))
    return [(row.operator_id, row.epoch) for row in found]


def lock(connection: sa.Connection, operator_id: str) -> Operator | None:
    """The operator as they are now; nobody changes or disables them until the transaction ends."""
    found = connection.execute(sa.select(*_COLUMNS).where(OPERATORS.c.operator_id == operator_id).with_for_update())
    row = found.mappings().first()
    return Operator(**row) if row is not None else None


def consume_step(connection: sa.Connection, operator_id: str, step: int, at: datetime, disable_at: int) -> bool:
    """Spends a TOTP step; wrong codes are forgotten. False: it, or a later one, was spent before, or the app is locked."""
    o = OPERATORS.c
    spent = connection.execute(
        sa.update(OPERATORS)
        .where(
            o.operator_id == operator_id,
            o.totp_last_step < step,
            o.wrong_totps < disable_at,
            sa.or_(o.totp_locked_until.is_(None), o.totp_locked_until <= at),
        )
        .values(totp_last_step=step, wrong_totps=0, totp_locked_until=None)
    )
    return spent.rowcount == 1


def count_wrong_totp(connection: sa.Connection, operator_id: str, lock_every: int, locked_until: datetime) -> None:
    """Counts one more wrong code; every ``lock_every``-th locks the app until then."""
    more = OPERATORS.c.wrong_totps + 1
    until = sa.case((more % lock_every == 0, sa.literal(locked_until, UtcDateTime)), else_=OPERATORS.c.totp_locked_until)
    counted = sa.update(OPERATORS).where(OPERATORS.c.operator_id == operator_id)
    connection.execute(counted.values(wrong_totps=more, totp_locked_until=until))


def all_sealed(connection: sa.Connection) -> list[tuple[str, bytes]]:
    """Id and sealed TOTP secret of every operator."""
    return [(row[0], row[1]) for row in connection.execute(sa.select(OPERATORS.c.operator_id, OPERATORS.c.totp_sealed))]


def replace_sealed(connection: sa.Connection, operator_id: str, old: bytes, new: bytes) -> int:
    """Replaces a sealed secret that still is the old one; gives how many that were: one or none."""
    guard = sa.and_(OPERATORS.c.operator_id == operator_id, OPERATORS.c.totp_sealed == old)
    return connection.execute(sa.update(OPERATORS).where(guard).values(totp_sealed=new)).rowcount
