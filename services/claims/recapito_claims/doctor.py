"""What ``recapito-claims doctor`` looks at."""

from pathlib import Path

from recapito_claims.settings import ClaimsSettings
from recapito_documents import stores
from recapito_documents.scanning import scanner
from recapito_servicekit.clock import system_clock
from recapito_servicekit.doctor import Check, peers
from recapito_servicekit.doctor.certificates import certificate
from recapito_servicekit.doctor.sql import database
from recapito_servicekit.settings import load


def checks() -> list[tuple[str, Check]]:
    """The checks by what they look at. Raises BadSettings."""
    found = load(ClaimsSettings, "claims")
    return [
        ("certificate", lambda: certificate(found, "claims", system_clock())),
        ("callers", lambda: peers.callers(found)),
        ("database", lambda: database(found.database_url, Path(__file__).parent, "claims", system_clock)),
        ("documents", lambda: peers.documents(found, lambda: stores.try_out(found), scanner(found.clamd_address))),
        ("mail relay", lambda: peers.relay(found)),
        ("services", lambda: peers.services(found, {"auth": found.auth_address, "otp": found.otp_address})),
    ]
