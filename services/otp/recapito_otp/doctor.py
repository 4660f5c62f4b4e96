"""What ``recapito-otp doctor`` looks at."""

from recapito_otp.settings import OtpSettings
from recapito_servicekit.clock import system_clock
from recapito_servicekit.doctor import Check, peers
from recapito_servicekit.doctor.certificates import certificate
from recapito_servicekit.doctor.redis import store
from recapito_servicekit.settings import load


def checks() -> list[tuple[str, Check]]:
    """The checks by what they look at. Raises BadSettings."""
    found = load(OtpSettings, "otp")
    return [
        ("certificate", lambda: certificate(found, "otp", system_clock())),
        ("callers", lambda: peers.callers(found)),
        ("redis", lambda: store(found.redis_url, system_clock)),
        ("mail relay", lambda: peers.relay(found)),
    ]
