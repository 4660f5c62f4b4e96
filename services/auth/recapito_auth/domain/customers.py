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
    frozen_at: datetime | None = None  # somebody said "this wasn't me": no claims, no changes from inside
    recovered_at: datetime | None = None  # when the account's password was last recovered
    password_changed_at: datetime | None = None  # when it was last changed from inside


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
    failed_passwords: int = 0  # since the last right code
    last_code_at: datetime | None = None
    password_changed_at: datetime | None = None
    recovered_at: datetime | None = None
    contact_change_only: bool = False  # recovered with one contact: opens a contact change until one was approved


@dataclass(frozen=True, slots=True)
class Operator:
    """One of the company's operators. ``customer_id``: who they are as a customer; empty: not known."""

    operator_id: str
    name: str
    role: str
    password_hash: str
    totp_sealed: bytes
    customer_id: str
    epoch: int = 1  # rises with a new password or app, and when they are disabled: sessions that carry a lower one are dead
    disabled_at: datetime | None = None
    password_change_required: bool = False  # the password was made for them: it opens nothing but its own change
