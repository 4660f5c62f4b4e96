"""What ``recapito-console doctor`` looks at."""

from recapito_console.settings import ConsoleSettings
from recapito_servicekit.clock import system_clock
from recapito_servicekit.doctor import Check, peers
from recapito_servicekit.doctor.certificates import certificate
from recapito_servicekit.settings import load


def checks() -> list[tuple[str, Check]]:
    """The checks by what they look at. Raises BadSettings."""
    found = load(ConsoleSettings, "console")
    addresses = {"auth": found.auth_address, "contact-change": found.contact_change_address}
    return [
        ("certificate", lambda: certificate(found, "console", system_clock())),
        ("services", lambda: peers.services(found, addresses)),
    ]
