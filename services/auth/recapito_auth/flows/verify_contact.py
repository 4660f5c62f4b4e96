"""The code of a registration: sent again, and checked."""

import dataclasses

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.underway import Registration
from recapito_auth.flows.parts import Parts, note, send_again
from recapito_auth.senders.codes import Challenge, Checked
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import not_found


def resend_code(parts: Parts, registration_id: str, client: ClientInfo) -> Challenge:
    """Has a new code sent. Raises NOT_FOUND, and RESOURCE_EXHAUSTED with RetryInfo: too early."""
    state = _registration(parts, registration_id)
    return send_again(parts, state.challenge_id, client, state.customer_id, "registration")


def verify_contact(parts: Parts, registration_id: str, code: str) -> Checked:
    """Compares the code; the right one lets the registration be completed. Raises NOT_FOUND."""
    registration = _registration(parts, registration_id)
    checked = parts.codes.check(registration.challenge_id, registration.subject, "registration", code)
    if checked.approved and registration.customer_id:
        parts.underway.update(registration_id, dataclasses.replace(registration, verified=True))
    note(parts, Entry(Event.REGISTRATION_CODE_CHECKED, registration.customer_id, details={"outcome": checked.name}))
    return checked


def _registration(parts: Parts, registration_id: str) -> Registration:
    registration = parts.underway.read(Registration, registration_id)
    if registration is None:
        raise not_found("registration")
    return registration
