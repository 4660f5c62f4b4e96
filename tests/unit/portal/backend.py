"""The services as the portal sees them, in memory behind a real gRPC server: small answers to what pages ask.

The code is always 123456, the password always PASSWORD. ``refuse_next`` has one RPC refuse once; ``seen`` keeps the requests.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from recapito.auth.v1 import (
    session_pb2,
)
from recapito.claims.v1 import claims_pb2
from recapito.contact_change.v1 import contact_change_pb2
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.status import DETAILS_KEY, details_of

CODE = "123456"
PASSWORD = "una frase lunga e buona"


def at(**ahead: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) + timedelta(**ahead))
    return stamp


class Backend:
    """Everything in memory, and the server in front of it."""

    def __init__(self) -> None:
        from tests.unit.portal import accounts, filing

        self.seen: list[Any] = []
        self.tokens: list[str] = []
        self.refusals: dict[str, Refusal] = {}
        self.sessions: set[str] = set()
        self.attempts: dict[str, int] = {}
        self.changes: list[contact_change_pb2.Change] = []
        self.claims: dict[str, claims_pb2.Claim] = {}
        self.policies = ["POL-1", "POL-2"]
        self.customer_id = "C1"  # who signs in
        self.held_until: Timestamp | None = None
        self.code_age = timedelta()
        self.is_frozen = False
        self.undeclared = False
        self.recovered: list[str] = []  # contacts whose code was right
        self.devices = {"device-1": session_pb2.Device(device_id="device-1", label="Firefox · Linux", expires_at=at(days=20))}
        self.others = {"other-1": session_pb2.SessionInfo(session_id="other-1", device="Safari · iPhone", created_at=at())}
        self.delivery: otp_pb2.Delivery.ValueType = otp_pb2.DELIVERY_QUEUED
        self.uploads: list[tuple[str, list[int]]] = []
        self.server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        accounts.add_to(self.server, self)
        filing.add_to(self.server, self)
        self.health = health.HealthServicer()
        self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def refuse_next(self, rpc: str, refusal: Refusal) -> None:
        """Has ``rpc`` refuse once."""
        self.refusals[rpc] = refusal

    def last(self, kind: type) -> Any:
        """The latest request of that kind."""
        return next(request for request in reversed(self.seen) if isinstance(request, kind))

    def answer(self, rpc: str, context: grpc.ServicerContext, work: Callable[[], Any], request: Any = None) -> Any:
        """The one way through for every RPC: records, refuses if told to, else does the work."""
        try:
            if request is not None:
                self.seen.append(request)
            if rpc in self.refusals:
                raise self.refusals.pop(rpc)
            return work()
        except Refusal as refusal:
            context.set_trailing_metadata(((DETAILS_KEY, details_of(refusal, "test")),))
            context.abort(grpc.StatusCode[refusal.kind], refusal.message)

    def person(self, context: grpc.ServicerContext, *extra: str) -> str:
        """The token that acts."""
        token = str(dict(context.invocation_metadata()).get("authorization", "")).removeprefix("Bearer ")
        self.tokens.append(token)
        if token not in self.sessions and token not in extra:
            raise Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "nobody")
        return token

    def new_session(self) -> str:
        token = f"session-{len(self.tokens)}-{len(self.sessions)}"
        self.sessions.add(token)
        return token

    def rotated(self, before: str) -> str:
        """The session's new token; the code is fresh."""
        self.sessions.discard(before)
        self.code_age = timedelta()
        return self.new_session()

    def demand_fresh_code(self) -> None:
        if self.code_age > timedelta(minutes=10):
            raise Refusal(Kind.UNAUTHENTICATED, "STEP_UP_REQUIRED", "fresh")

    def challenge(self, id: str, masked: str) -> otp_pb2.Challenge:
        return otp_pb2.Challenge(
            challenge_id=id,
            masked_destination=masked,
            channel=otp_pb2.CHANNEL_SMS,
            expires_at=at(minutes=5),
            resend_available_at=at(seconds=60),
            attempts_left=5 - self.attempts.get(id, 0),
            delivery=self.delivery,
        )

    def check(self, id: str, code: str, *, decoy: bool = False) -> tuple[otp_pb2.Outcome.ValueType, int]:
        if self.attempts.get(id, 0) >= 5:
            return otp_pb2.OUTCOME_EXHAUSTED, 0
        if "".join(code.split()) == CODE and not decoy:
            return otp_pb2.OUTCOME_APPROVED, 5
        self.attempts[id] = self.attempts.get(id, 0) + 1
        return otp_pb2.OUTCOME_INCORRECT, 5 - self.attempts[id]


def rpc(method: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """An RPC with one request: recorded, refused if told to."""

    def answered(servicer: Any, request: Any, context: Any) -> Any:
        return servicer.b.answer(method.__name__, context, lambda: method(servicer, request, context), request)

    return answered
