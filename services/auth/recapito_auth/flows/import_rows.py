"""Imports customers that another service sends, by the rules of the command."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from recapito_auth.flows.parts import Parts
from recapito_auth.registry_import import run
from recapito_auth.registry_import.parse import Fault, Record
from recapito_auth.registry_import.rules import check
from recapito_auth.registry_import.spool import Spool
from recapito_servicekit.calls import current_call


@dataclass(frozen=True, slots=True)
class Head:
    """What the import is like; see ``import-customers``."""

    as_of: datetime
    dry_run: bool
    skip_bad: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows. ``result`` None: a bad one stopped the import."""

    bad: list[tuple[int, Fault]] = field(default_factory=list)
    result: run.Result | None = None


def import_rows(parts: Parts, head: Head, rows: Iterable[dict[str, str]]) -> Imported:
    """Checks every row, then writes them; ``rows`` are counted from 1. Raises DEADLINE_EXCEEDED before anything was written."""
    bad: list[tuple[int, Fault]] = []
    spool = Spool()
    try:
        for number, row in enumerate(rows, 1):
            found = check(Record(number, number, row))
            if isinstance(found, Fault):
                bad.append((number, found))
            elif not spool.add(found):
                bad.append((number, Fault("customer_id", "duplicate")))
        if bad and not head.skip_bad:
            return Imported(bad)
        current_call().demand_time()
        return Imported(bad, run.write(parts.database, spool, head.as_of, parts.clock(), _nobody, dry_run=head.dry_run))
    finally:
        spool.close()


def _nobody(_: int) -> None:
    """Nobody looks at the progress."""
