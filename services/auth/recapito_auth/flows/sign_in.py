"""Checks user name and password, and says what comes next: a session for a trusted device, or a code."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from recapito_auth.domain import sign_in_policy
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Account, Customer
from recapito_auth.domain.devices import Device, label_of, network_of
from recapito_auth.domain.underway import SignInUnderWay
from recapito_auth.flows.open_session import Opened, open_contact_change, open_session
from recapito_auth.flows.parts import Parts, codes_disabled, demand_open_codes, note, sign_in_failed
from recapito_auth.senders.codes import Challenge, Issue
from recapito_auth.store import accounts, audit, customers, devices
from recapito_servicekit import contacts
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Refusal, Violation, invalid
from recapito_servicekit.ids import new_token, token_digest
from recapito_servicekit.persons import AAL1, AAL2


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to sign in. ``acr``: empty, none is demanded; ``max_age`` None: any age of the last code will do."""

    username: str
    password: str
    device_token: str
    acr: str
    max_age: timedelta | None


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


@dataclass(frozen=True, slots=True)
class ContactChangeOnly:
    """The password was recovered with one contact: it opens a contact change, and nothing else until one was approved."""

    contact_change_token: str
    has_mobile: bool


Next = Opened | CodeRequired | MobileMissing | ContactChangeOnly
"""What comes after the right password."""


def sign_in(parts: Parts, asked: Asked, client: ClientInfo) -> Next:
    """Does the same work and gives the same answer for an unknown user name, a wrong password and a locked user name.

    A trusted device has a budget of its own: who guesses at the user name, or fills up the address, doesn't lock its owner out.
    Raises UNAUTHENTICATED SIGN_IN_FAILED; INVALID_ARGUMENT on ``acr`` or ``max_age``; RESOURCE_EXHAUSTED with RetryInfo: too many
    attempts from the address, too many sends or wrong codes.
    """
    _demand_valid(asked)
    username = canonical(asked.username)
    now = parts.clock()
    with parts.database.read() as connection:
        account = accounts.by_username(connection, username)
        device = devices.by_token(connection, token_digest(asked.device_token)) if asked.device_token else None
    device = device if account is not None and device is not None and device.customer_id == account.customer_id else None
    room = _take_room(parts, username, device, client, now)
    right = parts.hasher.fits(account.password_hash if account is not None and room else None, asked.password)
    if account is None or not right:
        _count_failure(parts, account, username, client, now, locked=not room)
        raise sign_in_failed()
    _renew_hash(parts, account, asked.password)
    customer = _with_present_epoch(parts, account.customer_id)
    if (customer.password_changed_at, customer.recovered_at) != (account.password_changed_at, account.recovered_at):
        raise sign_in_failed()  # another password since it was compared, and what the new epoch opens isn't the old one's
    if account.contact_change_only:
        note(parts, _held(customer, client, "CONTACT_CHANGE_ONLY"))
        return ContactChangeOnly(open_contact_change(parts, customer, ("pwd",)), bool(customer.mobile))
    reasons = _reasons(parts, account, customer, device, asked, client, now)
    if not reasons and device is not None:
        return _open_for_device(parts, account, customer, device, client, now)
    return _ask_for_code(parts, account, customer, device, client, reasons)


def canonical(username: str) -> str:
    """A user name as it is kept; what can't be one, casefolded, for counting."""
    try:
        return contacts.contact(username)
    except contacts.BadContact:
        return username.strip().casefold()


def _demand_valid(asked: Asked) -> None:
    faults = []
    if asked.acr not in {"", AAL1, AAL2}:
        faults.append(Violation("acr", "UNKNOWN_VALUE", f"{AAL1}, {AAL2} or empty"))
    if asked.max_age is not None and asked.max_age < timedelta():
        faults.append(Violation("max_age", "OUT_OF_RANGE", "seconds, not below 0"))
    if faults:
        raise invalid(*faults)


def _take_room(parts: Parts, username: str, device: Device | None, client: ClientInfo, now: datetime) -> bool:
    """Counts the attempt. False: the user name, or the device, is locked. Raises RESOURCE_EXHAUSTED: the address is."""
    settings, limits = parts.settings, parts.limits
    if device is not None and device.expires_at > now:
        return limits.wait_by_name("sign_in_device", device.device_id, settings.sign_ins_per_device, now) is None
    limits.by_address("sign_in", client.ip, settings.sign_ins_per_address, now)
    return limits.wait_by_name("sign_in", username, settings.sign_ins_per_username, now) is None


