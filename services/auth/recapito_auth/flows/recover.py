"""Starts a recovery and checks its codes: the same work and the same answers for a user name that nobody has."""

import dataclasses

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer
from recapito_auth.domain.underway import Recovery
from recapito_auth.flows.parts import Parts, note, send_again
from recapito_auth.flows.start_registration import LONGEST_LOCALE
from recapito_auth.senders.codes import Challenge, Checked, Issue
from recapito_auth.store import accounts, customers
from recapito_servicekit import contacts
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.ids import new_token, token_digest

_NOBODY = ""


def start_recovery(parts: Parts, username: str, locale: str, client: ClientInfo) -> tuple[str, str, Challenge]:
    """Gives the recovery's id, the masked user name and the first code's challenge.

    Raises INVALID_ARGUMENT on ``username``; RESOURCE_EXHAUSTED with RetryInfo: too many sends, decoys count alike.
    """
    try:
        typed = contacts.contact(username)
    except contacts.BadContact as bad:
        raise invalid(Violation("username", bad.fault.value, "an Italian mobile or an email")) from bad
    if len(locale) > LONGEST_LOCALE:
        raise invalid(Violation("locale", "TOO_LONG", f"at most {LONGEST_LOCALE} characters"))
    with parts.database.read() as connection:
        account = accounts.by_username(connection, typed)
        customer = customers.by_id(connection, account.customer_id if account is not None else _NOBODY)
    wanted = _contacts_of(customer, typed) if customer is not None else ()
    recovery_id = new_token()
    state = Recovery(
        subject=token_digest(recovery_id),
        customer_id=customer.customer_id if customer is not None and wanted else _NOBODY,
        epoch=customer.epoch if customer is not None else 0,
        contacts=wanted or (typed,),
        verified=0,
        challenge_id="",
        locale=(customer.language if customer is not None else "") or locale,
    )
    challenge = _issue(parts, state, client)
    parts.underway.start(recovery_id, dataclasses.replace(state, challenge_id=challenge.challenge_id), parts.settings.flow_life)
    details = {"username": contacts.mask(typed), "ip": client.ip}
    note(parts, Entry(Event.RECOVERY_STARTED, state.customer_id, details=details))
    return recovery_id, contacts.mask(typed), challenge


def resend_recovery_code(parts: Parts, recovery_id: str, client: ClientInfo) -> Challenge:
    """Has the awaited code sent again. Raises NOT_FOUND, and RESOURCE_EXHAUSTED with RetryInfo: too early."""
    state = recovery_of(parts, recovery_id)
    if state.verified == len(state.contacts):
        raise Refusal(Kind.FAILED_PRECONDITION, "ALREADY_VERIFIED", "no code is awaited any more")
    if state.challenge_id:
        return send_again(parts, state.challenge_id, client, state.customer_id, "recovery")
    return _next_code(parts, recovery_id, state, client)


def verify_recovery(parts: Parts, recovery_id: str, code: str, client: ClientInfo) -> tuple[Checked, Challenge | None]:
    """Compares the awaited code; the right first one has one sent to the second contact, whose challenge it gives.

    Raises NOT_FOUND, FAILED_PRECONDITION NO_CODE_SENT.
    """
    state = recovery_of(parts, recovery_id)
    if not state.challenge_id:
        raise Refusal(Kind.FAILED_PRECONDITION, "NO_CODE_SENT", "no code is awaited, or it could not be sent yet")
    checked = parts.codes.check(state.challenge_id, state.subject, "recovery", code)
    details = {"outcome": checked.name, "contact": state.verified + 1}
    note(parts, Entry(Event.RECOVERY_CODE_CHECKED, state.customer_id, details=details))
    if not checked.approved or not state.customer_id:
        return checked, None
    last = state.verified + 1 == len(state.contacts)
    # kept before the second code is asked for: what was right once isn't asked for again where otp refuses
    further = dataclasses.replace(state, verified=state.verified + 1, challenge_id=state.challenge_id if last else "")
    parts.underway.update(recovery_id, further)
    return checked, None if last else _next_code(parts, recovery_id, further, client)


def recovery_of(parts: Parts, recovery_id: str) -> Recovery:
    """A recovery under way. Raises NOT_FOUND."""
    state = parts.underway.read(Recovery, recovery_id)
    if state is None:
        raise not_found("recovery")
    return state


def _contacts_of(customer: Customer, username: str) -> tuple[str, ...]:
    """The contacts that need a code: the user name first. None where it isn't on file any more: somebody else's by now."""
    on_file = tuple(contact for contact in (customer.mobile, customer.email) if contact)
    return (username, *(c for c in on_file if c != username)) if username in on_file else ()


def _next_code(parts: Parts, recovery_id: str, state: Recovery, client: ClientInfo) -> Challenge:
    challenge = _issue(parts, state, client)
    parts.underway.update(recovery_id, dataclasses.replace(state, challenge_id=challenge.challenge_id))
    return challenge


def _issue(parts: Parts, state: Recovery, client: ClientInfo) -> Challenge:
    return parts.codes.issue(
        Issue(
            subject=state.subject,
            purpose="recovery",
            destination=state.contacts[state.verified],
            locale=state.locale,
            client=client,
            decoy=not state.customer_id,
        )
    )
