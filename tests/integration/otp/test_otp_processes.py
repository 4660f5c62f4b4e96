"""Two processes of the service share a port: what is counted is counted over both."""

import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from recapito.common.v1 import client_pb2
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_otp.settings import OtpSettings
from recapito_servicekit.settings import load
from recapito_servicekit.status import refusal_from
from tests.integration.otp.service import environment, outcome
from tests.integration.otp.test_otp_delivery import delivering, wait_until
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.redis import RedisServer
from tests.support.serving import ServiceProcess
from tests.support.smtp import SmtpSink, text_of

CONNECTIONS = 24


class Pair:
    """The two processes, and connections that end at either."""

    def __init__(self, pki: Pki, redis_url: str, folder: Path) -> None:
        self.port = free_port()
        self.environment = environment(pki, redis_url, self.port)
        self.metrics = [free_port(), free_port()]
        self.processes = []
        for number, metrics in enumerate(self.metrics):
            told = {**self.environment, "RECAPITO_METRICS_BIND": f"127.0.0.1:{metrics}"}
            self.processes.append(ServiceProcess("otp", ["serve"], told, folder / f"otp-{number}.log"))
            wait_until(partial(_answers, metrics), 60)
        parts = [(pki.folder / name).read_bytes() for name in ("ca.pem", "auth-key.pem", "auth.pem")]
        credentials = grpc.ssl_channel_credentials(*parts)
        # without a pool of its own a channel would share the connection of the one before
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.secure_channel(f"localhost:{self.port}", credentials, options) for _ in range(CONNECTIONS)]
        self.stubs = [otp_pb2_grpc.OtpServiceStub(channel) for channel in self._channels]

    def parallel(self, count: int, call: Callable[[otp_pb2_grpc.OtpServiceStub, int], str]) -> Counter[str]:
        """What ``count`` calls give, forty at a time over all connections."""

        def one(number: int) -> str:
            try:
                return call(self.stubs[number % CONNECTIONS], number)
            except grpc.RpcError as error:
                return refusal_from(error).reason

        with ThreadPoolExecutor(40) as pool:
            return Counter(pool.map(one, range(count)))

    def answered(self, rpc: str) -> list[float]:
        """How many calls each process answered."""
        found = []
        for port in self.metrics:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
                lines = page.read().decode().splitlines()
            name = f'recapito_grpc_calls_total{{caller="auth",code="OK",rpc="recapito.otp.v1.OtpService/{rpc}"}} '
            found.append(sum(float(line.removeprefix(name)) for line in lines if line.startswith(name)))
        return found

    def stop(self) -> None:
        for channel in self._channels:
            channel.close()
        assert [process.stop() for process in self.processes] == [0, 0]


