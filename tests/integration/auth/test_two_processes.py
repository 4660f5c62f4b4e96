"""Two processes of auth on one port: limits are exact, and what may happen once happens once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from recapito.auth.v1 import authentication_pb2 as pb
from recapito.auth.v1 import authentication_pb2_grpc
from recapito.otp.v1 import otp_pb2

from recapito_auth.flows.verify_audit import verify_audit
from recapito_auth.store import audit
from recapito_servicekit.clock import system_clock
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
        self._channels: list[grpc.Channel] = []
        self._pki = auth.pki

    def stubs(self, most: int) -> list[authentication_pb2_grpc.AuthenticationServiceStub]:
        while len(self._channels) < most:
            self._channels.append(channel_as(self._pki, "portal", self.port))
        return [authentication_pb2_grpc.AuthenticationServiceStub(channel) for channel in self._channels[:most]]

    def stop(self) -> None:
        for channel in self._channels:
            channel.close()
        for process in self.running:
            process.stop()


@pytest.fixture
def auth(pki: Pki, redis_server: RedisServer, redis_url: str, database_url: str, tmp_path: Path) -> Iterator[Auth]:
    """A customer who is registered, by the system's clock as the processes go by it."""
    otp = Otp(pki, redis_url, system_clock)
    service = Auth(pki, redis_server.url(1), database_url, otp, system_clock, tmp_path)
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
            stub.SignIn(pb.SignInRequest(username="3201234519", password="guess", client=client("")), timeout=20)
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
    assert all(answered_by(process) > 4 for process in processes.running)

    def outcomes(code: str) -> list[pb.CompleteSignInResponse]:
        required = stubs[0].SignIn(pb.SignInRequest(username="3201234519", password=PASSWORD)).code_required
        request = pb.CompleteSignInRequest(sign_in_id=required.sign_in_id, code=code or auth.otp.codes[-1])

        def complete(stub: authentication_pb2_grpc.AuthenticationServiceStub) -> pb.CompleteSignInResponse:
            try:
                return stub.CompleteSignIn(request, timeout=20)
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
