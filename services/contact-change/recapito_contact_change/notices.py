"""Who is told what about a change. The form's email replaces nothing on file, so it is told the outcome and not a word more."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from recapito_contact_change.domain import Change, Customer
from recapito_servicekit import contacts

REQUESTED: Final = "change_requested"
APPROVED: Final = "change_approved"
REJECTED: Final = "change_rejected"
QUESTION: Final = "change_question"
CANCELLED: Final = "change_cancelled"
EXPIRED: Final = "change_expired"
REVERTED: Final = "change_reverted"
RESTORED: Final = "change_restored"
WITH_LINK: Final = frozenset({REQUESTED, QUESTION, APPROVED, REJECTED})
"""Notices that carry a "this wasn't me" link."""
OUTCOME_APPROVED: Final = "outcome_approved"
OUTCOME_REJECTED: Final = "outcome_rejected"


class Channel(StrEnum):
    """How a notice goes out."""

    SMS = "SMS"
    EMAIL = "EMAIL"


class NoticeState(StrEnum):
    """How far a notice came. FAILED: refused for good."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to one contact. ``destination`` is E.164 or an address; ``params`` are what its template needs."""

    channel: Channel
    destination: str
    template: str
    params: dict[str, str]
    locale: str


def to_contacts_on_file(template: str, change: Change, customer: Customer, mobile: str) -> list[Notice]:
    """A notice to the email on file and to ``mobile``: the one on file before the change, or empty (NIST SP 800-63B, 4.6)."""
    params = {"masked_mobile": contacts.mask(change.form.new_mobile)}
    by_channel = ((Channel.SMS, mobile), (Channel.EMAIL, customer.email))
    return [Notice(channel, contact, template, params, customer.language) for channel, contact in by_channel if contact]


def to_customer(template: str, customer: Customer) -> list[Notice]:
    """A notice to the customer: to the email on file or, where there is none, to the mobile."""
    channel, contact = (Channel.EMAIL, customer.email) if customer.email else (Channel.SMS, customer.mobile)
    return [Notice(channel, contact, template, {}, customer.language)] if contact else []


def of_outcome(template: str, change: Change, language: str) -> Notice:
    """The outcome to the form's email: no link, no name, no number."""
    return Notice(Channel.EMAIL, change.form.notify_email, template, {}, language)
