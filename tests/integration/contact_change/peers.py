"""Auth and otp as this service sees them: servers of the real protocol, behind the real gate, that a test can look into."""

import threading
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
from recapito.auth.v1 import registry_pb2, registry_pb2_grpc, session_pb2, session_pb2_grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_servicekit import serving
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.settings import ServerSettings, load
from recapito_servicekit.times import to_timestamp
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServerThread, server_environment

CODE = "042137"


@dataclass
class Customers:
    """What auth knows: customers by id, and who a token stands for."""

    customers: dict[str, registry_pb2.Customer] = field(default_factory=dict)
    tokens: dict[str, session_pb2.IntrospectResponse] = field(default_factory=dict)
    changed: dict[str, registry_pb2.ChangeMobileResponse] = field(default_factory=dict)
    reverted: dict[str, registry_pb2.RevertMobileResponse] = field(default_factory=dict)
    holds: dict[str, bool] = field(default_factory=dict)
    usernames: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add_customer(self, customer_id: str, **values: object) -> registry_pb2.Customer:
        fields: dict[str, object] = {
            "given_name": "Ada",
            "family_name": "Bianchi",
            "codice_fiscale": "BNCDAA80A41H501X",
            "email": f"{customer_id}@posta.test",
            "mobile": "+393201234519",
            "language": "it",
            "version": 3,
        }
        customer = registry_pb2.Customer(customer_id=customer_id, **{**fields, **values})  # type: ignore[arg-type]
        self.customers[customer_id] = customer
        return customer

    def sign_in(self, customer_id: str, *amr: str, auth_time: datetime) -> str:
        """A session for amr with a code, else a contact_change_token."""
        session = "otp_sms" in amr
        kind = session_pb2.KIND_SESSION if session else session_pb2.KIND_CONTACT_CHANGE
        return self._token(
            kind=kind,
            customer_id=customer_id,
            acr="recapito:aal2" if session else "recapito:aal1",
            amr=amr,
            auth_time=to_timestamp(auth_time),
        )

    def operator(self, name: str, *, role: str = "reviewer", customer_id: str = "") -> str:
        return self._token(
            kind=session_pb2.KIND_OPERATOR, operator_id=f"op-{name}", operator_name=name, role=role, customer_id=customer_id
        )

    def _token(self, **values: object) -> str:
        token = uuid.uuid4().hex
        self.tokens[token] = session_pb2.IntrospectResponse(active=True, **values)  # type: ignore[arg-type]
        return token


class _Sessions(session_pb2_grpc.SessionServiceServicer):
    def __init__(self, known: Customers) -> None:
        self._known = known

    def Introspect(self, request, context):  # type: ignore[no-untyped-def]
        return self._known.tokens.get(request.token, session_pb2.IntrospectResponse(active=False))


class _Registry(registry_pb2_grpc.CustomerRegistryServiceServicer):
    def __init__(self, known: Customers) -> None:
        self._known = known

    def GetCustomer(self, request, context):  # type: ignore[no-untyped-def]
        if request.customer_id not in self._known.customers:
            raise not_found("customer")
        return registry_pb2.GetCustomerResponse(customer=self._known.customers[request.customer_id])

    def FindCustomers(self, request, context):  # type: ignore[no-untyped-def]
        found = [one for one in self._known.customers.values() if one.mobile == request.contact]
        return registry_pb2.FindCustomersResponse(customers=found[:50])

    def RevertMobile(self, request, context):  # type: ignore[no-untyped-def]
        known = self._known
        with known.lock:
            known.calls[request.request_id] += 1
            if request.request_id in known.reverted:
                return known.reverted[request.request_id]
            change = known.changed[request.change_id]
            customer = known.customers[change.customer.customer_id]
            if customer.mobile != change.customer.mobile:
                raise Refusal(Kind.ABORTED, "MOBILE_CHANGED_SINCE", "changed since")
            answer = registry_pb2.RevertMobileResponse(old_mobile=customer.mobile)
            customer.mobile = change.old_mobile
            customer.version += 1
            answer.customer.CopyFrom(customer)
            known.reverted[request.request_id] = answer
            return answer

    def FreezeCustomer(self, request, context):  # type: ignore[no-untyped-def]
        self._known.frozen.add(request.customer_id)
        return registry_pb2.FreezeCustomerResponse()

    def UnfreezeCustomer(self, request, context):  # type: ignore[no-untyped-def]
        self._known.frozen.discard(request.customer_id)
        return registry_pb2.UnfreezeCustomerResponse()

    def ChangeMobile(self, request, context):  # type: ignore[no-untyped-def]
        known = self._known
        with known.lock:
            known.calls[request.request_id] += 1
            if request.request_id in known.changed:
                return known.changed[request.request_id]
            customer = known.customers[request.customer_id]
            if customer.version != request.expected_version:
                raise Refusal(Kind.ABORTED, "VERSION_CHANGED", "the customer changed")
            if request.new_mobile in known.usernames:
                raise Refusal(Kind.FAILED_PRECONDITION, "USERNAME_TAKEN", "another account's")
            old = customer.mobile
            customer.mobile = request.new_mobile
            customer.version += 1
            known.holds[request.request_id] = request.hold_claims
            answer = registry_pb2.ChangeMobileResponse(old_mobile=old)
            answer.customer.CopyFrom(customer)
            known.changed[request.request_id] = answer
            return answer


