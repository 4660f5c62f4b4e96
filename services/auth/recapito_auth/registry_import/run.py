"""The import: a pass that checks every record, then one that writes, batch by batch. Running it again changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from recapito_auth.registry_import.apply import Applied, Outcome, apply_batch
from recapito_auth.registry_import.parse import Fault, Progress, Record, records
from recapito_auth.registry_import.rules import check
from recapito_auth.registry_import.spool import Spool
from recapito_servicekit.sql import Database

BATCH: Final = 1000


@dataclass(slots=True)
class Result:
    """What the import found and did."""

    applied: list[Applied] = field(default_factory=list)  # those worth a line: changed, or in conflict
    added: int = 0
    unchanged: int = 0


def read(file: Path, spool: Spool, progress: Progress) -> list[tuple[Record, Fault]]:
    """Puts every record that can be taken into the spool; gives the others. Raises parse.Unreadable, OSError."""
    bad: list[tuple[Record, Fault]] = []
    for record in records(file, progress):
        found = check(record)
        if isinstance(found, Fault):
            bad.append((record, found))
        elif not spool.add(found):
            bad.append((record, Fault("customer_id", "duplicate")))
    return bad


def write(
    database: Database, spool: Spool, as_of: datetime, now: datetime, progress: Callable[[int], None], *, dry_run: bool
) -> Result:
    """Writes what the spool holds. ``progress`` is told how many rows are done. ``dry_run``: only says what it would do."""
    result, done = Result(), 0
    for batch in spool.batches(BATCH):
        for applied in apply_batch(database, batch, as_of, now, dry_run=dry_run):
            if applied.outcome is Outcome.ADDED:
                result.added += 1
            elif applied.outcome is Outcome.UNCHANGED and not applied.conflicts:
                result.unchanged += 1
            else:
                result.applied.append(applied)
        done += len(batch)
        progress(done)
    return result
