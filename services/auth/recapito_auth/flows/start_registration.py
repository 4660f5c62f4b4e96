"""Starts a registration: the same work and the same answer whether or not the registry knows the person."""

from dataclasses import dataclass

from recapito_auth.domain import names
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer, PersonType
from recapito_auth.domain.underway import Registration
from recapito_auth.flows.parts import Parts, note
from recapito_auth.senders.codes import Challenge, Issue
from recapito_auth.store import accounts, customers
from recapito_servicekit import contacts
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.ids import new_token, token_digest

LONGEST_GIVEN = 100
LONGEST_FAMILY = 200
LONGEST_LOCALE = 35


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to register, and with which contact, as typed."""

    person_type: PersonType | None
    given_name: str
    family_name: str
    contact: str
    locale: str
    client: ClientInfo


def start_registration(parts: Parts, wish: Wish) -> tuple[str, Challenge]:
    """Gives the registration's id and its code's challenge. Raises INVALID_ARGUMENT: every field at fault.

    A code goes out only where name and contact pick exactly one customer without an account, and nobody has the contact as user
    name. Everybody else gets a decoy; the owner of a contact that has an account already is told so.
    """
    person_type, contact = _checked(wish)
    given, family = names.fold_given(wish.given_name), names.fold_family(wish.family_name)
    with parts.database.read() as connection:
        candidates = customers.by_name_and_contact(connection, person_type, family, contact)
        taken = accounts.by_username(connection, contact) is not None
    customer = names.pick(candidates, given, family)
    has_account = customer is not None and (customer.registered or taken)
    registering = None if has_account else customer
    registration_id = new_token()
    challenge = parts.codes.issue(
        Issue(
            subject=token_digest(registration_id),
            purpose="registration",
            destination=contact,
            locale=_language(customer, wish),
            client=wish.client,
            decoy=registering is None,
        )
    )
    parts.underway.start(
        registration_id,
        Registration(
            subject=token_digest(registration_id),
            challenge_id=challenge.challenge_id,
            contact=contact,
            customer_id=registering.customer_id if registering else "",
            epoch=registering.epoch if registering else 0,
            verified=False,
        ),
        parts.settings.flow_life,
    )
    details = {"contact": contacts.mask(contact), "known": customer is not None, "has_account": has_account}
    note(parts, Entry(Event.REGISTRATION_STARTED, customer.customer_id if customer else "", details=details))
    parts.codes.notice_later(contact, "already_registered", _language(customer, wish), decoy=not has_account)
    return registration_id, challenge


def _language(customer: Customer | None, wish: Wish) -> str:
    return (customer.language if customer else "") or wish.locale


def _checked(wish: Wish) -> tuple[PersonType, str]:
    faults = []
    contact = ""
    if wish.person_type is None:
        faults.append(Violation("person_type", "EMPTY", "a person or a company"))
    given, family = wish.given_name.strip(), wish.family_name.strip()
    if wish.person_type is PersonType.PERSON and not given:
        faults.append(Violation("given_name", "EMPTY", "a person has a given name"))
    if wish.person_type is PersonType.COMPANY and given:
        faults.append(Violation("given_name", "NOT_EMPTY", "a company has no given name"))
    if len(given) > LONGEST_GIVEN:
        faults.append(Violation("given_name", "TOO_LONG", f"at most {LONGEST_GIVEN} characters"))
    if not family:
        faults.append(Violation("family_name", "EMPTY", "a family name, or the company's name"))
    if len(family) > LONGEST_FAMILY:
        faults.append(Violation("family_name", "TOO_LONG", f"at most {LONGEST_FAMILY} characters"))
    if len(wish.locale) > LONGEST_LOCALE:  # otp would say so of whom nobody knows, for a customer's own language comes first
        faults.append(Violation("locale", "TOO_LONG", f"at most {LONGEST_LOCALE} characters"))
    try:
        contact = contacts.contact(wish.contact)
    except contacts.BadContact as bad:
        faults.append(Violation("contact", bad.fault.value, "an Italian mobile or an email"))
    if wish.person_type is None or faults:
        raise invalid(*faults)
    return wish.person_type, contact