def _count_failure(
    parts: Parts, account: Account | None, username: str, client: ClientInfo, now: datetime, *, locked: bool
) -> None:
    customer_id = account.customer_id if account is not None else ""
    details = {"username": contacts.mask(username), "ip": client.ip, "locked": locked}
    with parts.database.transaction() as connection:
        accounts.count_failed_password(connection, customer_id)
        audit.append(connection, now, Entry(Event.SIGN_IN_FAILED, customer_id, details=details))


def _reasons(
    parts: Parts, account: Account, customer: Customer, device: Device | None, asked: Asked, client: ClientInfo, now: datetime
) -> list[str]:
    device = device if device is not None and device.epoch == customer.epoch else None
    since = now - parts.settings.trusted_for
    with parts.database.read() as connection:
        known = devices.knows_network(connection, customer.customer_id, network_of(client.ip), since)
    attempt = sign_in_policy.Attempt(now, device, known, asked.max_age, parts.settings.failed_burst, parts.settings.trusted_for)
    return [reason.value for reason in sign_in_policy.reasons(account, customer, attempt)]


def _open_for_device(
    parts: Parts, account: Account, customer: Customer, device: Device, client: ClientInfo, now: datetime
) -> Opened:
    details = {"amr": "pwd device", "device_id": device.device_id, "ip": client.ip}
    with parts.database.transaction() as connection:
        held = customers.lock(connection, customer.customer_id)
        still = (
            held is not None
            and held.epoch == device.epoch
            and devices.used(connection, device.device_id, now)
            and accounts.sign_in_without_code(connection, account, now)
        )
        if still:
            audit.append(connection, now, Entry(Event.SIGNED_IN, customer.customer_id, details=details))
    if not still or held is None:
        raise sign_in_failed()
    # a fresh code is asked for by the age of the last one, and here none was checked now
    return open_session(parts, held, ("pwd", "device"), device.label, auth_time=device.confirmed_at)


def _ask_for_code(
    parts: Parts, account: Account, customer: Customer, device: Device | None, client: ClientInfo, reasons: list[str]
) -> CodeRequired | MobileMissing:
    if not customer.mobile or codes_disabled(parts, account):
        note(parts, _held(customer, client, "NO_MOBILE_ON_FILE" if not customer.mobile else "CODES_DISABLED"))
        sign_in_id = _start(parts, SignInUnderWay(customer.customer_id, customer.epoch, mobile_missing=True, challenge_id=""))
        return MobileMissing(sign_in_id, contacts.mask(customer.email) if customer.email else "")
    try:
        demand_open_codes(account, parts.clock())
        issue = Issue(customer.customer_id, "sign_in", customer.mobile, customer.language or "it", client)
        challenge = parts.codes.issue(issue)
    except Refusal as refusal:
        note(parts, _held(customer, client, refusal.reason))
        raise
    state = SignInUnderWay(
        customer_id=customer.customer_id,
        epoch=customer.epoch,
        mobile_missing=False,
        challenge_id=challenge.challenge_id,
        reasons=tuple(reasons),
        network=network_of(client.ip),
        device_id=device.device_id if device is not None else "",
        label=label_of(client.user_agent),
    )
    note(parts, Entry(Event.SIGN_IN_CODE_ASKED, customer.customer_id, details={"reasons": reasons, "ip": client.ip}))
    return CodeRequired(_start(parts, state), challenge, reasons, open_contact_change(parts, customer, ("pwd",)))


def _held(customer: Customer, client: ClientInfo, why: str) -> Entry:
    return Entry(Event.SIGN_IN_HELD, customer.customer_id, details={"why": why, "ip": client.ip})


def _renew_hash(parts: Parts, account: Account, password: str) -> None:
    if parts.hasher.outgrown(account.password_hash):
        renewed = parts.hasher.hash(password)
        with parts.database.transaction() as connection:
            accounts.rehash(connection, account, renewed)


def _with_present_epoch(parts: Parts, customer_id: str) -> Customer:
    """The customer. A change that crashed between Redis and SQL left the least epoch above SQL's: SQL follows."""
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


def _start(parts: Parts, state: SignInUnderWay) -> str:
    sign_in_id = new_token()
    parts.underway.start(sign_in_id, state, parts.settings.flow_life)
    return sign_in_id
