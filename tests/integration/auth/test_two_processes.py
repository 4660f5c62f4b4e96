"""Two processes of auth on one port: limits are exact, and what may happen once happens once."""

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pyotp
import pytest
from recapito.auth.v1 import authentication_pb2 as pb
from recapito.auth.v1 import (
    authentication_pb2_grpc,
    operator_pb2,
    operator_pb2_grpc,
    registration_pb2,
    registration_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
)
from recapito.otp.v1 import otp_pb2

from recapito_auth.flows.create_operator import Enrolment, create_operator
from recapito_auth.flows.verify_audit import verify_audit
from recapito_auth.store import audit
from recapito_auth.store.redisio import connect
from recapito_servicekit.clock import system_clock
from recapito_servicekit.status import refusal_from
from tests.integration.auth.service import PASSWORD, Auth, client
from tests.integration.otp.service import Otp
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.redis import RedisServer
from tests.support.serving import ServiceProcess, channel_as, wait_serving

PROCESSES = 2


class Processes:
    """The processes, and stubs of connections of their own, so that the kernel spreads them."""

    def __init__(self, auth: Auth, folder: Path) -> None:
        self.port = free_port()
        self.environment = {**auth.environment, "RECAPITO_GRPC_BIND": f"127.0.0.1:{self.port}"}
        self.running = [ServiceProcess("auth", ["serve"], self.environment, folder / f"auth-{n}.log") for n in range(PROCESSES)]
        for process in self.running:
            wait_serving(auth.pki, self.port, process)
        self._channels: dict[str, list[grpc.Channel]] = {}
        self._pki = auth.pki

    def channels(self, most: int, caller: str = "portal") -> list[grpc.Channel]:
        found = self._channels.setdefault(caller, [])
        while len(found) < most:
            found.append(channel_as(self._pki, caller, self.port))
        return found[:most]

    def stubs(self, most: int) -> list[authentication_pb2_grpc.AuthenticationServiceStub]:
        return [authentication_pb2_grpc.AuthenticationServiceStub(channel) for channel in self.channels(most)]

    def stop(self) -> None:
        for channel in itertools.chain(*self._channels.values()):
            channel.close()
        for process in self.running:
            process.stop()


@pytest.fixture
def auth(pki: Pki, redis_server: RedisServer, redis_url: str, database_url: str, tmp_path: Path) -> Iterator[Auth]:
    """A customer who is registered, by the system's clock as the processes go by it."""
    otp = Otp(pki, redis_url, system_clock)
    service = Auth(pki, redis_server.url(1), database_url, otp, system_clock, tmp_path, full_cost=True)
    service.register()
    yield service
    service.stop()
    otp.stop()


@pytest.fixture
def processes(auth: Auth, tmp_path: Path) -> Iterator[Processes]:
    made = Processes(auth, tmp_path)
    yield made
    made.stop()


def answered_by(process: ServiceProcess) -> int:
    """Connections that the process holds."""
    return sum("socket" in os.readlink(f"/proc/{process.process.pid}/fd/{fd}")
               for fd in os.listdir(f"/proc/{process.process.pid}/fd"))  # fmt: skip


def test_ten_passwords_are_compared_and_no_more(auth: Auth, processes: Processes) -> None:
    def guess(stub: authentication_pb2_grpc.AuthenticationServiceStub) -> grpc.StatusCode:
        try:
            stub.SignIn(pb.SignInRequest(username="3201234519", password="guess", client=client("")), timeout=30)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(guess, processes.stubs(8) * 3))
    assert set(codes) <= {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    with auth.database.read() as connection:
        failed = [record.body for record in audit.records(connection) if record.event == "SIGN_IN_FAILED"]
        compared = sum('"locked":false' in body for body in failed)
    assert compared == 10
    assert verify_audit(auth.database, None).broken_at is None


def test_five_codes_are_compared_and_one_right_one_opens_one_session(auth: Auth, processes: Processes) -> None:
    stubs = processes.stubs(8)
    until = time.monotonic() + 60
    while not all(answered_by(process) > 4 for process in processes.running):  # either of them says SERVING for both
        assert time.monotonic() < until
        time.sleep(0.05)

    def outcomes(code: str) -> list[pb.CompleteSignInResponse]:
        required = stubs[0].SignIn(pb.SignInRequest(username="3201234519", password=PASSWORD)).code_required
        request = pb.CompleteSignInRequest(sign_in_id=required.sign_in_id, code=code or auth.otp.codes[-1])

        def complete(stub: authentication_pb2_grpc.AuthenticationServiceStub) -> pb.CompleteSignInResponse:
            try:
                return stub.CompleteSignIn(request, timeout=30)
            except grpc.RpcError:
                return pb.CompleteSignInResponse()

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(complete, stubs * 2))

    wrong = [answer.outcome for answer in outcomes("000000")]
    assert wrong.count(otp_pb2.OUTCOME_INCORRECT) == 5
    right = outcomes("")
    assert sum(answer.outcome == otp_pb2.OUTCOME_APPROVED for answer in right) == 1
    assert sum(bool(answer.session.token) for answer in right) == 1
    assert verify_audit(auth.database, None).broken_at is None


