"""What ``recapito-auth doctor`` looks at."""

from pathlib import Path

from recapito_auth.settings import AuthSettings
from recapito_servicekit.clock import system_clock
from recapito_servicekit.doctor import Check, peers
from recapito_servicekit.doctor.certificates import certificate
from recapito_servicekit.doctor.redis import store
from recapito_servicekit.doctor.sql import database
from recapito_servicekit.settings import load


def checks() -> list[tuple[str, Check]]:
    """The checks by what they look at. Raises BadSettings."""
    found = load(AuthSettings, "auth")
    return [
        ("certificate", lambda: certificate(found, "auth", system_clock())),
        ("callers", lambda: peers.callers(found)),
        ("database", lambda: database(found.database_url, Path(__file__).parent, "auth", system_clock)),
        ("redis", lambda: store(found.redis_url, system_clock)),
        ("services", lambda: peers.services(found, {"otp": found.otp_address})),
    ]
