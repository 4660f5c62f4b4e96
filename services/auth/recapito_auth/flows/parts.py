"""What flows work with, wired once in ``__main__``, and the few steps that several of them share."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Account, Customer
from recapito_auth.senders.codes import Challenge, Checked, Codes
from recapito_auth.settings import AuthSettings
from recapito_auth.store import accounts, audit, customers
from recapito_auth.store.hashes import Hasher
from recapito_auth.store.limits import Limits
from recapito_auth.store.sessions import Sessions
from recapito_auth.store.underway import UnderWay
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.sql import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """The adapters and the clock."""

    settings: AuthSettings
    database: Database
    sessions: Sessions
    underway: UnderWay
    limits: Limits
    codes: Codes
    hasher: Hasher
    clock: Clock


def note(parts: Parts, *entries: Entry) -> None:
    """Records what changed nothing in SQL; what did is recorded in the transaction that changed it."""
    with parts.database.transaction() as connection:
        audit.append(connection, parts.clock(), *entries)


def send_again(parts: Parts, challenge_id: str, client: ClientInfo, customer_id: str, purpose: str) -> Challenge:
    """Has a new code sent, and records that. Raises NOT_FOUND, and RESOURCE_EXHAUSTED with RetryInfo: too early."""
    challenge = parts.codes.resend(challenge_id, client)
    note(parts, Entry(Event.CODE_SENT_AGAIN, customer_id, details={"purpose": purpose, "ip": client.ip}))
    return challenge


def sign_in_failed() -> Refusal:
    """Wrong, unknown or locked: always the same."""
    return Refusal(Kind.UNAUTHENTICATED, "SIGN_IN_FAILED", "user name and password do not open an account")


def customer_of(parts: Parts, customer_id: str, epoch: int) -> tuple[Customer, Account] | None:
    """The customer and account that something under way belongs to; None: a contact changed since, so it is dead."""
    with parts.database.read() as connection:
        customer = customers.by_id(connection, customer_id)
        account = accounts.by_customer(connection, customer_id)
    return (customer, account) if customer is not None and account is not None and customer.epoch == epoch else None


def demand_open_codes(account: Account, now: datetime) -> None:
    """Raises RESOURCE_EXHAUSTED with RetryInfo while too many wrong codes keep this account's codes locked."""
    wait = accounts.locked_for(account, now)
    if wait is not None:
        raise Refusal(Kind.RESOURCE_EXHAUSTED, "CODES_LOCKED", "too many wrong codes", retry_after=wait)


def codes_disabled(parts: Parts, account: Account) -> bool:
    """Whether so many codes were wrong that the mobile must be bound anew (NIST 3.2.2)."""
    return account.wrong_codes >= parts.settings.wrong_codes_disable


def count_checked(parts: Parts, event: Event, customer_id: str, checked: Checked, now: datetime) -> None:
    """Counts a wrong code against the account, in SQL and before it is answered: a lost Redis doesn't reset it."""
    until = now + timedelta(minutes=parts.settings.codes_lock_minutes)
    with parts.database.transaction() as connection:
        if checked.wrong:
            accounts.count_wrong_code(connection, customer_id, parts.settings.wrong_codes_lock, until)
        audit.append(connection, now, Entry(event, customer_id, details={"outcome": checked.name}))


def take_right_code(connection: sa.Connection, parts: Parts, customer_id: str, epoch: int, *, signed_in: bool) -> Customer | None:
    """Takes a right code and gives the customer, locked; None: a contact changed or codes were locked meanwhile."""
    customer = customers.lock(connection, customer_id)
    if customer is None or customer.epoch != epoch:
        return None
    now, disable = parts.clock(), parts.settings.wrong_codes_disable
    return customer if accounts.accept_code(connection, customer_id, now, disable, signed_in=signed_in) else None