def count(calls: Iterable[Callable[[], Any]]) -> Counter[str]:
    """What became of calls that are made at once: "OK" or the refusal's reason."""

    def made(call: Callable[[], Any]) -> str:
        try:
            call()
        except grpc.RpcError as error:
            return refusal_from(error).reason
        return "OK"

    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(made, calls))


def test_thirty_attempts_from_an_address_and_no_more(auth: Auth, processes: Processes) -> None:
    def attempt(stub: authentication_pb2_grpc.AuthenticationServiceStub, n: int) -> Callable[[], Any]:
        request = pb.SignInRequest(username=f"nobody{n}@example.com", password="guess", client=client("203.0.113.7"))
        return partial(stub.SignIn, request, timeout=30)

    calls = [attempt(stub, n) for n, stub in enumerate(processes.stubs(8) * 5)]
    assert count(calls) == {"SIGN_IN_FAILED": 30, "TOO_MANY_ATTEMPTS": 10}


def test_registration_is_completed_once_and_a_mobile_changed_and_taken_back_once(auth: Auth, processes: Processes) -> None:
    started = auth.start("Luca", "Verdi", "3331234567")
    auth.verify(started.registration_id, auth.otp.codes[-1])
    stubs = [registration_pb2_grpc.RegistrationServiceStub(channel) for channel in processes.channels(8)]
    complete = registration_pb2.CompleteRegistrationRequest(registration_id=started.registration_id, password=PASSWORD)
    with ThreadPoolExecutor(8) as pool:
        accounts = set(pool.map(lambda stub: stub.CompleteRegistration(complete, timeout=30).account_id, stubs))
    assert len(accounts) == 1
    registries = [registry_pb2_grpc.CustomerRegistryServiceStub(channel) for channel in processes.channels(8, "contact-change")]

    def change(n: int) -> registry_pb2.ChangeMobileRequest:
        return registry_pb2.ChangeMobileRequest(
            request_id=f"change-{n}", customer_id="C1", new_mobile=f"+39347111222{n}", expected_version=1
        )

    calls = [partial(stub.ChangeMobile, change(n), timeout=30) for n, stub in enumerate(registries)]
    assert count(calls) == {"OK": 1, "VERSION_CHANGED": 7}
    last = auth.customer().mobile[-1]
    reverts = [registry_pb2.RevertMobileRequest(request_id=f"revert-{n}", change_id=f"change-{last}") for n in range(8)]
    back = [partial(stub.RevertMobile, revert, timeout=30) for stub, revert in zip(registries, reverts, strict=True)]
    assert count(back) == {"OK": 1, "MOBILE_CHANGED_SINCE": 7}
    assert auth.customer().mobile == "+393201234519"
    assert verify_audit(auth.database, None).broken_at is None


def test_totp_and_recovery_code_open_one_session_each(auth: Auth, processes: Processes, tmp_path: Path) -> None:
    enrolment = Enrolment("anna", "reviewer", "", PASSWORD, password_made=False)
    enrolled = create_operator(auth.settings, auth.database, system_clock, enrolment)
    stubs = [operator_pb2_grpc.OperatorServiceStub(channel) for channel in processes.channels(8, "console")]
    code = pyotp.TOTP(parse_qs(urlsplit(enrolled.uri).query)["secret"][0]).now()
    for factor in (code, enrolled.recovery_codes[0]):
        request = operator_pb2.OperatorServiceSignInRequest(username="anna", password=PASSWORD, totp=factor, client=client(""))
        assert count([partial(stub.SignIn, request, timeout=30) for stub in stubs])["OK"] == 1
        redis_of(auth).delete(*redis_of(auth).scan_iter("auth:limit:*"))


def redis_of(auth: Auth) -> Any:
    return connect(auth.settings.redis_url, 1)
