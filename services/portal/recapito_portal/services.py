"""The services behind the pages: stubs, and what several pages ask of them."""

from dataclasses import dataclass
from typing import cast

import grpc
from flask import current_app
from recapito.auth.v1 import session_pb2
from recapito.auth.v1.authentication_pb2_grpc import AuthenticationServiceStub
from recapito.auth.v1.recovery_pb2_grpc import RecoveryServiceStub
from recapito.auth.v1.registration_pb2_grpc import RegistrationServiceStub
from recapito.auth.v1.session_pb2_grpc import AccountServiceStub, SessionServiceStub
from recapito.claims.v1.claims_pb2_grpc import ClaimsServiceStub
from recapito.contact_change.v1.contact_change_pb2_grpc import ContactChangeServiceStub

from recapito_servicekit import logs
from recapito_servicekit.errors import Refusal
from recapito_servicekit.web import call

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """One stub for each service that a page calls."""

    registration: RegistrationServiceStub
    authentication: AuthenticationServiceStub
    recovery: RecoveryServiceStub
    sessions: SessionServiceStub
    accounts: AccountServiceStub
    changes: ContactChangeServiceStub
    claims: ClaimsServiceStub

    @classmethod
    def over(cls, auth: grpc.Channel, contact_change: grpc.Channel, claims: grpc.Channel) -> "Services":
        """Stubs over the three channels."""
        return cls(
            registration=RegistrationServiceStub(auth),
            authentication=AuthenticationServiceStub(auth),
            recovery=RecoveryServiceStub(auth),
            sessions=SessionServiceStub(auth),
            accounts=AccountServiceStub(auth),
            changes=ContactChangeServiceStub(contact_change),
            claims=ClaimsServiceStub(claims),
        )


def services() -> Services:
    """The stubs of the app that answers this request."""
    return cast(Services, current_app.extensions["services"])


def end_session(token: str) -> None:
    """Ends a session. Where it can't be ended now it runs out by itself: whoever leaves isn't kept."""
    try:
        call(services().accounts.EndSession, session_pb2.EndSessionRequest(token=token))
    except Refusal as refusal:
        log.warning("session not ended", reason=refusal.reason)
