"""Checks user name and password, and says what comes next."""

from dataclasses import dataclass
from datetime import timedelta

from recapito_auth.domain.customers import Account, Customer, sign_in_reasons
from recapito_auth.domain.underway import SignInUnderWay
from recapito_auth.flows.parts import Parts, codes_disabled, demand_open_codes, sign_in_failed
from recapito_auth.senders.codes import Challenge, Issue
from recapito_auth.store import accounts, customers
from recapito_auth.store.sessions import Kind, Session
from recapito_servicekit import contacts
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.ids import new_token


@dataclass(frozen=True, slots=True)
class CodeRequired:
    """A code went to the mobile on file."""

    sign_in_id: str
    challenge: Challenge
    reasons: list[str]
    contact_change_token: str


@dataclass(frozen=True, slots=True)
class MobileMissing:
    """There is no mobile that a code could go to. ``masked_email`` is empty where there is no email either."""

    sign_in_id: str
    masked_email: str


def sign_in(parts: Parts, username: str, password: str, client: ClientInfo) -> CodeRequired | MobileMissing:
    """Takes the same time for an unknown user name as for a wrong password, and gives the same answer.

    Raises UNAUTHENTICATED SIGN_IN_FAILED; RESOURCE_EXHAUSTED with RetryInfo: too many attempts, sends or wrong codes.
    """
    canonical = _canonical(username)
    now = parts.clock()
    parts.limits.by_address("sign_in", client.ip, parts.settings.sign_ins_per_address, now)
    parts.limits.by_name("sign_in", canonical, parts.settings.sign_ins_per_username, now)
    with parts.database.read() as connection:
        account = accounts.by_username(connection, canonical)
    right = parts.hasher.fits(account.password_hash if account else None, password)
    if account is None or not right:
        raise sign_in_failed()
    _renew_hash(parts, account, password)
    customer = _with_present_epoch(parts, account.customer_id)
    if not customer.mobile or codes_disabled(parts, account):
        sign_in_id = _start(parts, customer, "", mobile_missing=True)
        return MobileMissing(sign_in_id, contacts.mask(customer.email) if customer.email else "")
    demand_open_codes(account, now)
    challenge = parts.codes.issue(Issue(customer.customer_id, "sign_in", customer.mobile, customer.language or "it", client))
    return CodeRequired(
        sign_in_id=_start(parts, customer, challenge.challenge_id, mobile_missing=False),
        challenge=challenge,
        reasons=sign_in_reasons(account, customer),
        contact_change_token=open_contact_change(parts, customer, ("pwd",)),
    )


def open_contact_change(parts: Parts, customer: Customer, amr: tuple[str, ...]) -> str:
    """A token that opens a contact change and nothing else; ``amr`` says how it was obtained."""
    now = parts.clock()
    life = timedelta(minutes=parts.settings.contact_change_minutes)
    return parts.sessions.open(
        Session(
            kind=Kind.CONTACT_CHANGE,
            customer_id=customer.customer_id,
            epoch=customer.epoch,
            acr="",
            amr=amr,
            auth_time=now,
            expires_at=now + life,
            idle=life,
            contact_changed_at=customer.contact_changed_at,
            claims_held_until=customer.claims_held_until,
        ),
        now,
    )


def _canonical(username: str) -> str:
    try:
        return contacts.contact(username)
    except contacts.BadContact:
        return username.strip().casefold()


def _renew_hash(parts: Parts, account: Account, password: str) -> None:
    if parts.hasher.outgrown(account.password_hash):
        renewed = parts.hasher.hash(password)
        with parts.database.transaction() as connection:
            accounts.rehash(connection, account, renewed)


def _with_present_epoch(parts: Parts, customer_id: str) -> Customer:
    """The customer. A change of mobile that crashed between Redis and SQL left the least epoch above SQL's: SQL follows."""
    least = parts.sessions.least_epoch(customer_id)
    with parts.database.read() as connection:
        customer = customers.by_id(connection, customer_id)
    if customer is not None and customer.epoch < least:
        with parts.database.transaction() as connection:
            customers.raise_epoch(connection, customer_id, least)
            customer = customers.by_id(connection, customer_id)
    if customer is None:
        raise sign_in_failed()
    return customer


def _start(parts: Parts, customer: Customer, challenge_id: str, *, mobile_missing: bool) -> str:
    sign_in_id = new_token()
    state = SignInUnderWay(customer.customer_id, customer.epoch, mobile_missing, challenge_id)
    parts.underway.start(sign_in_id, state, parts.settings.flow_life)
    return sign_in_id
