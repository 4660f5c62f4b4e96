"""``recapito-portal serve``."""

import argparse
from typing import TYPE_CHECKING

from recapito_portal.settings import PortalSettings
from recapito_servicekit import cli, logs, settings, web_serving

if TYPE_CHECKING:
    from recapito_servicekit.doctor import Check


def main(argv: list[str] | None = None) -> None:
    """Runs a command; see ``--help``."""
    top, commands = cli.parser("portal", "The customers' web area.")
    cli.add(commands, "serve", "serves the pages until SIGTERM", _serve)
    cli.add_doctor(commands, _checks)
    cli.main(top, argv)


def _serve(_arguments: argparse.Namespace) -> None:
    told = settings.load(PortalSettings, "portal")
    logs.configure(told, "portal")
    web_serving.serve("recapito_portal.app:create", told)


def _checks() -> "list[tuple[str, Check]]":
    from recapito_portal import doctor  # noqa: PLC0415  # the process over the worker calls nobody

    return doctor.checks()


if __name__ == "__main__":
    main()
