"""What claims calls: the real otp service, and auth's answers set by the test, both behind the real gate with mTLS.

auth stands in by its answers because a test needs sessions of every assurance, age and hold at any hour of its own clock.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import grpc
from recapito.auth.v1 import registry_pb2, registry_pb2_grpc, session_pb2, session_pb2_grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import not_found
from recapito_servicekit.serving import Wiring
from recapito_servicekit.times import to_timestamp

CODE = "123456"
PREFIXES = (
    "320",
    "327",
    "328",
    "329",
    "330",
    "333",
    "334",
    "335",
    "338",
    "339",
    "340",
    "342",
    "345",
    "346",
    "347",
    "348",
    "349",
    "366",
)


@dataclass
class Session:
    """A signed-in customer."""

    customer_id: str
    auth_time: datetime
    acr: str = "recapito:aal2"
    claims_held_until: datetime | None = None


class Sessions(session_pb2_grpc.SessionServiceServicer):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._live: dict[str, Session] = {}

    def open(self, customer_id: str, **changes: object) -> str:
        token = secrets.token_urlsafe(16)
        self._live[token] = Session(customer_id, self._clock(), **changes)  # type: ignore[arg-type]
        return token

    def Introspect(self, request: session_pb2.IntrospectRequest, context: grpc.ServicerContext) -> session_pb2.IntrospectResponse:
        session = self._live.get(request.token)
        if session is None:
            return session_pb2.IntrospectResponse()
        return session_pb2.IntrospectResponse(
            active=True,
            kind=session_pb2.KIND_SESSION,
            customer_id=session.customer_id,
            acr=session.acr,
            auth_time=to_timestamp(session.auth_time),
            expires_at=to_timestamp(self._clock() + timedelta(hours=1)),
            claims_held_until=to_timestamp(session.claims_held_until),
        )


@dataclass
class Customers(registry_pb2_grpc.CustomerRegistryServiceServicer):
    policies: dict[str, list[str]] = field(default_factory=lambda: {"C-1": ["POL-1"], "C-2": ["POL-2"]})
    frozen: set[str] = field(default_factory=set)
    language: str = "it"

    def GetCustomer(
        self, request: registry_pb2.GetCustomerRequest, context: grpc.ServicerContext
    ) -> registry_pb2.GetCustomerResponse:
        if request.customer_id not in self.policies:
            raise not_found("customer")
        customer = registry_pb2.Customer(
            customer_id=request.customer_id,
            given_name="Anna",
            family_name="Bianchi",
            codice_fiscale="BNCNNA80E43H501G",
            email=f"{request.customer_id.lower()}@example.org",
            language=self.language,
            policy_numbers=self.policies[request.customer_id],
        )
        if request.customer_id in self.frozen:
            customer.frozen_at.GetCurrentTime()
        return registry_pb2.GetCustomerResponse(customer=customer)


@dataclass
class Auth:
    """auth as claims sees it: who is signed in, and their policies, set by the test."""

    sessions: Sessions
    customers: Customers

    async def wire(self) -> Wiring:
        def add(server: grpc.aio.Server) -> None:
            session_pb2_grpc.add_SessionServiceServicer_to_server(self.sessions, server)
            registry_pb2_grpc.add_CustomerRegistryServiceServicer_to_server(self.customers, server)

        return Wiring(add=add, services=[])


@dataclass
class Otp:
    """The real otp service, by what its callers ask of it; every code is CODE."""

    stubs: dict[str, otp_pb2_grpc.OtpServiceStub]

    def approve(self, customer_id: str, transaction_hash: str, purpose: str = "claim", issued_by: str = "auth") -> str:
        """The proof of a code that a customer typed right."""
        stub = self.stubs[issued_by]
        issue = otp_pb2.IssueChallengeRequest(
            request_id=secrets.token_hex(16),
            subject=customer_id,
            purpose=purpose,
            channel=otp_pb2.CHANNEL_SMS,
            destination=f"+39{secrets.choice(PREFIXES)}{secrets.randbelow(10**7):07d}",  # no limit of sends is met
            locale="it",
            transaction_hash=transaction_hash,
        )
        check = otp_pb2.CheckChallengeRequest(
            challenge_id=stub.IssueChallenge(issue).challenge.challenge_id,
            subject=customer_id,
            purpose=purpose,
            code=CODE,
            transaction_hash=transaction_hash,
        )
        proof: str = stub.CheckChallenge(check).proof
        return proof
