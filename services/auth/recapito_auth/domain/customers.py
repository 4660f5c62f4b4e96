"""Customers, their accounts, operators: what flows know of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PersonType(StrEnum):
    """The kind of person in law."""

    PERSON = "PERSON"
    COMPANY = "COMPANY"


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the company knows them. Contacts are canonical; an empty one is none."""

    customer_id: str
    person_type: PersonType
    given_name: str
    family_name: str
    given_folded: str
    family_folded: str
    codice_fiscale: str
    email: str
    mobile: str
    language: str
    policy_numbers: tuple[str, ...]
    version: int
    epoch: int  # rises with every contact change: what carries a lower one is dead
    contact_changed_at: datetime | None
    claims_held_until: datetime | None
    registered: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account. ``username`` is a canonical contact."""

    account_id: str
    customer_id: str
    username: str
    password_hash: str
    created_at: datetime
    first_signed_in_at: datetime | None
    last_signed_in_at: datetime | None
    wrong_codes: int
    codes_locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Operator:
    """One of the company's operators. ``customer_id``: who they are as a customer; empty: not known."""

    operator_id: str
    name: str
    role: str
    password_hash: str
    totp_sealed: bytes
    customer_id: str


def sign_in_reasons(account: Account, customer: Customer) -> list[str]:
    """Why a code is asked for at sign-in (policy: a code is asked for at sign-in). No device is trusted yet, so one always is."""
    reasons = ["FIRST_SIGN_IN"] if account.first_signed_in_at is None else []
    since = account.last_signed_in_at or account.created_at
    if customer.contact_changed_at is not None and customer.contact_changed_at >= since:
        reasons.append("CONTACT_CHANGED")
    return reasons or ["UNKNOWN_DEVICE"]
