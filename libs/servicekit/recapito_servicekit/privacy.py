"""What every service's privacy RPCs and commands share (GDPR 15, 17, 20): what went, what stays by which rule, pieces."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from recapito_servicekit import cli
from recapito_servicekit.errors import Refusal, Violation, invalid

CHUNK: Final = 256 * 1024
CUSTOMER_ID: Final = 64

EVIDENCE: Final = "GDPR 17(3)(e), c.c. 2946"
"""Why what was decided stays: whoever must answer for it can be sued over it for ten years."""
EVIDENCE_YEARS: Final = 10


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays, the rule that lets it, and until which day; None: its time ends with something else."""

    what: str
    rule: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure came to: what went, in words ("2 trusted devices"), how many things that were, and what stays."""

    gone: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    count: int = 0


def counted(number: int, one: str, many: str) -> tuple[str, ...]:
    """ "2 trusted devices" as the only element; none for 0."""
    return (f"{number} {one if number == 1 else many}",) if number else ()


def customer_id(raw: str) -> str:
    """Whose data, from a request. Raises INVALID_ARGUMENT."""
    if not 1 <= len(raw) <= CUSTOMER_ID:
        raise invalid(Violation("customer_id", "REQUIRED", f"1 to {CUSTOMER_ID} characters"))
    return raw


def pieces(files: Iterable[tuple[str, bytes]], response: Callable[..., Any]) -> Iterator[Any]:
    """Files as the messages of an ExportCustomer: the name, then the bytes, at most 256 KiB each."""
    for name, content in files:
        yield response(name=name)
        for start in range(0, len(content), CHUNK):
            yield response(chunk=content[start : start + CHUNK])


def named(kept: Iterable[Kept], message: Callable[..., Any]) -> list[Any]:
    """What stays, as the messages of an EraseCustomer."""
    return [message(what=one.what, rule=one.rule, until=one.until.isoformat() if one.until else "") for one in kept]


def add_erase(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", erase: Callable[[argparse.Namespace], Erased]
) -> argparse.ArgumentParser:
    """Adds ``erase-customer``. ``erase`` is given ``customer_id`` and ``dry_run``. Exit 1: it was refused, and why."""

    def run(arguments: argparse.Namespace) -> int:
        try:
            done = erase(arguments)
        except Refusal as refused:
            sys.stderr.write(f"refused: {refused.reason}: {refused.message}\n")
            return 1
        goes = "would go" if arguments.dry_run else "erased"
        lines = [f"{goes}: {one}" for one in done.gone] or [f"{goes}: nothing"]
        for one in done.kept:
            until = f", until {one.until}" if one.until else ""
            lines.append(f"stays: {one.what} ({one.rule}{until})")
        sys.stdout.write("\n".join([*lines, ""]))
        return 0

    command = cli.add(commands, "erase-customer", "erases what may be erased of a customer, and names what stays", run)
    command.add_argument("customer_id", metavar="CUSTOMER_ID")
    command.add_argument("--dry-run", action="store_true", help="says what would go and what would stay, and changes nothing")
    return command
