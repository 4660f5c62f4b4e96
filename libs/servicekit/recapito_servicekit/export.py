"""All that a service keeps of a customer, into an archive that every service adds its part to (GDPR 15, 20)."""

import argparse
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from recapito_servicekit import cli

SECRET: Final = ("digest", "hash", "wrapped_key", "token", "sealed")
"""Parts of the names of columns that are left out: what they hold says nothing of a person and opens something."""

Files = Iterable[tuple[str, bytes]]


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", files: Callable[[str], Files]) -> None:
    """Adds ``export-customer``. ``files``: of a customer's id, each with its name in the archive."""

    def run(arguments: argparse.Namespace) -> int:
        piped = arguments.archive == "-"
        archive: Any = io.BytesIO(sys.stdin.buffer.read()) if piped else arguments.archive
        if not _add(archive, files(arguments.customer_id)):
            sys.stderr.write(f"{arguments.archive} holds one of these already: every export gets a file of its own\n")
            return 1
        if piped:
            sys.stdout.buffer.write(archive.getvalue())
        return 0

    command = cli.add(commands, "export-customer", "adds all that the service keeps of a customer to an archive (ZIP)", run)
    command.add_argument("customer_id", metavar="CUSTOMER_ID")
    told = "is made, or added to: each service puts its own part in; - reads what there is from stdin and writes to stdout"
    command.add_argument("archive", metavar="FILE", help=told)


def _add(archive: Any, files: Files) -> bool:
    """False: the archive holds a file of that name already."""
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as open_archive:
        present = set(open_archive.namelist())
        for name, content in files:
            if name in present:
                return False
            open_archive.writestr(name, content)
            sys.stderr.write(f"{name}\n")
    return True


def rows(connection: sa.Connection, wanted: Mapping[sa.Table, sa.ColumnElement[bool]], without: tuple[str, ...] = ()) -> bytes:
    """Rows as JSON, by table, without columns that hold secrets. ``without``: parts of further columns' names that stay out."""
    found = {
        table.name: [
            dict(_shown(row._asdict(), (*SECRET, *without))) for row in connection.execute(sa.select(table).where(where))
        ]
        for table, where in wanted.items()
    }
    return json.dumps(found, ensure_ascii=False, indent=1, default=_said).encode()


def _shown(row: Mapping[str, Any], without: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in row.items() if not any(part in name for part in without) or name == "sha256")


def _said(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return None
    return str(value)
