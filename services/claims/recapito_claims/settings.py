"""What the claims service is told."""

from dataclasses import dataclass

from recapito_documents import stores
from recapito_servicekit.mail import MailSettings
from recapito_servicekit.settings import DocumentSettings, ServerSettings, SqlSettings, WorkSettings, between, setting


@dataclass(frozen=True, kw_only=True)
class ClaimsSettings(ServerSettings, WorkSettings, SqlSettings, DocumentSettings, MailSettings):
    """The settings of ``serve``, ``work`` and ``migrate`` alike."""

    document_keys: str = setting(
        "DOCUMENT_KEYS", "the documents' key-encryption keys, lines id:base64, newest first", secret=True
    )
    auth_address: str = setting("AUTH_ADDRESS", "the auth service, host:port")
    otp_address: str = setting("OTP_ADDRESS", "the otp service, host:port")
    question_days: int = setting(
        "QUESTION_DAYS",
        "days that a customer has for an answer where the question says no other",
        default=30,
        check=between(1, 366),
    )
    attachments_a_day: int = setting(
        "ATTACHMENTS_A_DAY",
        "attachments that a customer may send in a day, over all claims",
        default=300,
        check=between(20, 2_000),
    )
    drafts_a_day: int = setting("DRAFTS_A_DAY", "drafts that a customer may open in a day", default=500, check=between(3, 2_000))
    portal_url: str = setting(
        "PORTAL_URL",
        "the portal's address for links of notices, no slash at the end; empty: notices have no links",
        default="",
    )
    help_contact: str = setting("HELP_CONTACT", "where customers find help", default="assistenza@recapito.example")

    def __post_init__(self) -> None:
        stores.check(self)
