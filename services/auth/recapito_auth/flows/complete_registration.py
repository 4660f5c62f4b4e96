"""Sets the password and opens the account, once."""

from sqlalchemy.exc import IntegrityError

from recapito_auth.domain import passwords
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Account, Customer
from recapito_auth.domain.underway import Registration
from recapito_auth.flows.parts import Parts
from recapito_auth.store import accounts, audit, customers
from recapito_servicekit import contacts
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.ids import new_id, token_digest

_TOLD = {
    passwords.Weakness.TOO_SHORT: "more characters",
    passwords.Weakness.TOO_LONG: f"at most {passwords.MOST} characters",
    passwords.Weakness.TOO_COMMON: "not one of the passwords that everybody tries first",
    passwords.Weakness.CONTAINS_PERSONAL: "nothing of your own name or contact in it",
    passwords.Weakness.CONTAINS_SERVICE: "nothing of this service's or the company's name in it",
}


def complete_registration(parts: Parts, registration_id: str, password: str) -> str:
    """Gives the account's id; a repeat gives the first one.

    Raises INVALID_ARGUMENT on ``password`` with the reason, FAILED_PRECONDITION CONTACT_NOT_VERIFIED: no right code yet, or the
    customer or the user name got an account meanwhile.
    """
    registration = parts.underway.read(Registration, registration_id)
    if registration is None or not registration.verified:
        raise _not_verified()
    with parts.database.read() as connection:
        customer = customers.by_id(connection, registration.customer_id)
    if customer is None or not _still_fits(registration, customer):
        raise _not_verified()
    demand_strong(parts, customer, password)
    account = Account(
        account_id=new_id(),
        customer_id=customer.customer_id,
        username=registration.contact,
        password_hash=parts.hasher.hash(password),
        created_at=parts.clock(),
        first_signed_in_at=None,
        last_signed_in_at=None,
        wrong_codes=0,
        codes_locked_until=None,
    )
    digest = token_digest(registration_id)
    try:
        with parts.database.transaction() as connection:
            held = customers.lock(connection, customer.customer_id)
            if held is None or not _still_fits(registration, held):
                raise _not_verified()
            accounts.add(connection, account, digest)
            details = {"username": contacts.mask(account.username)}
            audit.append(connection, account.created_at, Entry(Event.ACCOUNT_OPENED, customer.customer_id, details=details))
    except IntegrityError:
        return _first_answer(parts, digest, password)
    return account.account_id


def _still_fits(registration: Registration, customer: Customer) -> bool:
    return customer.epoch == registration.epoch and registration.contact in (customer.email, customer.mobile)


def demand_strong(parts: Parts, customer: Customer, password: str, field: str = "password") -> None:
    """Raises INVALID_ARGUMENT on ``field``: the password can't be taken, and why."""
    personal = (customer.given_name, customer.family_name, customer.email, customer.mobile)
    weak = passwords.weakness(password, personal, ("recapito", parts.settings.company), parts.settings.password_least)
    if weak is not None:
        raise refuse_weak(field, weak)


def refuse_weak(field: str, weak: passwords.Weakness) -> Refusal:
    """INVALID_ARGUMENT on ``field``, and why."""
    return invalid(Violation(field, weak.value, _TOLD[weak]))


def _first_answer(parts: Parts, digest: str, password: str) -> str:
    with parts.database.read() as connection:
        account = accounts.by_registration(connection, digest)
    if account is None or not parts.hasher.fits(account.password_hash, password):
        raise _not_verified()
    return account.account_id


def _not_verified() -> Refusal:
    return Refusal(
        Kind.FAILED_PRECONDITION, "CONTACT_NOT_VERIFIED", "this registration has no verified contact to open an account with"
    )
