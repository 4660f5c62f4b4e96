"""The page on which a code is typed, the same for every journey that sends one.

What is known of the code lies in the journey's part of the signed cookie. A check answers with a redirect, so that a
reload of the page sends no code again and costs no attempt.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from flask import flash, render_template
from google.protobuf.timestamp_pb2 import Timestamp
from recapito.otp.v1 import otp_pb2

from recapito_portal import browser, faults, texts
from recapito_portal.forms import CodeForm
from recapito_servicekit.errors import Kind, Refusal

PASSING = {Kind.RESOURCE_EXHAUSTED, Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED}
FINAL = {otp_pb2.OUTCOME_EXHAUSTED, otp_pb2.OUTCOME_USED}


class Checked(Protocol):
    """What every check of a code answers."""

    @property
    def outcome(self) -> otp_pb2.Outcome.ValueType: ...
    @property
    def attempts_left(self) -> int: ...


def sent(name: str, masked: str, expires_at: Timestamp, resend_at: Timestamp, **values: Any) -> None:
    """Notes in the journey that a code went out."""
    browser.keep(name, masked=masked, expires_at=expires_at.seconds, resend_at=resend_at.seconds, spent=False, **values)


def sent_challenge(name: str, challenge: otp_pb2.Challenge, **values: Any) -> None:
    """The same, from a challenge."""
    sent(name, challenge.masked_destination, challenge.expires_at, challenge.resend_available_at, **values)


def follow(name: str, ask: Callable[[], otp_pb2.Challenge]) -> str:
    """How far the code came, in words, and the journey keeps what is true of it now; empty: it can't be told just now.

    Only for codes that really went out: of a decoy's delivery nothing may be seen. Raises Refusal: the code no longer stands.
    """
    try:
        challenge = ask()
    except Refusal as refusal:
        if refusal.kind in PASSING:
            return ""
        raise
    spent = browser.journey(name).get("spent", False) or challenge.attempts_left <= 0
    sent_challenge(name, challenge)
    browser.keep(name, spent=spent)
    return str(texts.DELIVERIES.get(challenge.delivery, ""))


def is_approved(name: str, checked: Checked) -> bool:
    """Whether the code was right. If not, the page that comes next says what was found."""
    if checked.outcome == otp_pb2.OUTCOME_APPROVED:
        return True
    spent = checked.outcome in FINAL or (checked.outcome == otp_pb2.OUTCOME_INCORRECT and checked.attempts_left <= 0)
    browser.keep(name, spent=spent)
    faults.stash(code=texts.outcome(checked.outcome, checked.attempts_left))
    return False


def is_for_later(refusal: Refusal) -> bool:
    """Whether the code can't be checked just now; the page that comes next says why."""
    if refusal.kind is not Kind.RESOURCE_EXHAUSTED:
        return False
    faults.stash(code=texts.of_refusal(refusal))
    return True


def told_resent() -> None:
    """Says on the next page that a new code is on its way."""
    flash(texts.of("CODE_SENT_AGAIN"), "good")


def told_refused(refusal: Refusal) -> None:
    """Says on the next page why there is no new code; raises what isn't about that."""
    if refusal.kind not in (Kind.RESOURCE_EXHAUSTED, Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED):
        raise refusal
    flash(texts.of_refusal(refusal), "error")


def page(template: str, name: str, form: CodeForm, delivery: str | None = None, **values: Any) -> browser.Page:
    """The page, with what was found wrong, the time left, how far the code came and when another one may be asked for.

    ``delivery``: what ``follow`` said; None: whoever asks gets the same words, whether or not a code went out.
    """
    faults.show_stashed(form)
    form.code.data = ""  # a code is never shown again
    found = browser.journey(name)
    now = datetime.now(UTC).timestamp()
    seconds = math.ceil(max(0.0, found.get("resend_at", 0) - now))
    html = render_template(
        template,
        form=form,
        masked=found.get("masked", ""),
        spent=found.get("spent", False),
        is_over=now >= found.get("expires_at", 0),
        minutes=max(1, round((found.get("expires_at", 0) - now) / 60)),
        wait=texts.duration(timedelta(seconds=seconds)) if seconds else "",
        wait_seconds=seconds,
        delivery=(str(texts.ON_ITS_WAY) if seconds else "") if delivery is None else delivery,
        follows=delivery is not None,
        **values,
    )
    return html, 422 if form.errors else 200
