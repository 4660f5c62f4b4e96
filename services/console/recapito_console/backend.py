"""The services behind the pages: the stubs, the clock, and the one way in which an operator's page calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import grpc
from flask import current_app, g
from recapito.auth.v1.operator_pb2_grpc import OperatorServiceStub
from recapito.auth.v1.session_pb2_grpc import SessionServiceStub
from recapito.contact_change.v1.dead_letter_pb2_grpc import DeadLetterServiceStub
from recapito.contact_change.v1.review_pb2_grpc import ReviewServiceStub

from recapito_servicekit import web
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal

EXTENSION: Final = "recapito_console"


class SessionEnded(Exception):
    """Raised where a page needs an operator and the browser brings no live session."""


class PasswordChangeRequired(Exception):
    """Raised where the session opens nothing but the change of a first password."""


class NotAllowed(Exception):
    """Raised where the operator's role is not enough for what was asked."""


@dataclass(frozen=True, slots=True)
class Backend:
    """The stubs that the pages call, and the clock."""

    operators: OperatorServiceStub
    sessions: SessionServiceStub
    reviews: ReviewServiceStub
    letters: DeadLetterServiceStub
    clock: Clock

    @classmethod
    def over(cls, auth: grpc.Channel, contact_change: grpc.Channel, clock: Clock) -> "Backend":
        """The stubs over the channels to the two services."""
        reviews, letters = ReviewServiceStub(contact_change), DeadLetterServiceStub(contact_change)
        return cls(OperatorServiceStub(auth), SessionServiceStub(auth), reviews, letters, clock)


def backend() -> Backend:
    """The running app's backend."""
    return cast(Backend, current_app.extensions[EXTENSION])


def ask(method: Callable[..., Any], message: Any) -> Any:
    """Calls an RPC in the operator's name.

    Raises SessionEnded, PasswordChangeRequired, NotAllowed, or Refusal for everything else that went wrong.
    """
    try:
        return web.call(method, message, token=g.token)
    except Refusal as refusal:
        raise told(refusal) from None


def told(refusal: Refusal) -> Exception:
    """What a refusal means for an operator's page: SessionEnded, PasswordChangeRequired, NotAllowed, or the refusal itself."""
    if refusal.reason == "PASSWORD_CHANGE_REQUIRED":
        return PasswordChangeRequired()
    if refusal.kind is Kind.UNAUTHENTICATED:
        return SessionEnded()
    if refusal.kind is Kind.PERMISSION_DENIED:
        return NotAllowed()
    return refusal
