"""The whole system, as ``make up`` starts it, on ports and in a folder of the test run's own."""

import csv
import io
import itertools
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import grpc
import pyotp
from codicefiscale import codicefiscale
from recapito.auth.v1 import (
    authentication_pb2,
    authentication_pb2_grpc,
    operator_pb2,
    operator_pb2_grpc,
    registration_pb2,
    registration_pb2_grpc,
)
from recapito.otp.v1 import otp_pb2

from deploy.demo.inbox import Inbox
from recapito_servicekit.calling import channel
from recapito_servicekit.tls import Identity

PASSWORD = "tre cavalli blu al galoppo"
COLUMNS = [
    "customer_id",
    "person_type",
    "given_name",
    "family_name",
    "codice_fiscale",
    "email",
    "mobile",
    "language",
    "policy_numbers",
]
GRPC_PORTS = {"auth": 50051, "otp": 50052, "contact-change": 50053, "claims": 50054}


@dataclass(frozen=True)
class Known:
    """A customer that a test put into the registry."""

    customer_id: str
    given_name: str
    family_name: str
    email: str
    mobile: str


# Where the systems of one run stand: this far from the default ports, and apart. A second run beside it is told another one.
FIRST_OFFSET = int(os.environ.get("RECAPITO_TEST_PORT_OFFSET", "11000"))


@dataclass(frozen=True)
class Operator:
    """An operator that a test created."""

    name: str
    password: str
    totp_secret: str


