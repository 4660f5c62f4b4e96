"""What the examples under docs/callers/ stand on: channels to the system that `make up` started, made-up people whom the company
knows, and what they read on their phones.

    .venv/bin/python          # in the checkout, beside a running system; then paste an example
"""

import functools
import json
import os
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import grpc
import pyotp
from codicefiscale import codicefiscale
from google.protobuf import timestamp_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from recapito.auth.v1 import authentication_pb2 as authentication
from recapito.auth.v1 import operator_pb2 as operators
from recapito.auth.v1 import registration_pb2 as registration
from recapito.auth.v1 import registry_pb2 as registry
from recapito.auth.v1.authentication_pb2_grpc import AuthenticationServiceStub
from recapito.auth.v1.operator_pb2_grpc import OperatorServiceStub
from recapito.auth.v1.registration_pb2_grpc import RegistrationServiceStub
from recapito.auth.v1.registry_pb2_grpc import CustomerRegistryServiceStub

from deploy.demo.inbox import Inbox
from recapito_embedded.layout import Layout

HERE: Final = Layout.read(os.environ)
PASSWORD: Final = "tre cavalli blu al galoppo"
INBOX: Final = Inbox(f"http://{HERE.address('inbox')}")
_read: dict[str, int] = {}


@dataclass(frozen=True)
class Known:
    """Somebody whom the company knows."""

    customer_id: str
    given_name: str
    family_name: str
    email: str
    mobile: str
    policy: str


@functools.cache
def to(service: str, caller: str = "internal") -> grpc.Channel:
    """A channel to a service with the certificate of ``caller``."""
    ca, key, cert = ((HERE.var / "tls" / name).read_bytes() for name in ("ca.pem", f"{caller}-key.pem", f"{caller}.pem"))
    return grpc.secure_channel(HERE.address(service), grpc.ssl_channel_credentials(ca, key, cert))


def acting(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call in which the token's person acts."""
    return (("authorization", f"Bearer {token}"),)


def reason(error: grpc.RpcError) -> str:
    """The stable reason of an error; empty: it has none."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def customer(*, mobile: bool = True) -> Known:
    """Puts a made-up person into the registry."""
    number = random.randrange(10_000_000)
    made = Known(
        f"X{number:07d}",
        "Nicolò",
        "D'Angelo " + "".join("abcdefghij"[int(digit)] for digit in f"{number:07d}").capitalize(),
        f"x{number:07d}@example.com",
        f"+39327{number:07d}" if mobile else "",
        f"SAN-{number:07d}",
    )
    born = (date(1940, 1, 1) + timedelta(days=number % 22_000)).strftime("%d/%m/%Y")
    row = registry.ImportCustomersRequest.Row(
        customer_id=made.customer_id,
        person_type="PERSON",
        given_name=made.given_name,
        family_name=made.family_name,
        codice_fiscale=codicefiscale.encode(made.family_name, made.given_name, "M", born, "Roma"),
        email=made.email,
        mobile=made.mobile,
        language="it",
        policy_numbers=[made.policy],
    )
    as_of = timestamp_pb2.Timestamp()
    as_of.FromDatetime(datetime.now(UTC))
    head = registry.ImportCustomersRequest.Head(as_of=as_of)
    parts = iter([registry.ImportCustomersRequest(head=head), registry.ImportCustomersRequest(row=row)])
    CustomerRegistryServiceStub(to("auth")).ImportCustomers(parts, timeout=10)
    return made


def code_for(contact: str) -> str:
    """The next code that arrives for a mobile (E.164) or an email: a person who looks at their phone."""
    _read[contact] = _read.get(contact, 0) + 1
    return INBOX.code(contact, _read[contact])


def notices_for(contact: str, holds: str = "") -> list[str]:
    """The texts with ``holds`` in them that arrived for a contact, the oldest first, once there is one."""
    until = time.monotonic() + 15
    while not (found := [text for text in INBOX.texts(contact) if holds in text]) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def registered(*, mobile: bool = True) -> Known:
    """A person with an account; its user name is the email."""
    known = customer(mobile=mobile)
    stub = RegistrationServiceStub(to("auth", "portal"))
    started = stub.StartRegistration(
        registration.StartRegistrationRequest(
            person_type=registration.PERSON_TYPE_PERSON,
            given_name=known.given_name,
            family_name=known.family_name,
            contact=known.email,
        ),
        timeout=5,
    )
    typed = registration.VerifyContactRequest(registration_id=started.registration_id, code=code_for(known.email))
    stub.VerifyContact(typed, timeout=5)
    stub.CompleteRegistration(
        registration.CompleteRegistrationRequest(registration_id=started.registration_id, password=PASSWORD), timeout=5
    )
    return known


def signed_in(known: Known) -> str:
    """The token of a session, by password and code."""
    stub = AuthenticationServiceStub(to("auth", "portal"))
    asked = stub.SignIn(authentication.SignInRequest(username=known.email, password=PASSWORD), timeout=5).code_required
    typed = authentication.CompleteSignInRequest(sign_in_id=asked.sign_in_id, code=code_for(known.mobile))
    return str(stub.CompleteSignIn(typed, timeout=5).session.token)


@functools.cache
def operator(name: str) -> str:
    """The token of a sample operator's session: "anna" (a reviewer), "sara" (a supervisor) or "aldo" (an auditor)."""
    known = json.loads((HERE.var / "sample" / "operators.json").read_text())[name]
    stub = OperatorServiceStub(to("auth", "console"))
    for totp in _totps(known["totp_secret"]):
        try:
            request = operators.OperatorServiceSignInRequest(username=name, password=known["password"], totp=totp)
            return str(stub.SignIn(request, timeout=5).session.token)
        except grpc.RpcError as error:
            refused = error
    raise refused


def pieces(content: bytes, size: int = 65_536) -> Iterator[bytes]:
    """A file in the pieces of an upload."""
    return (content[at : at + size] for at in range(0, len(content), size))


def new_id() -> str:
    """A request's id."""
    return uuid.uuid4().hex


def _totps(secret: str) -> Iterator[str]:
    """The code of now, and, where somebody used that one already, the next."""
    app = pyotp.TOTP(secret)
    yield app.now()
    yield app.at(datetime.now(UTC), counter_offset=1)
