"""``recapito-console``: the command of the operators' console."""

import argparse

from recapito_console import doctor
from recapito_console.settings import ConsoleSettings
from recapito_servicekit import cli, logs, web
from recapito_servicekit.settings import load


def main(argv: list[str] | None = None) -> None:
    """Runs a command; see ``--help``."""
    top, commands = cli.parser("console", "The operators' web console.")
    cli.add(commands, "serve", "serves the pages until SIGTERM", _serve)
    cli.add_doctor(commands, doctor.checks)
    cli.main(top, argv)


def _serve(arguments: argparse.Namespace) -> None:
    settings = load(ConsoleSettings, "console")
    logs.configure(settings, "console")
    web.serve("recapito_console.app:create", settings)


if __name__ == "__main__":
    main()