class System:
    """A system of its own; ``offset`` moves all its ports, ``settings`` are told to every process."""

    def __init__(self, folder: Path, offset: int, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self.var = folder / "var"
        self.offset = offset
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RECAPITO_")},
            "RECAPITO_EMBEDDED_VAR": str(self.var),
            "RECAPITO_EMBEDDED_PORT_OFFSET": str(offset),
            **settings,
        }
        self.portal = f"http://localhost:{8080 + offset}"
        self.console = f"http://localhost:{8081 + offset}"
        self.inbox = Inbox(f"http://localhost:{8025 + offset}")
        self._numbers = itertools.count(int(uuid.uuid4().int % 1_000_000))

    def up(self) -> None:
        self._run("up", "--detach")

    def down(self) -> None:
        self._run("down")

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "recapito_embedded", *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def channel(self, caller: str, service: str) -> grpc.Channel:
        """A channel to a service with the certificate of ``caller``."""
        parts = ("ca.pem", f"{caller}.pem", f"{caller}-key.pem")
        identity = Identity(*((self.var / "tls" / part).read_bytes() for part in parts))
        return channel(f"localhost:{GRPC_PORTS[service] + self.offset}", identity)

    def environment_of(self, service: str) -> dict[str, str]:
        """The settings of a service's processes."""
        lines = (self.var / "env" / f"{service}.env").read_text().splitlines()
        pairs = (line.partition("=") for line in lines if line)
        return {name: value.strip("'\"") for name, _, value in pairs}

    def command(self, service: str, *arguments: str) -> str:
        """What a service's command prints. Raises AssertionError where it fails."""
        command = [sys.executable, "-m", f"recapito_{service.replace('-', '_')}", *arguments]
        environment = {**self._environment, **self.environment_of(service)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def customers(self, count: int, *, mobile: bool = True) -> list[Known]:
        """Puts new customers into the registry by the command."""
        numbers = [next(self._numbers) % 10_000_000 for _ in range(count)]
        made = [
            Known(f"T{n:07d}", "Nicolò", f"D’Angelo {_letters(n)}", f"n{n:07d}@example.com", f"+39320{n:07d}" if mobile else "")
            for n in numbers
        ]
        self.import_rows(
            (k.customer_id, "PERSON", k.given_name, k.family_name, _code(k), k.email, k.mobile, "it", f"POL-{k.customer_id}")
            for k in made
        )
        return made

    def import_rows(self, rows: Iterable[tuple[str, ...]]) -> None:
        """Imports rows in the order of COLUMNS."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        file = self.var / f"import-{uuid.uuid4().hex}.csv"
        file.write_text(text.getvalue(), encoding="utf-8")
        self.command("auth", "import-customers", str(file))

    def operator(self, role: str, customer_id: str = "") -> Operator:
        """Creates an operator by the command."""
        name = f"{role}-{uuid.uuid4().hex[:8]}"
        secret = self.var / f"{name}.txt"
        secret.write_text(PASSWORD)
        more = ("--customer-id", customer_id) if customer_id else ()
        printed = self.command("auth", "create-operator", name, "--role", role, "--password-file", str(secret), *more)
        uri = re.search(r"^otpauth://\S+$", printed, re.MULTILINE)
        assert uri is not None, printed
        return Operator(name, PASSWORD, parse_qs(urlsplit(uri.group()).query)["secret"][0])

    def operator_token(self, operator: Operator) -> str:
        """Signs an operator in."""
        with self.channel("console", "auth") as to_auth:
            request = operator_pb2.OperatorServiceSignInRequest(
                username=operator.name, password=operator.password, totp=pyotp.TOTP(operator.totp_secret).now()
            )
            return operator_pb2_grpc.OperatorServiceStub(to_auth).SignIn(request).session.token

    def register(self, known: Known, contact: str) -> None:
        """Registers a customer with ``contact``."""
        with self.channel("portal", "auth") as to_auth:
            stub = registration_pb2_grpc.RegistrationServiceStub(to_auth)
            before = len(self.inbox.texts(contact))
            started = stub.StartRegistration(
                registration_pb2.StartRegistrationRequest(
                    person_type=registration_pb2.PERSON_TYPE_PERSON,
                    given_name=known.given_name,
                    family_name=known.family_name,
                    contact=contact,
                )
            )
            code = self.inbox.code(contact, before + 1)
            checked = stub.VerifyContact(
                registration_pb2.VerifyContactRequest(registration_id=started.registration_id, code=code)
            )
            assert checked.outcome == otp_pb2.OUTCOME_APPROVED
            stub.CompleteRegistration(
                registration_pb2.CompleteRegistrationRequest(registration_id=started.registration_id, password=PASSWORD)
            )

    def start_sign_in(self, username: str) -> authentication_pb2.SignInResponse:
        """Password alone."""
        with self.channel("portal", "auth") as to_auth:
            stub = authentication_pb2_grpc.AuthenticationServiceStub(to_auth)
            return stub.SignIn(authentication_pb2.SignInRequest(username=username, password=PASSWORD))

    def sign_in(self, known: Known) -> str:
        """Password and code; gives the session's token."""
        before = len(self.inbox.texts(known.mobile))
        required = self.start_sign_in(known.mobile).code_required
        with self.channel("portal", "auth") as to_auth:
            code = self.inbox.code(known.mobile, before + 1)
            request = authentication_pb2.CompleteSignInRequest(sign_in_id=required.sign_in_id, code=code)
            done = authentication_pb2_grpc.AuthenticationServiceStub(to_auth).CompleteSignIn(request)
        assert done.outcome == otp_pb2.OUTCOME_APPROVED
        return done.session.token

    def signed_in(self) -> tuple[Known, str]:
        """A new customer, registered with the mobile and signed in."""
        known = self.customers(1)[0]
        self.register(known, known.mobile)
        return known, self.sign_in(known)


def _letters(number: int) -> str:
    """A number as a word, for a family name of its own."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:07d}").capitalize()


def _code(known: Known) -> str:
    """A codice fiscale of valid form, another one for each customer."""
    born = date(1940, 1, 1) + timedelta(days=int(known.customer_id[1:]) % 22_000)
    return str(codicefiscale.encode(known.family_name, known.given_name, "M", born.strftime("%d/%m/%Y"), "Roma"))
