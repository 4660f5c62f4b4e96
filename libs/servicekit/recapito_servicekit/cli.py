"""The commands that every service has: ``serve``, ``migrate``, ``work``, ``doctor``."""

import argparse
import sys
from collections.abc import Callable, Iterable

from recapito_servicekit import doctor
from recapito_servicekit.settings import BadSettings


def parser(
    service: str, description: str
) -> "tuple[argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]]":
    """The parser of ``recapito-<service>`` and the place to add commands to."""
    top = argparse.ArgumentParser(prog=f"recapito-{service}", description=description)
    return top, top.add_subparsers(dest="command", required=True, metavar="COMMAND")


def add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    help: str,
    run: Callable[[argparse.Namespace], int | None],
) -> argparse.ArgumentParser:
    """Adds a command. ``run`` gives the exit code; None is 0."""
    command = commands.add_parser(name, help=help, description=help)
    command.set_defaults(run=run)
    return command


def add_work(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    roles: Iterable[str],
    run: Callable[[argparse.Namespace], int | None],
) -> None:
    """Adds ``work [--only ROLE …]``."""
    command = add(commands, "work", "runs the background jobs in one process", run)
    command.add_argument("--only", action="append", default=[], choices=sorted(roles), help="run this job alone; may be repeated")


def add_doctor(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", checks: Callable[[], Iterable[tuple[str, doctor.Check]]]
) -> None:
    """Adds ``doctor``, which makes the checks that ``checks`` lists."""
    add(commands, "doctor", "says in plain words what is wrong with the setup", lambda _: doctor.examine(checks))


def main(top: argparse.ArgumentParser, argv: list[str] | None) -> None:
    """Parses and runs. Wrong settings: a message that names them all, exit 2."""
    arguments = top.parse_args(argv)
    try:
        sys.exit(arguments.run(arguments) or 0)
    except BadSettings as error:
        print(error, file=sys.stderr)
        sys.exit(2)
