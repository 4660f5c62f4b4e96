"""What the portal is told."""

from dataclasses import dataclass

from recapito_servicekit.settings import between, setting
from recapito_servicekit.web_serving import WebSettings


@dataclass(frozen=True, kw_only=True)
class PortalSettings(WebSettings):
    """The settings of a front end, the claims service besides, and the figures of other services that its texts name."""

    claims_address: str = setting("CLAIMS_ADDRESS", "the claims service, host:port")
    otp_length: int = setting("OTP_LENGTH", "digits of a code, as otp has it", default=6, check=between(6, 10))
    trusted_device_days: int = setting(
        "TRUSTED_DEVICE_DAYS", "how long a device is trusted, as auth has it", default=30, check=between(1, 30)
    )
    document_mib: int = setting(
        "DOCUMENT_MIB", "the largest identity document, MiB, as contact-change has it", default=8, check=between(1, 16)
    )
    document_days: int = setting(
        "DOCUMENT_DAYS", "days that identity documents are kept, as contact-change has it", default=30, check=between(1, 30)
    )
    repudiation_hours: int = setting(
        "REPUDIATION_HOURS", "hours that a notice's link lives, as contact-change has it", default=72, check=between(24, 72)
    )
