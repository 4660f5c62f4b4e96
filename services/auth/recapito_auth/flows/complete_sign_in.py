"""The code of a sign-in: how far it came, sent again, checked. The right one opens a session."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Account, Customer
from recapito_auth.domain.devices import Device
from recapito_auth.domain.underway import SignInUnderWay
from recapito_auth.flows.open_session import Opened, open_session
from recapito_auth.flows.parts import (
    Parts,
    codes_disabled,
    count_checked,
    customer_of,
    demand_open_codes,
    send_again,
    sign_in_failed,
    take_right_code,
)
from recapito_auth.senders.codes import Challenge, Checked
from recapito_auth.store import audit, devices
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.ids import new_id, new_token, token_digest


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
    state, customer, account = under_way(parts, sign_in_id)
    demand_open_codes(account, parts.clock())
    return send_again(parts, _challenge_id(state), client, customer.customer_id, "sign_in")


@dataclass(frozen=True, slots=True)
class Completed:
    """What the check of a code came to. ``device_token``: only where the device is to be trusted."""

    checked: Checked
    opened: Opened | None = None
    device_token: str = ""


def complete_sign_in(parts: Parts, sign_in_id: str, code: str, *, trust_device: bool) -> Completed:
    """Compares the code; the right one opens a session, once, and may make the device a trusted one.

    Raises NOT_FOUND, UNAUTHENTICATED SIGN_IN_FAILED: a contact changed or codes were locked while the code was compared, and
    RESOURCE_EXHAUSTED with RetryInfo: codes are locked.
    """
    state, customer, account = under_way(parts, sign_in_id)
    if state.mobile_missing:
        raise Refusal(Kind.FAILED_PRECONDITION, "NO_MOBILE_ON_FILE", "this sign-in has no mobile; ask for assistance")
    now = parts.clock()
    demand_open_codes(account, now)
    if codes_disabled(parts, account):
        raise sign_in_failed()
    checked = parts.codes.check(state.challenge_id, customer.customer_id, "sign_in", code)
    if not checked.approved:
        count_checked(parts, Event.SIGN_IN_CODE_CHECKED, customer.customer_id, checked, now)
        return Completed(checked)
    device_token = new_token() if trust_device else ""
    with parts.database.transaction() as connection:
        taken = take_right_code(connection, parts, state.customer_id, state.epoch, signed_in=True)
        if taken is not None:
            _confirm(connection, parts, state, device_token, now)
    if taken is None:
        raise sign_in_failed()
    opened = open_session(parts, taken, ("pwd", "otp_sms"), state.label, auth_time=now)
    parts.underway.end(SignInUnderWay, sign_in_id)
    return Completed(checked, opened, device_token)


def _confirm(connection: sa.Connection, parts: Parts, state: SignInUnderWay, device_token: str, now: datetime) -> None:
    """Keeps what the right code vouches for: the network, and the device if it is to be trusted."""
    life = parts.settings.trusted_for
    devices.confirm_network(connection, state.customer_id, state.network, now, now - life)
    details = {"amr": "pwd otp_sms", "reasons": list(state.reasons)}
    entries = [Entry(Event.SIGNED_IN, state.customer_id, details=details)]
    if device_token:
        device_id = state.device_id or new_id()
        device = Device(device_id, state.customer_id, state.label, state.epoch, now, now, now, now + life)
        devices.trust(connection, device, token_digest(device_token))
        entries.append(Entry(Event.DEVICE_TRUSTED, state.customer_id, details={"device_id": device_id, "label": state.label}))
    audit.append(connection, now, *entries)


def _challenge_id(state: SignInUnderWay) -> str:
    if not state.challenge_id:
        raise Refusal(Kind.FAILED_PRECONDITION, "NO_CODE_SENT", "no code went out for this sign-in yet")
    return state.challenge_id
