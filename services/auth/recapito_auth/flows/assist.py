"""No mobile on file: a code to the email on file opens a contact change."""

import dataclasses

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer
from recapito_auth.domain.underway import SignInUnderWay
from recapito_auth.flows.complete_sign_in import under_way
from recapito_auth.flows.open_session import open_contact_change
from recapito_auth.flows.parts import Parts, count_checked, demand_open_codes, note
from recapito_auth.senders.codes import Challenge, Checked, Issue
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Kind, Refusal


def start_assistance(parts: Parts, sign_in_id: str, client: ClientInfo) -> Challenge:
    """Sends a code to the email on file; asked again, a new one.

    Raises NOT_FOUND, FAILED_PRECONDITION MOBILE_ON_FILE or NO_EMAIL_ON_FILE, RESOURCE_EXHAUSTED with RetryInfo.
    """
    state, customer, account = under_way(parts, sign_in_id)
    if not state.mobile_missing:
        raise Refusal(Kind.FAILED_PRECONDITION, "MOBILE_ON_FILE", "there is a mobile on file")
    if not customer.email:
        raise Refusal(Kind.FAILED_PRECONDITION, "NO_EMAIL_ON_FILE", "there is no email on file either")
    demand_open_codes(account, parts.clock())
    challenge = _again(parts, state.challenge_id, client) if state.challenge_id else None
    if challenge is None:
        challenge = parts.codes.issue(
            Issue(customer.customer_id, "assistance", customer.email, customer.language or "it", client)
        )
        parts.underway.update(sign_in_id, dataclasses.replace(state, challenge_id=challenge.challenge_id))
    note(parts, Entry(Event.ASSISTANCE_CODE_ASKED, customer.customer_id))
    return challenge


def complete_assistance(parts: Parts, sign_in_id: str, code: str) -> tuple[Checked, str]:
    """Compares the code; the right one gives a contact_change_token, once. Raises NOT_FOUND, RESOURCE_EXHAUSTED."""
    state, customer, account = under_way(parts, sign_in_id)
    if not (state.mobile_missing and state.challenge_id):
        raise Refusal(Kind.FAILED_PRECONDITION, "NO_CODE_SENT", "no assistance was asked for in this sign-in")
    now = parts.clock()
    demand_open_codes(account, now)
    checked = parts.codes.check(state.challenge_id, customer.customer_id, "assistance", code)
    count_checked(parts, Event.ASSISTANCE_CODE_CHECKED, customer.customer_id, checked, now)
    return checked, _opened(parts, sign_in_id, customer) if checked.approved else ""


def _opened(parts: Parts, sign_in_id: str, customer: Customer) -> str:
    token = open_contact_change(parts, customer, ("pwd", "otp_email"))
    parts.underway.end(SignInUnderWay, sign_in_id)
    return token


def _again(parts: Parts, challenge_id: str, client: ClientInfo) -> Challenge | None:
    """The challenge after a resend; None: otp knows it no more."""
    try:
        return parts.codes.resend(challenge_id, client)
    except Refusal as refusal:
        if refusal.kind is not Kind.NOT_FOUND:
            raise
        return None
