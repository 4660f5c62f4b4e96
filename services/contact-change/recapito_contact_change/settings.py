"""What the contact-change service is told."""

import re
from dataclasses import dataclass
from pathlib import Path

from recapito_documents.keys import KeyRing
from recapito_documents.reading import can_read
from recapito_servicekit.mail import MailSettings
from recapito_servicekit.settings import PRODUCTION, ServerSettings, SqlSettings, WorkSettings, between, setting


@dataclass(frozen=True, kw_only=True)
class ContactChangeSettings(ServerSettings, WorkSettings, SqlSettings, MailSettings):
    """The settings of ``serve``, ``work`` and ``migrate`` alike."""

    broker_url: str = setting("BROKER_URL", "the broker: redis://… or amqp://…", secret=True)
    publish_at_once: bool = setting(
        "PUBLISH_AT_ONCE",
        "whether serve hands its events to the broker right after the commit; else the relay of work finds them a moment later",
        default=True,
    )
    blob_dir: Path = setting("BLOB_DIR", "the folder that keeps the encrypted documents")
    document_keys: str = setting(
        "DOCUMENT_KEYS", "keys that wrap the documents' own: lines id:base64, the current first", secret=True
    )
    auth_address: str = setting("AUTH_ADDRESS", "host:port of the auth service")
    otp_address: str = setting("OTP_ADDRESS", "host:port of the otp service")
    confirm_new_mobile: bool = setting(
        "CONFIRM_NEW_MOBILE", "whether a request needs a code confirmed at the new mobile", default=True
    )
    second_review_percent: float = setting(
        "SECOND_REVIEW_PERCENT",
        "of cases without a risk, how many in a hundred go to a second operator by lot",
        default=5.0,
        check=between(0, 100),
    )
    document_days: int = setting(
        "DOCUMENT_DAYS", "days that identity documents are kept after the decision", default=30, check=between(1, 30)
    )
    portal_url: str = setting(
        "PORTAL_URL",
        "the portal's address for links of notices, no slash at the end; empty: notices have no links",
        default="",
    )
    read_zones: bool = setting(
        "READ_ZONES",
        "whether a machine reads documents' machine-readable zones, as a hint; needs recapito-documents[ocr] and a core at times",
        default=False,
    )
    team_email: str = setting("TEAM_EMAIL", "who is told by mail that cases wait; empty: nobody", default="")
    team_email_minutes: int = setting(
        "TEAM_EMAIL_MINUTES", "at least that many minutes between two such mails", default=60, check=between(5, 1440)
    )
    console_url: str = setting(
        "CONSOLE_URL", "the console's address for the link in that mail, no slash at the end; empty: no link", default=""
    )
    help_contact: str = setting("HELP_CONTACT", "where customers find help", default="assistenza@recapito.example")

    def __post_init__(self) -> None:
        """Raises ValueError: the document keys or the portal's address can't be taken."""
        if self.portal_url and not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?", self.portal_url):
            raise ValueError("RECAPITO_PORTAL_URL: https://host or https://host:port")
        if self.environment == PRODUCTION and re.match(r"http://(?!localhost(:|$))", self.portal_url):
            raise ValueError("RECAPITO_PORTAL_URL: production needs https; http is for localhost alone")
        if self.console_url and not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?", self.console_url):
            raise ValueError("RECAPITO_CONSOLE_URL: https://host or https://host:port")
        if self.read_zones and not can_read():
            raise ValueError("RECAPITO_READ_ZONES: install recapito-documents[ocr] for it")
        KeyRing.parse(self.document_keys)
