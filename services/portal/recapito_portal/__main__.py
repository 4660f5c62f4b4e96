"""``recapito-portal serve``."""

import argparse

from recapito_portal import doctor
from recapito_portal.settings import PortalSettings
from recapito_servicekit import cli, logs, settings, web


def main(argv: list[str] | None = None) -> None:
    """Runs a command; see ``--help``."""
    top, commands = cli.parser("portal", "The customers' web area.")
    cli.add(commands, "serve", "serves the pages until SIGTERM", _serve)
    cli.add_doctor(commands, doctor.checks)
    cli.main(top, argv)


def _serve(_arguments: argparse.Namespace) -> None:
    told = settings.load(PortalSettings, "portal")
    logs.configure(told, "portal")
    web.serve("recapito_portal.app:create", told)


if __name__ == "__main__":
    main()
