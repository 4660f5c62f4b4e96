"""Opens what a sign-in opens: a session, or a token for a contact change alone."""

from datetime import UTC, datetime, timedelta
from typing import Final

from recapito_auth.domain.customers import Customer, Operator
from recapito_auth.flows.parts import Parts
from recapito_auth.store.sessions import Kind, Session
from recapito_servicekit.persons import AAL2

Opened = tuple[str, Session]
"""A session and its token."""

# until an operator lifts it; the last instant that a Timestamp can hold
NO_CLAIMS: Final = datetime(9999, 12, 31, tzinfo=UTC)


def open_session(parts: Parts, customer: Customer, amr: tuple[str, ...], label: str, auth_time: datetime) -> Opened:
    """A customer's session. ``auth_time``: when the last code was checked; ``label``: the device's."""
    now = parts.clock()
    session = Session(
        kind=Kind.SESSION,
        customer_id=customer.customer_id,
        epoch=customer.epoch,
        acr=AAL2,
        amr=amr,
        auth_time=auth_time,
        expires_at=now + timedelta(hours=parts.settings.session_hours),
        idle=timedelta(minutes=parts.settings.session_idle_minutes),
        contact_changed_at=customer.contact_changed_at,
        claims_held_until=NO_CLAIMS if customer.frozen_at else customer.claims_held_until,
        label=label,
        frozen=customer.frozen_at is not None,
    )
    return parts.sessions.open(session, now), session


def open_operator_session(
    parts: Parts, operator: Operator, epoch: int, amr: tuple[str, ...], *, password_change_required: bool = False
) -> Opened:
    """An operator's session, or one that opens nothing but the change of a first password."""
    now, settings = parts.clock(), parts.settings
    idle, whole = timedelta(minutes=settings.operator_idle_minutes), timedelta(hours=settings.operator_session_hours)
    session = Session(
        kind=Kind.PASSWORD_CHANGE if password_change_required else Kind.OPERATOR,
        customer_id=operator.customer_id,
        epoch=epoch,
        acr="",
        amr=amr,
        auth_time=now,
        expires_at=now + (idle if password_change_required else whole),
        idle=idle,
        operator_id=operator.operator_id,
        operator_name=operator.name,
        role=operator.role,
    )
    return parts.sessions.open(session, now), session


def open_contact_change(parts: Parts, customer: Customer, amr: tuple[str, ...]) -> str:
    """A token that opens a contact change and nothing else; ``amr`` says how it was obtained."""
    now = parts.clock()
    life = timedelta(minutes=parts.settings.contact_change_minutes)
    return parts.sessions.open(
        Session(
            kind=Kind.CONTACT_CHANGE,
            customer_id=customer.customer_id,
            epoch=customer.epoch,
            acr="",
            amr=amr,
            auth_time=now,
            expires_at=now + life,
            idle=life,
            contact_changed_at=customer.contact_changed_at,
            claims_held_until=NO_CLAIMS if customer.frozen_at else customer.claims_held_until,
            frozen=customer.frozen_at is not None,
        ),
        now,
    )
