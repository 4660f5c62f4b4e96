"""The import: a pass that checks every record, then a pass that writes, batch by batch. Running it again changes nothing."""

import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from recapito_auth.registry_import.apply import Applied, Outcome, apply_batch
from recapito_auth.registry_import.parse import Fault, Progress, Record, records
from recapito_auth.registry_import.rules import Row, check
from recapito_servicekit.sql import Database

BATCH: Final = 1000


@dataclass(slots=True)
class Result:
    """What the import found and did."""

    bad: list[tuple[Record, Fault]] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)  # those worth a line: changed, or in conflict
    added: int = 0
    unchanged: int = 0


def find_bad(file: Path, progress: Progress) -> list[tuple[Record, Fault]]:
    """Every record that can't be taken. Raises parse.Unreadable, OSError."""
    return [(record, found) for record, found in _checked(file, progress) if isinstance(found, Fault)]


def write(database: Database, file: Path, as_of: datetime, now: datetime, progress: Progress, *, dry_run: bool) -> Result:
    """Writes every record that can be taken. ``dry_run``: only says what it would do."""
    result = Result()
    rows = (found for _, found in _checked(file, progress) if not isinstance(found, Fault))
    for batch in iter(lambda: list(itertools.islice(rows, BATCH)), []):
        for applied in apply_batch(database, batch, as_of, now, dry_run=dry_run):
            if applied.outcome is Outcome.ADDED:
                result.added += 1
            elif applied.outcome is Outcome.UNCHANGED and not applied.conflicts:
                result.unchanged += 1
            else:
                result.applied.append(applied)
    return result


def _checked(file: Path, progress: Progress) -> Iterator[tuple[Record, Row | Fault]]:
    # the ids seen lie in a database of SQLite's that has no file of its own and spills to disk: a million take no memory
    seen = sqlite3.connect("", isolation_level=None)
    try:
        seen.execute("CREATE TABLE seen (customer_id TEXT PRIMARY KEY) WITHOUT ROWID")
        seen.execute("BEGIN")
        for record in records(file, progress):
            found = check(record)
            if not isinstance(found, Fault):
                first = seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (found["customer_id"],)).rowcount
                found = found if first else Fault("customer_id", "duplicate")
            yield record, found
    finally:
        seen.close()
