"""The code of a sign-in: how far it came, sent again, checked. The right one opens a session."""

from datetime import timedelta

from recapito_auth.domain.customers import Account, Customer
from recapito_auth.domain.underway import SignInUnderWay
from recapito_auth.flows.parts import (
    Parts,
    codes_disabled,
    count_if_wrong,
    customer_of,
    demand_open_codes,
    sign_in_failed,
    take_right_code,
)
from recapito_auth.senders.codes import Challenge, Checked
from recapito_auth.store.sessions import Kind, Session
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Kind as RefusalKind
from recapito_servicekit.errors import Refusal, not_found
from recapito_servicekit.persons import AAL2

Opened = tuple[str, Session]
"""A session and its token."""


def under_way(parts: Parts, sign_in_id: str) -> tuple[SignInUnderWay, Customer, Account]:
    """A sign-in after the right password. Raises NOT_FOUND: unknown, over, or a contact changed since."""
    state = parts.underway.read(SignInUnderWay, sign_in_id)
    live = customer_of(parts, state.customer_id, state.epoch) if state is not None else None
    if state is None or live is None:
        raise not_found("sign_in")
    return state, *live


def get_sign_in(parts: Parts, sign_in_id: str) -> Challenge:
    """How far the sign-in's code came. Raises NOT_FOUND, FAILED_PRECONDITION NO_CODE_SENT."""
    return parts.codes.get(_challenge_id(under_way(parts, sign_in_id)[0]))


def resend_sign_in_code(parts: Parts, sign_in_id: str, client: ClientInfo) -> Challenge:
    """Has a new code sent. Raises NOT_FOUND, and RESOURCE_EXHAUSTED with RetryInfo: too early, or codes are locked."""
    state, _, account = under_way(parts, sign_in_id)
    demand_open_codes(account, parts.clock())
    return parts.codes.resend(_challenge_id(state), client)


def complete_sign_in(parts: Parts, sign_in_id: str, code: str) -> tuple[Checked, Opened | None]:
    """Compares the code; the right one opens a session, once.

    Raises NOT_FOUND, UNAUTHENTICATED SIGN_IN_FAILED: a contact changed or codes were locked while the code was compared, and
    RESOURCE_EXHAUSTED with RetryInfo: codes are locked.
    """
    state, customer, account = under_way(parts, sign_in_id)
    if state.mobile_missing:
        raise Refusal(RefusalKind.FAILED_PRECONDITION, "NO_MOBILE_ON_FILE", "this sign-in has no mobile; ask for assistance")
    now = parts.clock()
    demand_open_codes(account, now)
    if codes_disabled(parts, account):
        raise sign_in_failed()
    checked = parts.codes.check(state.challenge_id, customer.customer_id, "sign_in", code)
    count_if_wrong(parts, customer.customer_id, checked, now)
    if not checked.approved:
        return checked, None
    taken = take_right_code(parts, state.customer_id, state.epoch, now, signed_in=True)
    if taken is None:
        raise sign_in_failed()
    session = Session(
        kind=Kind.SESSION,
        customer_id=taken.customer_id,
        epoch=taken.epoch,
        acr=AAL2,
        amr=("pwd", "otp_sms"),
        auth_time=now,
        expires_at=now + timedelta(hours=parts.settings.session_hours),
        idle=timedelta(minutes=parts.settings.session_idle_minutes),
        contact_changed_at=taken.contact_changed_at,
        claims_held_until=taken.claims_held_until,
    )
    token = parts.sessions.open(session, now)
    parts.underway.end(SignInUnderWay, sign_in_id)
    return checked, (token, session)


def _challenge_id(state: SignInUnderWay) -> str:
    if not state.challenge_id:
        raise Refusal(RefusalKind.FAILED_PRECONDITION, "NO_CODE_SENT", "no code went out for this sign-in yet")
    return state.challenge_id
