"""A client process: so many connections, each with one call under way. ``bench.parts.Loads`` drives it.

A line on stdin names a phase, a line on stdout says what came of it. Every answer is looked at: a call that isn't answered as it
should be ends the process.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import uvloop
from recapito.auth.v1 import (
    authentication_pb2,
    authentication_pb2_grpc,
    registration_pb2,
    registration_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
)
from recapito.common.v1 import client_pb2
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from bench import people
from bench.report import CODE

Call = Callable[[grpc.aio.Channel, int], Awaitable[None]]


class Client:
    """The calls of a plan; ``first``: the number of its first one, so that processes don't ask for the same."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._challenges: dict[int, str] = {}
        self._round = 0
        ca, cert, key = (Path(plan["tls"][f"RECAPITO_TLS_{name}_FILE"]).read_bytes() for name in ("CA", "CERT", "KEY"))
        self._credentials = grpc.ssl_channel_credentials(ca, key, cert)

    async def run(self) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [
            grpc.aio.secure_channel(f"localhost:{self._plan['port']}", self._credentials, options)
            for _ in range(self._plan["connections"])
        ]
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        print("ready", flush=True)
        for line in sys.stdin:
            phase = line.strip()
            self._round += phase == "issue"
            print(json.dumps(await self._phase(channels, getattr(self, phase))), flush=True)

    async def _phase(self, channels: list[grpc.aio.Channel], call: Call) -> dict[str, float]:
        numbers = iter(range(self._plan["first"], self._plan["first"] + self._plan["calls"]))
        started = time.perf_counter()
        slowest = max(await asyncio.gather(*(self._keep(channel, numbers, call) for channel in channels)))
        seconds = time.perf_counter() - started
        return {"calls": self._plan["calls"], "seconds": seconds, "slowest_ms": slowest * 1000}

    async def _keep(self, channel: grpc.aio.Channel, numbers: Iterator[int], call: Call) -> float:
        slowest = 0.0
        for number in numbers:
            started = time.perf_counter()
            await call(channel, number)
            slowest = max(slowest, time.perf_counter() - started)
        return slowest

    async def issue(self, channel: grpc.aio.Channel, number: int) -> None:
        """A code to a mobile and from an address that nobody else has."""
        request = otp_pb2.IssueChallengeRequest(
            request_id=f"{self._round}-{number}",
            subject=f"C{number}",
            purpose="sign_in",
            channel=otp_pb2.CHANNEL_SMS,
            destination=f"+39320{1_000_000 + number}",
            locale="it",
            client=client_pb2.Client(ip=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"),
        )
        answer = await otp_pb2_grpc.OtpServiceStub(channel).IssueChallenge(request, timeout=30)
        self._challenges[number] = answer.challenge.challenge_id

    async def check(self, channel: grpc.aio.Channel, number: int) -> None:
        """The right code for the challenge of the same number."""
        request = otp_pb2.CheckChallengeRequest(
            challenge_id=self._challenges[number], subject=f"C{number}", purpose="sign_in", code=CODE
        )
        answer = await otp_pb2_grpc.OtpServiceStub(channel).CheckChallenge(request, timeout=30)
        if answer.outcome != otp_pb2.OUTCOME_APPROVED:
            raise RuntimeError(f"a right code was answered with {answer}")

    async def introspect(self, channel: grpc.aio.Channel, number: int) -> None:
        """One of the live sessions."""
        tokens = self._plan["tokens"]
        request = session_pb2.IntrospectRequest(token=tokens[number % len(tokens)])
        answer = await session_pb2_grpc.SessionServiceStub(channel).Introspect(request, timeout=30)
        if not answer.active:
            raise RuntimeError("a live session was answered as none")

    async def register(self, channel: grpc.aio.Channel, number: int) -> None:
        """A customer's registration, from the name to the password."""
        stub = registration_pb2_grpc.RegistrationServiceStub(channel)
        asked = registration_pb2.StartRegistrationRequest(
            person_type=registration_pb2.PERSON_TYPE_PERSON,
            given_name="Maria",
            family_name=people.family_name(number),
            contact=people.mobile(number),
            client=client_pb2.Client(ip=people.address(number)),
        )
        id = (await stub.StartRegistration(asked, timeout=30)).registration_id
        found = await stub.VerifyContact(registration_pb2.VerifyContactRequest(registration_id=id, code=CODE), timeout=30)
        if found.outcome != otp_pb2.OUTCOME_APPROVED:
            raise RuntimeError(f"a right code was answered with {found}")
        chosen = registration_pb2.CompleteRegistrationRequest(registration_id=id, password=people.PASSWORD)
        await stub.CompleteRegistration(chosen, timeout=30)

    async def sign_in(self, channel: grpc.aio.Channel, number: int) -> None:
        """Password, code, session, by one of the customers who are registered."""
        first: int = self._plan["first"]
        customer = first + (number - first) % self._plan["customers"]
        stub = authentication_pb2_grpc.AuthenticationServiceStub(channel)
        device = client_pb2.Client(ip=people.address(customer))
        asked = authentication_pb2.SignInRequest(
            username=people.mobile(customer), password=people.PASSWORD, max_age=0, client=device
        )
        id = (await stub.SignIn(asked, timeout=30)).code_required.sign_in_id
        done = await stub.CompleteSignIn(authentication_pb2.CompleteSignInRequest(sign_in_id=id, code=CODE), timeout=30)
        if done.outcome != otp_pb2.OUTCOME_APPROVED or not done.session.token:
            raise RuntimeError(f"a sign-in ended with {done}")


if __name__ == "__main__":
    uvloop.run(Client(json.loads(sys.argv[1])).run())