def _answers(port: int) -> bool:
    """Whether a process is ready; the port that both share would not say which of them is."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as page:
            return bool(page.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def both(pki: Pki, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(pki, redis_server.url(), tmp_path_factory.mktemp("both"))
    yield made
    made.stop()


@pytest.fixture
def pair(both: Pair, redis_url: str) -> Pair:
    """The two processes over an empty Redis."""
    return both


@pytest.fixture
def worker(both: Pair, redis_url: str, mailbox: SmtpSink) -> OtpSettings:
    """The settings of a worker that delivers what either of them queues."""
    return load(OtpSettings, "otp", {**both.environment, **mailbox.settings()})


def ask(number: int = 0, **fields: Any) -> otp_pb2.IssueChallengeRequest:
    ordinary: dict[str, Any] = {
        "request_id": f"r{number}",
        "subject": "C1",
        "purpose": "sign_in",
        "destination": "+393201234519",
        "locale": "it",
    }
    return otp_pb2.IssueChallengeRequest(channel=otp_pb2.CHANNEL_SMS, **{**ordinary, **fields})


def issued(pair: Pair, worker: OtpSettings, mailbox: SmtpSink) -> tuple[str, str]:
    """A challenge and its code, as a person reads it."""
    with delivering(worker):
        challenge_id = pair.stubs[0].IssueChallenge(ask()).challenge.challenge_id
        text = text_of(mailbox.wait("393201234519@sms.test")[0])
    return challenge_id, text.rstrip()[-6:]


def check(stub: otp_pb2_grpc.OtpServiceStub, challenge_id: str, code: str) -> str:
    request = otp_pb2.CheckChallengeRequest(challenge_id=challenge_id, subject="C1", purpose="sign_in", code=code)
    return outcome(stub.CheckChallenge(request))


def test_two_hundred_guesses_compare_five(pair: Pair, worker: OtpSettings, mailbox: SmtpSink) -> None:
    challenge_id, code = issued(pair, worker, mailbox)
    wrong = [f"{number:06d}" for number in range(201) if f"{number:06d}" != code]
    assert pair.parallel(200, lambda stub, n: check(stub, challenge_id, wrong[n])) == {"INCORRECT": 5, "EXHAUSTED": 195}
    assert all(pair.answered("CheckChallenge"))


def test_fifty_right_codes_are_approved_once(pair: Pair, worker: OtpSettings, mailbox: SmtpSink) -> None:
    challenge_id, code = issued(pair, worker, mailbox)
    assert pair.parallel(50, lambda stub, n: check(stub, challenge_id, code)) == {"APPROVED": 1, "USED": 49}


def test_fifty_spendings_of_a_proof_spend_it_once(pair: Pair, worker: OtpSettings, mailbox: SmtpSink) -> None:
    with delivering(worker):
        challenge_id = pair.stubs[0].IssueChallenge(ask(purpose="step_up")).challenge.challenge_id
        code = text_of(mailbox.wait("393201234519@sms.test")[0]).rstrip()[-6:]
    guess = otp_pb2.CheckChallengeRequest(challenge_id=challenge_id, subject="C1", purpose="step_up", code=code)
    spend = otp_pb2.ConsumeProofRequest(proof=pair.stubs[1].CheckChallenge(guess).proof, subject="C1", purpose="step_up")
    assert pair.parallel(50, lambda stub, n: stub.ConsumeProof(spend).issued_by) == {"auth": 1, "PROOF_USED": 49}


def test_limits_are_exact(pair: Pair) -> None:
    def to_one(stub: otp_pb2_grpc.OtpServiceStub, n: int) -> str:
        stub.IssueChallenge(ask(n))
        return "ISSUED"

    def from_one_address(stub: otp_pb2_grpc.OtpServiceStub, n: int) -> str:
        mail: dict[str, Any] = {"channel": otp_pb2.CHANNEL_EMAIL, "destination": f"n{n}@example.it"}
        request = otp_pb2.IssueChallengeRequest(request_id=f"a{n}", subject="C1", purpose="sign_in", **mail)
        request.client.CopyFrom(client_pb2.Client(ip="203.0.113.7"))
        stub.IssueChallenge(request)
        return "ISSUED"

    def to_a_prefix(stub: otp_pb2_grpc.OtpServiceStub, n: int) -> str:
        stub.IssueChallenge(ask(n, destination=f"+39347{1_000_000 + n}"))
        return "ISSUED"

    assert pair.parallel(40, to_one) == {"ISSUED": 3, "TOO_MANY_TO_DESTINATION": 37}
    assert pair.parallel(60, from_one_address) == {"ISSUED": 20, "TOO_MANY_FROM_CLIENT": 40}
    assert pair.parallel(80, to_a_prefix) == {"ISSUED": 50, "PREFIX_STOPPED": 30}
    assert all(pair.answered("IssueChallenge"))


def test_same_request_to_both_gets_one_challenge(pair: Pair) -> None:
    found = pair.parallel(40, lambda stub, n: stub.IssueChallenge(ask()).challenge.challenge_id)
    assert list(found.values()) == [40]


def test_subject_that_one_process_cancels_is_cancelled_at_the_other(pair: Pair, worker: OtpSettings, mailbox: SmtpSink) -> None:
    challenge_id, code = issued(pair, worker, mailbox)
    pair.stubs[0].CancelSubject(otp_pb2.CancelSubjectRequest(subject="C1"))
    assert pair.parallel(48, lambda stub, n: check(stub, challenge_id, code)) == {"USED": 48}
