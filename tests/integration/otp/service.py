"""The OTP service over real gRPC with mTLS and a real Redis; its clock and its codes are the test's."""

import base64
import itertools
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from recapito.common.v1 import client_pb2
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_otp.__main__ import wiring
from recapito_otp.settings import OtpSettings
from recapito_servicekit import serving
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Refusal
from recapito_servicekit.settings import load
from recapito_servicekit.status import refusal_from
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServerThread, channel_as, server_environment

MOBILE = "+393201234519"
HASH = "ab" * 32


def environment(pki: Pki, redis_url: str, port: int, **more: str) -> dict[str, str]:
    """The service's settings."""
    return {
        **server_environment(pki, "otp", port),
        "RECAPITO_REDIS_URL": redis_url,
        "RECAPITO_OTP_PEPPER": "pepper of the tests",
        "RECAPITO_OTP_SEAL_KEY": base64.b64encode(bytes(range(32))).decode(),
        **more,
    }


class Otp:
    """A running service. ``codes``: every code that it made, the oldest first."""

    def __init__(self, pki: Pki, redis_url: str, clock: Clock, **more: str) -> None:
        self.pki = pki
        self.port = free_port()
        self.environment = environment(pki, redis_url, self.port, **more)
        self.settings = load(OtpSettings, "otp", self.environment)
        self.codes: list[str] = []
        self._numbers = itertools.count(100_000, 7919)
        self._requests = itertools.count()
        self._channels: dict[tuple[str, int], grpc.Channel] = {}

        async def wire() -> serving.Wiring:
            return wiring(self.settings, clock, self._new_code)

        self._server = ServerThread(self.settings, wire)

    def _new_code(self, length: int) -> str:
        self.codes.append(f"{next(self._numbers):0{length}d}")
        return self.codes[-1]

    def as_(self, caller: str = "auth", connection: int = 0) -> otp_pb2_grpc.OtpServiceStub:
        """The service as ``caller`` sees it; another ``connection``, another channel."""
        if (caller, connection) not in self._channels:
            self._channels[caller, connection] = channel_as(self.pki, caller, self.port)
        return otp_pb2_grpc.OtpServiceStub(self._channels[caller, connection])

    def issue(self, caller: str = "auth", ip: str = "", **fields: Any) -> otp_pb2.Challenge:
        """A challenge; fields that aren't given are those of an ordinary sign-in."""
        ordinary: dict[str, Any] = {
            "request_id": f"request-{next(self._requests)}",
            "subject": "C1",
            "purpose": "sign_in",
            "channel": otp_pb2.CHANNEL_SMS,
            "destination": MOBILE,
            "locale": "it",
            "client": client_pb2.Client(ip=ip),
        }
        return self.as_(caller).IssueChallenge(otp_pb2.IssueChallengeRequest(**{**ordinary, **fields})).challenge

    def check(
        self, challenge_id: str, code: str, caller: str = "auth", connection: int = 0, **fields: Any
    ) -> otp_pb2.CheckChallengeResponse:
        """What the service finds."""
        ordinary: dict[str, Any] = {"subject": "C1", "purpose": "sign_in"}
        request = otp_pb2.CheckChallengeRequest(challenge_id=challenge_id, code=code, **{**ordinary, **fields})
        return self.as_(caller, connection).CheckChallenge(request)

    def resend(self, challenge_id: str, caller: str = "auth", ip: str = "") -> otp_pb2.Challenge:
        """The challenge with a new code."""
        request = otp_pb2.ResendChallengeRequest(challenge_id=challenge_id, client=client_pb2.Client(ip=ip))
        return self.as_(caller).ResendChallenge(request).challenge

    def get(self, challenge_id: str, caller: str = "auth") -> otp_pb2.Challenge:
        """The challenge as it stands."""
        return self.as_(caller).GetChallenge(otp_pb2.GetChallengeRequest(challenge_id=challenge_id)).challenge

    def consume(self, proof: str, caller: str = "auth", **fields: Any) -> otp_pb2.ConsumeProofResponse:
        """What the proof says."""
        ordinary: dict[str, Any] = {"subject": "C1", "purpose": "step_up"}
        return self.as_(caller).ConsumeProof(otp_pb2.ConsumeProofRequest(proof=proof, **{**ordinary, **fields}))

    def stop(self) -> None:
        for channel in self._channels.values():
            channel.close()
        self._server.stop()


def refused(call: Callable[[], Any]) -> Refusal:
    """What a call is refused with."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return refusal_from(raised.value)


def outcome(answer: otp_pb2.CheckChallengeResponse) -> str:
    """The finding's name."""
    return otp_pb2.Outcome.Name(answer.outcome).removeprefix("OUTCOME_")