@dataclass
class Texts:
    """What otp knows: challenges, proofs, and the texts that went out, by request_id."""

    challenges: dict[str, otp_pb2.IssueChallengeRequest] = field(default_factory=dict)
    proofs: dict[str, otp_pb2.IssueChallengeRequest] = field(default_factory=dict)
    spent: dict[str, str] = field(default_factory=dict)
    notices: dict[str, otp_pb2.SendNoticeRequest] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Otp(otp_pb2_grpc.OtpServiceServicer):
    def __init__(self, known: Texts) -> None:
        self._known = known

    def IssueChallenge(self, request, context):  # type: ignore[no-untyped-def]
        challenge_id = uuid.uuid4().hex
        self._known.challenges[challenge_id] = request
        challenge = otp_pb2.Challenge(challenge_id=challenge_id, channel=request.channel, attempts_left=5)
        return otp_pb2.IssueChallengeResponse(challenge=challenge)

    def ResendChallenge(self, request, context):  # type: ignore[no-untyped-def]
        issued = self._known.challenges.get(request.challenge_id)
        if issued is None or request.subject not in ("", issued.subject):
            raise not_found("challenge")
        return otp_pb2.ResendChallengeResponse(challenge=otp_pb2.Challenge(challenge_id=request.challenge_id))

    def GetChallenge(self, request, context):  # type: ignore[no-untyped-def]
        issued = self._known.challenges.get(request.challenge_id)
        if issued is None or request.subject not in ("", issued.subject):
            raise not_found("challenge")
        challenge = otp_pb2.Challenge(challenge_id=request.challenge_id, delivery=otp_pb2.DELIVERY_SENT)
        return otp_pb2.GetChallengeResponse(challenge=challenge)

    def CheckChallenge(self, request, context):  # type: ignore[no-untyped-def]
        issued = self._known.challenges.get(request.challenge_id)
        if issued is None or (issued.subject, issued.purpose) != (request.subject, request.purpose):
            raise not_found("challenge")
        if request.code != CODE:
            return otp_pb2.CheckChallengeResponse(outcome=otp_pb2.OUTCOME_INCORRECT, attempts_left=4)
        proof = uuid.uuid4().hex
        self._known.proofs[proof] = issued
        return otp_pb2.CheckChallengeResponse(outcome=otp_pb2.OUTCOME_APPROVED, attempts_left=4, proof=proof)

    def ConsumeProof(self, request, context):  # type: ignore[no-untyped-def]
        known = self._known
        issued = known.proofs.get(request.proof)
        if issued is None or (issued.subject, issued.purpose) != (request.subject, request.purpose):
            raise not_found("proof")
        with known.lock:
            if known.spent.setdefault(request.proof, request.request_id) != request.request_id:
                raise Refusal(Kind.FAILED_PRECONDITION, "PROOF_USED", "spent")
        return otp_pb2.ConsumeProofResponse(
            issued_by="contact-change", approved_at=to_timestamp(datetime.now(UTC)), destination=issued.destination
        )

    def SendNotice(self, request, context):  # type: ignore[no-untyped-def]
        self._known.notices.setdefault(request.request_id, request)
        return otp_pb2.SendNoticeResponse(notice_id=request.request_id)


class Peer:
    """A server in this process, on a port of its own."""

    def __init__(self, pki: Pki, name: str, add: Callable[[grpc.aio.Server], None], services: tuple[str, ...]) -> None:
        self.port = free_port()
        settings = load(ServerSettings, name, server_environment(pki, name, self.port))

        async def wire() -> serving.Wiring:
            return serving.Wiring(add, services)

        wired: Callable[[], Awaitable[serving.Wiring]] = wire
        self._server = ServerThread(settings, wired)

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def stop(self) -> None:
        self._server.stop()


def auth(pki: Pki, known: Customers) -> Peer:
    def add(server: grpc.aio.Server) -> None:
        session_pb2_grpc.add_SessionServiceServicer_to_server(_Sessions(known), server)
        registry_pb2_grpc.add_CustomerRegistryServiceServicer_to_server(_Registry(known), server)

    return Peer(pki, "auth", add, ("recapito.auth.v1.SessionService", "recapito.auth.v1.CustomerRegistryService"))


def otp(pki: Pki, known: Texts) -> Peer:
    def add(server: grpc.aio.Server) -> None:
        otp_pb2_grpc.add_OtpServiceServicer_to_server(_Otp(known), server)

    return Peer(pki, "otp", add, ("recapito.otp.v1.OtpService",))


def blob_environment(folder: Path) -> dict[str, str]:
    """Where documents go in a test, and what wraps their keys."""
    return {"RECAPITO_BLOB_DIR": str(folder / "blobs"), "RECAPITO_DOCUMENT_KEYS": "test:" + "A" * 43 + "="}
