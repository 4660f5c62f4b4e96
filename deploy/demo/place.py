"""Where the running system is, and its commands. Every address is a variable, so that the demo plays against any installation."""

import csv
import io
import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import grpc
from codicefiscale import codicefiscale

from deploy.demo.inbox import Inbox
from recapito_embedded.layout import Layout

CHECKOUT: Final = Path(__file__).resolve().parents[2]
PASSWORD: Final = "tre cavalli blu al galoppo"
COLUMNS: Final = (
    *("customer_id", "person_type", "given_name", "family_name", "codice_fiscale"),
    *("email", "mobile", "language", "policy_numbers"),
)
_STORE: Final = 'cat > "$0" && exec recapito-auth "$@"'


@dataclass(frozen=True)
class Customer:
    """Somebody whom the company knows, made up for this run."""

    customer_id: str
    given_name: str
    family_name: str
    email: str
    mobile: str

    @property
    def policy(self) -> str:
        """The policy's number."""
        return f"POL-{self.customer_id}"


@dataclass(frozen=True)
class Operator:
    """An operator made for this run."""

    name: str
    totp_secret: str


class Place:
    """The system under ``RECAPITO_DEMO_…``; without any, the embedded default of this checkout."""

    def __init__(self) -> None:
        here = Layout.read(os.environ)
        self.portal = os.environ.get("RECAPITO_DEMO_PORTAL", f"http://{here.address('portal')}")
        self.console = os.environ.get("RECAPITO_DEMO_CONSOLE", f"http://{here.address('console')}")
        self.auth = os.environ.get("RECAPITO_DEMO_AUTH", here.address("auth"))
        self.inbox = Inbox(os.environ.get("RECAPITO_DEMO_INBOX", f"http://{here.address('inbox')}"))
        self._tls = Path(os.environ.get("RECAPITO_DEMO_TLS", here.var / "tls"))
        # what stands before a command, e.g. "docker-compose exec -T auth"
        self._prefix = shlex.split(os.environ.get("RECAPITO_DEMO_RUN", ""))
        self.run = f"{int(time.time()) % 10_000_000:07d}"  # new customers each time, so that the demo can be played again

    def channel(self, caller: str) -> grpc.Channel:
        """A plain gRPC channel to auth with a caller's certificate: what another service would open."""
        parts = ("ca.pem", f"{caller}-key.pem", f"{caller}.pem")
        credentials = grpc.ssl_channel_credentials(*((self._tls / part).read_bytes() for part in parts))
        return grpc.secure_channel(self.auth, credentials)

    def customer(self, given_name: str, family_name: str, number: int, *, mobile: bool) -> Customer:
        """A customer of this run."""
        digits = f"{(int(self.run) + number * 1_111_111) % 10_000_000:07d}"
        local = f"{given_name}.{family_name}.{self.run}".lower().translate(str.maketrans("òàèéìù' ", "oaeeiu__"))
        return Customer(
            f"D{self.run}{number}",
            given_name,
            family_name,
            f"{local.replace('_', '')}@example.com",
            f"+39320{digits}" if mobile else "",
        )

    def new_mobile(self, number: int) -> str:
        """A mobile that nobody has yet, E.164."""
        return f"+39347{(int(self.run) + number * 2_222_221) % 10_000_000:07d}"

    def import_customers(self, customers: list[Customer]) -> str:
        """Puts customers into the registry by ``recapito-auth import-customers``; gives what the command says."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for place, customer in enumerate(customers):
            born = date(1950, 1, 1) + timedelta(days=(int(self.run) + 7919 * place) % 18_000)
            code = codicefiscale.encode(customer.family_name, customer.given_name, "M", born.strftime("%d/%m/%Y"), "Roma")
            names = (customer.customer_id, "PERSON", customer.given_name, customer.family_name, code)
            writer.writerow((*names, customer.email, customer.mobile, "it", customer.policy))
        return self._command(["import-customers"], f"demo-{self.run}.csv", text.getvalue())

    def create_operator(self, role: str) -> Operator:
        """Makes an operator by ``recapito-auth create-operator``."""
        name = f"demo-{role}-{self.run}"
        printed = self._command(["create-operator", name, "--role", role, "--password-file"], f"demo-{self.run}.txt", PASSWORD)
        found = re.search(r"^otpauth://\S+$", printed, re.MULTILINE)
        if found is None:
            raise AssertionError("create-operator printed no otpauth:// line")
        return Operator(name, parse_qs(urlsplit(found.group()).query)["secret"][0])

    def _command(self, arguments: list[str], file: str, content: str) -> str:
        """Runs a command of auth with a file as its last argument, where auth runs."""
        path = f"/tmp/{file}"  # noqa: S108  # inside a container there is no other place to write
        scripts = Path(sys.executable).parent
        environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"}
        command = [*self._prefix, "sh", "-c", f"umask 077; {_STORE}", path, *arguments, path]
        done = subprocess.run(command, input=content, capture_output=True, text=True, env=environment, cwd=CHECKOUT, check=False)
        if not self._prefix:
            Path(path).unlink(missing_ok=True)
        if done.returncode:
            raise AssertionError(f"recapito-auth {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout
