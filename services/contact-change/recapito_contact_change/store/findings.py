"""Findings with their evidence. A case's row has their codes as well, for the queue."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from recapito_contact_change.prechecks import Found
from recapito_contact_change.store.tables import CASES, FINDINGS

F = FINDINGS.c
C = CASES.c


def add(tx: sa.Connection, change_id: str, found: Iterable[Found], now: datetime) -> tuple[str, ...]:
    """Adds findings to a change whose case operators can take; gives the codes that are new.

    One that was just decided stays as it is: the decision holds for this version of it.
    """
    row = tx.execute(sa.select(C.findings).where(C.change_id == change_id, C.is_open).with_for_update()).first()
    if row is None:
        return ()
    known = row.findings.split()
    new = [one for one in found if one.code not in known]
    if new:
        codes = " ".join((*known, *(one.code for one in new)))
        tx.execute(CASES.update().where(C.change_id == change_id).values(findings=codes, version=C.version + 1))
        insert(tx, change_id, new, now)
    return tuple(one.code for one in new)


def insert(tx: sa.Connection, change_id: str, found: Sequence[Found], now: datetime) -> None:
    """Keeps findings that the change doesn't have yet."""
    evidence = [json.dumps(dict(one.evidence), ensure_ascii=False) for one in found]
    rows = [
        {"change_id": change_id, "code": one.code, "evidence": seen, "found_at": now}
        for one, seen in zip(found, evidence, strict=True)
    ]
    if rows:
        tx.execute(FINDINGS.insert(), rows)


def of_change(tx: sa.Connection, change_id: str) -> dict[str, dict[str, str]]:
    """The evidence of a change's findings, by code."""
    rows = tx.execute(sa.select(F.code, F.evidence).where(F.change_id == change_id))
    return {row.code: json.loads(row.evidence) for row in rows}


def forget_evidence(tx: sa.Connection, change_id: str) -> None:
    """Empties the evidence of a change whose documents are destroyed; that something was found stays."""
    tx.execute(FINDINGS.update().where(F.change_id == change_id).values(evidence="{}"))
