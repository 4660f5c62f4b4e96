"""The command: arguments, progress, what it prints."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar

from recapito_auth.registry_import import run
from recapito_auth.registry_import.parse import Fault, Record, Unreadable
from recapito_auth.registry_import.spool import Spool
from recapito_servicekit import cli, settings
from recapito_servicekit.clock import system_clock
from recapito_servicekit.settings import SqlSettings
from recapito_servicekit.sql import Database


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``import-customers``."""
    command = cli.add(commands, "import-customers", "imports the company's customer registry, CSV or JSON Lines", _run)
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
    command.add_argument(
        "--as-of", type=_instant, metavar="TIME", help="when the file was true, ISO 8601; default: the file's time"
    )
    command.add_argument("--report", type=Path, metavar="F", help="write the bad records as JSON {record: {field, kind}}")
    command.add_argument("--skip-bad", action="store_true", help="import the good records although there are bad ones")


def _run(arguments: argparse.Namespace) -> int:
    database = Database(settings.load(SqlSettings, "auth").database_url, 1)
    out, spool = Out(arguments.dry_run), Spool()
    try:
        stat = arguments.file.stat()
        as_of = arguments.as_of or datetime.fromtimestamp(stat.st_mtime, UTC)
        with _bar("checking", stat.st_size, DownloadColumn(), TransferSpeedColumn()) as progress:
            bad = run.read(arguments.file, spool, progress)
        if arguments.report is not None:
            report = {str(record.number): {"field": fault.field, "kind": fault.kind} for record, fault in bad}
            arguments.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        out.bad(bad)
        if bad and not arguments.skip_bad:
            _say(f"{len(bad)} bad records: nothing was imported")
            return 1
        with _bar("writing", len(spool), MofNCompleteColumn(), _Rate()) as progress:
            result = run.write(database, spool, as_of, system_clock(), progress, dry_run=arguments.dry_run)
    except (Unreadable, OSError) as error:
        sys.stderr.write(f"{arguments.file}: {error}\n")
        return 1
    finally:
        spool.close()
        database.close()
    out.result(result, len(bad))
    return 0


class Out:
    """What the command prints: ids and columns, never a value."""

    def __init__(self, dry_run: bool) -> None:
        self._would = "would be " if dry_run else ""

    def bad(self, bad: list[tuple[Record, Fault]]) -> None:
        """A line for each bad record."""
        for record, fault in bad:
            _say(f"! record {record.number} (line {record.line}): {fault.field or 'the whole record'}: {fault.kind}")

    def result(self, result: run.Result, bad: int) -> None:
        """The diff: a line for each customer that changed, then the sums."""
        for applied in result.applied:
            if applied.changed:
                _say(f"~ {applied.customer_id}: {', '.join(applied.changed)}")
            for conflict in applied.conflicts:
                _say(f"? {applied.customer_id}: {conflict}")
        changed = sum(1 for applied in result.applied if applied.changed)
        conflicts = sum(1 for applied in result.applied if applied.conflicts)
        _say(
            f"{result.added} {self._would}added, {changed} {self._would}changed, {result.unchanged} unchanged, "
            f"{conflicts} in conflict, {bad} bad"
        )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> str:
        return f"{task.speed:,.0f} rows/s" if task.speed else ""


@contextmanager
def _bar(what: str, total: int, *figures: ProgressColumn) -> Iterator[Callable[[int], None]]:
    """A progress bar with the rate and the time left, where standard error is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), *figures, TimeRemainingColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.astimezone() if at.tzinfo is None else at
