"""What the contact-change service is told."""

import re
from dataclasses import dataclass
from datetime import timedelta

from recapito_contact_change.domain import Policy
from recapito_documents import stores
from recapito_documents.limits import Limits
from recapito_documents.reading import can_read
from recapito_servicekit.mail import MailSettings
from recapito_servicekit.queues import check_url
from recapito_servicekit.settings import (
    PRODUCTION,
    DocumentSettings,
    ServerSettings,
    SqlSettings,
    WorkSettings,
    between,
    setting,
)


@dataclass(frozen=True, kw_only=True)
class ContactChangeSettings(ServerSettings, WorkSettings, SqlSettings, DocumentSettings, MailSettings):
    """The settings of ``serve``, ``work`` and ``migrate`` alike."""

    broker_url: str = setting(
        "BROKER_URL", "the broker: redis://… or amqp://…; rediss:// or amqps:// with TLS", secret=True, check=check_url
    )
    publish_at_once: bool = setting(
        "PUBLISH_AT_ONCE",
        "whether serve hands its events to the broker right after the commit; else the relay of work finds them a moment later",
        default=True,
    )
    intake_threads: int = setting(
        "INTAKE_THREADS", "requests that work takes in at the same time", default=4, check=between(1, 16)
    )
    mailer_threads: int = setting("MAILER_THREADS", "notices that work sends at the same time", default=4, check=between(1, 16))
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
    review_target_hours: int = setting(
        "REVIEW_TARGET_HOURS",
        "hours to a decision, beyond which a case is late",
        default=24,
        check=between(1, 72),
    )
    first_look_hours: int = setting(
        "FIRST_LOOK_HOURS", "hours within which somebody is to look at a case", default=4, check=between(1, 24)
    )
    lease_minutes: int = setting(
        "LEASE_MINUTES", "minutes for which an operator holds a case that they took", default=15, check=between(5, 60)
    )
    new_mobiles_a_day: int = setting(
        "NEW_MOBILES_A_DAY", "different new mobiles that a customer may ask for in a day", default=5, check=between(1, 10)
    )
    repudiation_hours: int = setting(
        "REPUDIATION_HOURS", "hours that a notice's \"this wasn't me\" link lives", default=72, check=between(24, 72)
    )
    answer_days: int = setting(
        "ANSWER_DAYS",
        "days that a customer has for an operator's question; then the change expires",
        default=30,
        check=between(1, 30),
    )
    documents_a_request: int = setting(
        "DOCUMENTS_A_REQUEST", "documents of a request, or of an answer", default=4, check=between(2, 8)
    )
    documents_a_day: int = setting(
        "DOCUMENTS_A_DAY", "documents that a customer may send in a day", default=10, check=between(4, 50)
    )
    document_mib: int = setting("DOCUMENT_MIB", "the largest document, MiB", default=8, check=between(1, 16))
    document_megapixels: int = setting("DOCUMENT_MEGAPIXELS", "the largest picture, megapixels", default=40, check=between(5, 60))
    document_pages: int = setting("DOCUMENT_PAGES", "the longest PDF, pages", default=10, check=between(2, 20))
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

    @property
    def policy(self) -> Policy:
        """The review's numbers."""
        return Policy(
            review_target=timedelta(hours=self.review_target_hours),
            first_look=timedelta(hours=self.first_look_hours),
            lease=timedelta(minutes=self.lease_minutes),
            repudiate_within=timedelta(hours=self.repudiation_hours),
            answer_within=timedelta(days=self.answer_days),
            documents_a_request=self.documents_a_request,
            documents_a_day=self.documents_a_day,
            new_mobiles_a_day=self.new_mobiles_a_day,
        )

    @property
    def limits(self) -> Limits:
        """How much a document may be."""
        return Limits(
            max_bytes=self.document_mib * 1024 * 1024,
            max_pixels=self.document_megapixels * 1_000_000,
            max_pages=self.document_pages,
        )

    def __post_init__(self) -> None:
        """Raises ValueError: an address, the document keys or their store can't be taken."""
        if self.portal_url and not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?", self.portal_url):
            raise ValueError("RECAPITO_PORTAL_URL: https://host or https://host:port")
        if self.environment == PRODUCTION and re.match(r"http://(?!localhost(:|$))", self.portal_url):
            raise ValueError("RECAPITO_PORTAL_URL: production needs https; http is for localhost alone")
        if self.console_url and not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?", self.console_url):
            raise ValueError("RECAPITO_CONSOLE_URL: https://host or https://host:port")
        if self.read_zones and not can_read():
            raise ValueError("RECAPITO_READ_ZONES: install recapito-documents[ocr] for it")
        stores.check(self)
