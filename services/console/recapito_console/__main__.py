"""``recapito-console``: the command of the operators' console."""

import argparse
from typing import TYPE_CHECKING

from recapito_console.settings import ConsoleSettings
from recapito_servicekit import cli, logs, web_serving
from recapito_servicekit.settings import load

if TYPE_CHECKING:
    from recapito_servicekit.doctor import Check


def main(argv: list[str] | None = None) -> None:
    """Runs a command; see ``--help``."""
    top, commands = cli.parser("console", "The operators' web console.")
    cli.add(commands, "serve", "serves the pages until SIGTERM", _serve)
    cli.add_doctor(commands, _checks)
    cli.main(top, argv)


def _serve(arguments: argparse.Namespace) -> None:
    settings = load(ConsoleSettings, "console")
    logs.configure(settings, "console")
    web_serving.serve("recapito_console.app:create", settings)


def _checks() -> "list[tuple[str, Check]]":
    from recapito_console import doctor  # noqa: PLC0415  # the process over the worker calls nobody

    return doctor.checks()


if __name__ == "__main__":
    main()
