"""What the portal is told."""

from dataclasses import dataclass

from recapito_servicekit.settings import setting
from recapito_servicekit.web_serving import WebSettings


@dataclass(frozen=True, kw_only=True)
class PortalSettings(WebSettings):
    """The settings of a front end, and the claims service besides."""

    claims_address: str = setting("CLAIMS_ADDRESS", "the claims service, host:port")
