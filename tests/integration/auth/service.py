"""The auth service over real gRPC with mTLS, SQL and Redis, beside a real OTP service; the clock is the test's."""

import base64
import dataclasses
import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pyotp
import pytest
import sqlalchemy as sa
from recapito.auth.v1 import (
    authentication_pb2,
    authentication_pb2_grpc,
    operator_pb2,
    operator_pb2_grpc,
    recovery_pb2,
    recovery_pb2_grpc,
    registration_pb2,
    registration_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
)
from recapito.common.v1 import client_pb2
from recapito.otp.v1 import otp_pb2

import recapito_auth
from recapito_auth.__main__ import wire
from recapito_auth.flows.create_operator import Enrolled, Enrolment, create_operator
from recapito_auth.registry_import import run
from recapito_auth.registry_import.spool import Spool
from recapito_auth.settings import AuthSettings
from recapito_auth.store import audit
from recapito_auth.store.tables import OUTBOX
from recapito_servicekit import sql
from recapito_servicekit.calling import bearer
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Refusal
from recapito_servicekit.settings import load
from recapito_servicekit.status import refusal_from
from tests.integration.otp.service import Otp
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServerThread, channel_as, server_environment

PASSWORD = "tre cavalli blu al galoppo"
REGISTRY = """customer_id,person_type,given_name,family_name,codice_fiscale,email,mobile,language,policy_numbers
C1,PERSON,Maria,Rossi,RSSMRA80A41H501Y,maria.rossi@example.com,320 1234519,it,P-1
C2,PERSON,Nicolò Maria,D’Angelo,DNGNLM75T04F205C,nicolo.dangelo@example.com,,it,P-2
C3,PERSON,Anna,Verdi,VRDNNA85D50L219M,famiglia.verdi@example.com,333 1234567,it,P-3
C4,PERSON,Anna,Verdi,VRDNNA60D50L219D,famiglia.verdi@example.com,,it,P-4
C5,PERSON,Luca,Verdi,VRDLCU90A01H501I,famiglia.verdi@example.com,333 1234567,it,P-5
C6,COMPANY,,Rossi & C. S.n.c.,00000010215,studio@example.com,347 1234567,en,P-6
C7,PERSON,玉,陳,CHNYXX80A41Z210E,chen@example.com,389 1234567,en,P-7
C8,PERSON,Ruggiero,Bellò,BLLRGR70A01H501Y,bello@example.com,370 1234567,it,P-8
C9,PERSON,Ruggiero Antonio,Bellò,BLLRGR70A02H501D,bello@example.com,370 1234567,it,P-9
"""
# what no setting may say: most tests are not about what a hash costs
CHEAP_KIB, CHEAP_PASSES = 64, 1
START = registration_pb2.StartRegistrationRequest
PERSON = registration_pb2.PERSON_TYPE_PERSON
COMPANY = registration_pb2.PERSON_TYPE_COMPANY


def app_of(uri: str) -> pyotp.TOTP:
    """The authenticator app that took an ``otpauth://`` URI."""
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


