"""What a session must be like. Pure: the answer of Introspect comes in, a Person or a refusal goes out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from recapito.auth.v1 import session_pb2

AAL1: Final = "recapito:aal1"
AAL2: Final = "recapito:aal2"
_LEVELS: Final = ("", AAL1, AAL2)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer with a live session.

    ``auth_time``: when the last code was checked; ``claims_held_until``: until when they may file no claims, if they may not.
    """

    customer_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    expires_at: datetime
    contact_changed_at: datetime | None
    claims_held_until: datetime | None
    frozen: bool


class Refused(Exception):
    """Raised where the token isn't good enough; which of the two says what the person must do."""

    def challenge(self) -> str:
        """The value of HTTP's ``WWW-Authenticate`` (RFC 6750, RFC 9470)."""
        raise NotImplementedError


class NotSignedIn(Refused):
    """Raised for a token that is unknown, ended or no customer's session: the person signs in."""

    def challenge(self) -> str:
        return 'Bearer error="invalid_token"'


class StepUpRequired(Refused):
    """Raised for a session that is live and too weak, or whose last code is too old: the person gives a fresh code."""

    def __init__(self, acr: str, max_age: int | None) -> None:
        super().__init__(f"a code is needed: {acr or 'any assurance'}, max_age {max_age}")
        self.acr = acr
        self.max_age = max_age

    def challenge(self) -> str:
        acr = f', acr_values="{self.acr}"' if self.acr else ""
        age = f", max_age={self.max_age}" if self.max_age is not None else ""
        return f'Bearer error="insufficient_user_authentication"{acr}{age}'


def judge(answer: session_pb2.IntrospectResponse, acr: str, max_age: int | None, now: datetime) -> Person:
    """The person, if the session is live, has at least ``acr`` and a code that is ``max_age`` seconds old at most.

    Raises NotSignedIn, StepUpRequired; ValueError: no such ``acr``.
    """
    if acr not in _LEVELS:
        raise ValueError(f"acr must be one of {_LEVELS}")
    if not answer.active or answer.kind != session_pb2.KIND_SESSION:
        raise NotSignedIn("no customer's live session")
    person = Person(
        customer_id=answer.customer_id,
        acr=answer.acr,
        amr=tuple(answer.amr),
        auth_time=answer.auth_time.ToDatetime(tzinfo=UTC),
        expires_at=answer.expires_at.ToDatetime(tzinfo=UTC),
        contact_changed_at=answer.contact_changed_at.ToDatetime(tzinfo=UTC) if answer.HasField("contact_changed_at") else None,
        claims_held_until=answer.claims_held_until.ToDatetime(tzinfo=UTC) if answer.HasField("claims_held_until") else None,
        frozen=answer.frozen,
    )
    too_low = acr == AAL2 and person.acr != AAL2
    too_old = max_age is not None and now - person.auth_time > timedelta(seconds=max_age)
    if too_low or too_old:
        raise StepUpRequired(acr, max_age)
    return person
