"""A code within a session: asked for, sent again, checked. The right one gives the session a new token, and a proof."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.underway import StepUp
from recapito_auth.flows.parts import (
    Parts,
    count_checked,
    customer_of,
    demand_open_codes,
    note,
    send_again,
    sign_in_failed,
    take_right_code,
)
from recapito_auth.senders.codes import Challenge, Checked, Issue
from recapito_auth.store import accounts, audit, customers
from recapito_auth.store.redisio import millis
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.persons import AAL2, Person

PURPOSES: Final = ("step_up", "claim")
LONGEST_SUMMARY: Final = 60
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a code is to confirm."""

    purpose: str
    transaction_hash: str
    summary: str


@dataclass(frozen=True, slots=True)
class Rotated:
    """The session under its new token."""

    token: str
    expires_at: datetime


def start_step_up(parts: Parts, person: Person, asked: Asked, client: ClientInfo) -> Challenge:
    """Sends a code to the mobile on file.

    Raises INVALID_ARGUMENT, FAILED_PRECONDITION NO_MOBILE_ON_FILE, RESOURCE_EXHAUSTED with RetryInfo.
    """
    _demand_valid(asked)
    with parts.database.read() as connection:
        customer = customers.by_id(connection, person.customer_id)
        account = accounts.by_customer(connection, person.customer_id)
    if customer is None or account is None:
        raise sign_in_failed()
    if not customer.mobile:
        raise Refusal(Kind.FAILED_PRECONDITION, "NO_MOBILE_ON_FILE", "there is no mobile that a code could go to")
    demand_open_codes(account, parts.clock())
    challenge = parts.codes.issue(
        Issue(
            customer.customer_id,
            asked.purpose,
            customer.mobile,
            customer.language or "it",
            client,
            asked.transaction_hash,
            asked.summary,
        )
    )
    state = StepUp(customer.customer_id, customer.epoch, asked.purpose, asked.transaction_hash)
    parts.underway.start(challenge.challenge_id, state, parts.settings.flow_life)
    note(parts, Entry(Event.STEP_UP_ASKED, customer.customer_id, details={"purpose": asked.purpose}))
    return challenge


def resend_step_up_code(parts: Parts, person: Person, challenge_id: str, client: ClientInfo) -> Challenge:
    """Has a new code sent. Raises NOT_FOUND, and RESOURCE_EXHAUSTED with RetryInfo: too early."""
    state = _own(parts, person, challenge_id)
    return send_again(parts, challenge_id, client, state.customer_id, state.purpose)


def get_step_up(parts: Parts, person: Person, challenge_id: str) -> Challenge:
    """How far the code came. Raises NOT_FOUND."""
    _own(parts, person, challenge_id)
    return parts.codes.get(challenge_id)


def complete_step_up(parts: Parts, person: Person, challenge_id: str, code: str) -> tuple[Checked, Rotated | None]:
    """Compares the code; the right one ends the old token and carries the session on under a new one.

    Raises NOT_FOUND: unknown, another customer's, or a contact changed since; RESOURCE_EXHAUSTED with RetryInfo: codes are
    locked; UNAUTHENTICATED: the session ended meanwhile.
    """
    state = _own(parts, person, challenge_id)
    now = parts.clock()
    checked = parts.codes.check(challenge_id, state.customer_id, state.purpose, code, state.transaction_hash)
    if not checked.approved:
        count_checked(parts, Event.STEP_UP_CODE_CHECKED, state.customer_id, checked, now)
        return checked, None
    with parts.database.transaction() as connection:
        taken = take_right_code(connection, parts, state.customer_id, state.epoch, signed_in=False)
        if taken is not None:
            audit.append(connection, now, Entry(Event.STEPPED_UP, state.customer_id, details={"purpose": state.purpose}))
    if taken is None:
        raise sign_in_failed()
    amr = " ".join(dict.fromkeys((*person.amr, "otp_sms")))
    rotated = parts.sessions.rotate(person.token, state.customer_id, now, {"acr": AAL2, "amr": amr, "auth_time": millis(now)})
    if rotated is None:
        raise Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "the session ended meanwhile")
    parts.underway.end(StepUp, challenge_id)
    return checked, Rotated(*rotated)


def _own(parts: Parts, person: Person, challenge_id: str) -> StepUp:
    state = parts.underway.read(StepUp, challenge_id)
    if state is None or state.customer_id != person.customer_id:
        raise not_found("challenge")
    live = customer_of(parts, state.customer_id, state.epoch)
    if live is None:
        raise not_found("challenge")
    demand_open_codes(live[1], parts.clock())
    return state


def _demand_valid(asked: Asked) -> None:
    faults = []
    if asked.purpose not in PURPOSES:
        faults.append(Violation("purpose", "UNKNOWN_VALUE", "step_up or claim"))
    if asked.purpose == "claim" and not asked.transaction_hash:
        faults.append(Violation("transaction_hash", "EMPTY", "a claim's code confirms the hash of its submission"))
    if asked.transaction_hash and not _HASH.fullmatch(asked.transaction_hash):
        faults.append(Violation("transaction_hash", "WRONG_FORMAT", "a SHA-256, 64 hex digits in lower case"))
    if len(asked.summary) > LONGEST_SUMMARY:
        faults.append(Violation("summary", "TOO_LONG", f"at most {LONGEST_SUMMARY} characters"))
    if faults:
        raise invalid(*faults)