class Auth:
    """A running service with a small registry, and its OTP service. ``full_cost``: it hashes as the settings say."""

    def __init__(
        self,
        pki: Pki,
        redis_url: str,
        database_url: str,
        otp: Otp,
        clock: Clock,
        folder: Path,
        *,
        full_cost: bool = False,
        **more: str,
    ) -> None:
        self.pki, self.otp, self.clock, self.port = pki, otp, clock, free_port()
        self.environment = {
            **server_environment(pki, "auth", self.port),
            "RECAPITO_REDIS_URL": redis_url,
            "RECAPITO_DATABASE_URL": database_url,
            "RECAPITO_OTP_ADDRESS": f"localhost:{otp.port}",
            "RECAPITO_TOTP_KEY": base64.b64encode(bytes(range(32))).decode(),
            **more,
        }
        self.settings = load(AuthSettings, "auth", self.environment)
        if not full_cost:
            self.settings = dataclasses.replace(self.settings, argon2_memory_kib=CHEAP_KIB, argon2_passes=CHEAP_PASSES)
        sql.migrate(database_url, Path(recapito_auth.__file__).parent)
        self.database = sql.Database(database_url, 4)
        self.import_text(REGISTRY, folder / "registry.csv")
        self.server = ServerThread(self.settings, functools.partial(wire, self.settings, clock))
        self._channels: dict[str, grpc.Channel] = {}
        self.registration = registration_pb2_grpc.RegistrationServiceStub(self.channel("portal"))
        self.authentication = authentication_pb2_grpc.AuthenticationServiceStub(self.channel("portal"))
        self.sessions = session_pb2_grpc.SessionServiceStub(self.channel("portal"))
        self.accounts = session_pb2_grpc.AccountServiceStub(self.channel("portal"))
        self.recovery = recovery_pb2_grpc.RecoveryServiceStub(self.channel("portal"))
        self.registry = registry_pb2_grpc.CustomerRegistryServiceStub(self.channel("contact-change"))
        self.internal = registry_pb2_grpc.CustomerRegistryServiceStub(self.channel("internal"))
        self.operators = operator_pb2_grpc.OperatorServiceStub(self.channel("console"))

    def channel(self, caller: str) -> grpc.Channel:
        if caller not in self._channels:
            self._channels[caller] = channel_as(self.pki, caller, self.port)
        return self._channels[caller]

    def import_text(self, text: str, file: Path, as_of: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> run.Result:
        file.write_text(text, encoding="utf-8")
        spool, now = Spool(), datetime(2026, 11, 22, tzinfo=UTC)
        assert run.read(file, spool, lambda _: None) == []
        result = run.write(self.database, spool, as_of, now, lambda _: None, dry_run=False)
        spool.close()
        return result

    def start(self, given: str, family: str, contact: str, kind: Any = PERSON) -> registration_pb2.StartRegistrationResponse:
        return self.registration.StartRegistration(
            START(
                person_type=kind, given_name=given, family_name=family, contact=contact, locale="it", client=client("192.0.2.9")
            )
        )

    def verify(self, registration_id: str, code: str) -> registration_pb2.VerifyContactResponse:
        return self.registration.VerifyContact(registration_pb2.VerifyContactRequest(registration_id=registration_id, code=code))

    def complete(self, registration_id: str, password: str = PASSWORD) -> str:
        request = registration_pb2.CompleteRegistrationRequest(registration_id=registration_id, password=password)
        return self.registration.CompleteRegistration(request).account_id

    def register(self, given: str = "Maria", family: str = "Rossi", contact: str = "3201234519", kind: Any = PERSON) -> str:
        """A registration that succeeds; gives the account's id."""
        started = self.start(given, family, contact, kind)
        assert self.verify(started.registration_id, self.otp.codes[-1]).outcome == otp_pb2.OUTCOME_APPROVED
        return self.complete(started.registration_id)

    def password(
        self, username: str = "320 1234519", password: str = PASSWORD, ip: str = "192.0.2.9", **fields: Any
    ) -> authentication_pb2.SignInResponse:
        request = authentication_pb2.SignInRequest(username=username, password=password, client=client(ip), **fields)
        return self.authentication.SignIn(request)

    def code(self, sign_in_id: str, code: str, *, trust: bool = False) -> authentication_pb2.CompleteSignInResponse:
        request = authentication_pb2.CompleteSignInRequest(sign_in_id=sign_in_id, code=code, trust_device=trust)
        return self.authentication.CompleteSignIn(request)

    def sign_in(self) -> str:
        """Signs Maria Rossi in; gives the token."""
        required = self.password().code_required
        return self.code(required.sign_in_id, self.otp.codes[-1]).session.token

    def trusted(self, username: str = "320 1234519", password: str = PASSWORD, **fields: Any) -> tuple[str, str]:
        """A sign-in that makes its device a trusted one; gives the session's token and the device's."""
        required = self.password(username, password, **fields).code_required
        done = self.code(required.sign_in_id, self.otp.codes[-1], trust=True)
        return done.session.token, done.device_token

    def audited(self, customer_id: str = "C1") -> list[dict[str, Any]]:
        """What was recorded of a customer, the oldest first."""
        with self.database.read() as connection:
            return [json.loads(record.body) for record in audit.latest_of(connection, customer_id, 1000)][::-1]

    def recover(self, username: str = "320 1234519", ip: str = "192.0.2.9") -> recovery_pb2.StartRecoveryResponse:
        request = recovery_pb2.StartRecoveryRequest(username=username, client=client(ip), locale="it")
        return self.recovery.StartRecovery(request)

    def recovery_code(self, recovery_id: str, code: str) -> recovery_pb2.VerifyRecoveryResponse:
        request = recovery_pb2.VerifyRecoveryRequest(recovery_id=recovery_id, code=code, client=client("192.0.2.9"))
        return self.recovery.VerifyRecovery(request)

    def new_password(self, recovery_id: str, password: str) -> None:
        self.recovery.CompleteRecovery(recovery_pb2.CompleteRecoveryRequest(recovery_id=recovery_id, password=password))

    def notices(self) -> list[tuple[str, str]]:
        """Template and destination of the notices that wait to be sent."""
        with self.database.read() as connection:
            kept = [json.loads(row.data) for row in connection.execute(sa.select(OUTBOX.c.data).order_by(OUTBOX.c.seq))]
        return [(data["template"], data["destination"]) for data in kept]

    def introspect(self, token: str) -> session_pb2.IntrospectResponse:
        return self.sessions.Introspect(session_pb2.IntrospectRequest(token=token))

    def change(self, **fields: Any) -> registry_pb2.ChangeMobileResponse:
        ordinary: dict[str, Any] = {
            "request_id": "change-1",
            "customer_id": "C1",
            "new_mobile": "+393471112223",
            "expected_version": 1,
        }
        return self.registry.ChangeMobile(registry_pb2.ChangeMobileRequest(**{**ordinary, **fields}))

    def customer(self, customer_id: str = "C1") -> registry_pb2.Customer:
        return self.registry.GetCustomer(registry_pb2.GetCustomerRequest(customer_id=customer_id)).customer

    def enrol(self, name: str, role: str = "reviewer", customer_id: str = "", *, password_made: bool = False) -> Enrolled:
        """Enrols an operator with PASSWORD, as the command does."""
        enrolment = Enrolment(name, role, customer_id, PASSWORD, password_made=password_made)
        return create_operator(self.settings, self.database, self.clock, enrolment)

    def operator(self, name: str, password: str, totp: str) -> operator_pb2.OperatorServiceSignInResponse:
        request = operator_pb2.OperatorServiceSignInRequest(
            username=name, password=password, totp=totp, client=client("192.0.2.9")
        )
        return self.operators.SignIn(request)

    def step_up(self, token: str, **fields: str) -> otp_pb2.Challenge:
        request = authentication_pb2.StartStepUpRequest(client=client("192.0.2.9"), **fields)
        return self.authentication.StartStepUp(request, metadata=bearer(token)).challenge

    def complete_step_up(self, token: str, challenge_id: str, code: str) -> authentication_pb2.CompleteStepUpResponse:
        request = authentication_pb2.CompleteStepUpRequest(challenge_id=challenge_id, code=code)
        return self.authentication.CompleteStepUp(request, metadata=bearer(token))

    def stop(self) -> None:
        for channel in self._channels.values():
            channel.close()
        self.server.stop()
        self.database.close()


def client(ip: str) -> client_pb2.Client:
    return client_pb2.Client(ip=ip, device_id="device", user_agent="test")


def refused(call: Callable[[], Any]) -> Refusal:
    """What a call is refused with."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return refusal_from(raised.value)
