"""The servers that benchmarks call: ours as they are, and the floors: the least that Python can do for the same work.

A floor: grpc.aio on uvloop with mTLS, one Lua call for each call, all calls of the loop over one pipelined connection; no gate,
no limits, no records, no reconnect. ``otp-composed`` does besides what the contract forces on issue and check: the real scripts
(an issue needs two calls, for an address and a destination are counted in different slots of a cluster), the keyed hashes that
stand for a destination, an address, a request and a code, and the two seals. Nothing is checked, converted, counted or measured.

``python -m bench.servers otp|otp-floor|otp-composed|introspect-floor|auth|sign-in-composed``, with the service's settings.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import grpc
import hiredis
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from recapito.auth.v1 import authentication_pb2_grpc, session_pb2, session_pb2_grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from bench import sign_in_floor
from bench.report import CODE
from recapito_auth import __main__ as auth
from recapito_otp.__main__ import wiring
from recapito_otp.domain import Channel, Message
from recapito_otp.settings import OtpSettings
from recapito_otp.store import keys, redis_store
from recapito_otp.vault import Vault
from recapito_servicekit import logs, serving
from recapito_servicekit.handlers import Handlers
from recapito_servicekit.ids import new_token, token_digest
from recapito_servicekit.settings import load

_ISSUE: Final = "redis.call('HSET', KEYS[1], 'code', ARGV[1], 'spent', 0) redis.call('PEXPIRE', KEYS[1], 300000) return 1"
_CHECK: Final = """if redis.call('HINCRBY', KEYS[1], 'spent', 1) > 5 then return 0 end
if redis.call('HGET', KEYS[1], 'code') == ARGV[1] then return 1 end
return 0"""
_READ: Final = "return redis.call('HGETALL', KEYS[1])"


class Pipe(asyncio.Protocol):
    """The pipelined connection in as few lines as do the work: what was written during a turn of the loop goes out together."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(encoding="utf-8")
        self._waiting: list[asyncio.Future[Any]] = []
        self._out: list[bytes] = []
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            self._waiting.pop(0).set_result(answer)

    def call(self, *command: str | int) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        if not self._out:
            loop.call_soon(self._flush)
        self._out.append(hiredis.pack_command(command))  # type: ignore[arg-type]
        self._waiting.append(answer := loop.create_future())
        return answer

    def _flush(self) -> None:
        self._transport.write(b"".join(self._out))
        self._out.clear()


async def _connected(url: str, *scripts: str) -> tuple[Pipe, list[str]]:
    parts = urlsplit(url)
    _, pipe = await asyncio.get_running_loop().create_connection(Pipe, parts.hostname or "", parts.port or 0)
    await pipe.call("AUTH", unquote(parts.password or ""))
    return pipe, [await pipe.call("SCRIPT", "LOAD", script) for script in scripts]


class OtpFloor(otp_pb2_grpc.OtpServiceServicer):
    """Issues and checks with one Lua call each."""

    def __init__(self, pipe: Pipe, scripts: list[str]) -> None:
        self._pipe = pipe
        self._issue, self._check = scripts

    async def IssueChallenge(self, request: Any, context: Any) -> otp_pb2.IssueChallengeResponse:
        await self._pipe.call("EVALSHA", self._issue, 1, f"floor:{request.request_id}", CODE)
        return otp_pb2.IssueChallengeResponse(challenge=otp_pb2.Challenge(challenge_id=request.request_id))

    async def CheckChallenge(self, request: Any, context: Any) -> otp_pb2.CheckChallengeResponse:
        right = await self._pipe.call("EVALSHA", self._check, 1, f"floor:{request.challenge_id}", request.code)
        return otp_pb2.CheckChallengeResponse(outcome=otp_pb2.OUTCOME_APPROVED if right else otp_pb2.OUTCOME_INCORRECT)


class OtpComposed(otp_pb2_grpc.OtpServiceServicer):
    """Does to Redis and to secrets what the service does, and nothing else."""

    def __init__(self, pipe: Pipe, scripts: list[str], vault: Vault) -> None:
        self._pipe = pipe
        self._count, self._issue, self._check = scripts
        self._vault = vault

    async def IssueChallenge(self, request: Any, context: Any) -> otp_pb2.IssueChallengeResponse:
        vault, call, to = self._vault, self._pipe.call, request.destination
        shard, now = vault.shard(to), int(time.time() * 1000)
        id = vault.id_of(shard, "auth", request.request_id, request.subject, request.purpose, "SMS", to, "", "", "False")
        client = keys.client(vault.alias("client", request.client.ip), "customer")
        await call("EVALSHA", self._count, 1, client, now, id, 1_000, 86_400_000)
        alias = vault.alias("destination", to)
        message = Message(to, Channel.SMS, "code", {"purpose": request.purpose, "summary": "", "minutes": "5"}, request.locale)
        envelope, job = vault.seal(message, f"challenge {id}"), vault.seal(message, f"job {id}")
        names = keys.challenge(shard, id), keys.sends(shard, alias, request.purpose), keys.jobs(shard)
        more = keys.epoch(shard, "auth", request.subject), keys.confirmed(shard)
        limits = 4, 5, 600_000, 20, 86_400_000
        told = "issuer", "auth", "subject", request.subject, "purpose", request.purpose, "transaction", "", "alias", alias
        kept = (
            "masked",
            "320 *****19",
            "channel",
            "SMS",
            "attempts",
            5,
            "digest",
            vault.code_digest(id, CODE),
            "envelope",
            envelope,
        )
        ends = "expires", now + 300_000, "resend", now + 60_000
        given = now, id, job, 3_900_000, alias, *limits, *told, *kept, *ends
        await call("EVALSHA", self._issue, 5, *names, *more, *given)
        return otp_pb2.IssueChallengeResponse(challenge=otp_pb2.Challenge(challenge_id=id))

    async def CheckChallenge(self, request: Any, context: Any) -> otp_pb2.CheckChallengeResponse:
        id, shard, proof, now = request.challenge_id, int(request.challenge_id[0]), new_token(), int(time.time() * 1000)
        names = keys.challenge(shard, id), keys.proof(shard, token_digest(proof)), keys.epoch(shard, "auth", request.subject)
        asked = now, "auth", request.subject, request.purpose, "", self._vault.code_digests(id, request.code), id
        lives = 600_000, 4_200_000, 31_536_000_000
        outcome, left = await self._pipe.call("EVALSHA", self._check, 4, *names, keys.confirmed(shard), *asked, *lives)
        return otp_pb2.CheckChallengeResponse(
            outcome=otp_pb2.Outcome.Value(f"OUTCOME_{outcome}"), attempts_left=left, proof=proof
        )


class IntrospectFloor(session_pb2_grpc.SessionServiceServicer):
    """Reads a session with one Lua call."""

    def __init__(self, pipe: Pipe, script: str) -> None:
        self._pipe = pipe
        self._read = script

    async def Introspect(self, request: Any, context: Any) -> session_pb2.IntrospectResponse:
        flat = await self._pipe.call("EVALSHA", self._read, 1, f"floor:{request.token}")
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return session_pb2.IntrospectResponse(active=bool(fields), customer_id=fields["customer_id"], acr=fields["acr"])


def _read(part: str) -> bytes:
    return Path(os.environ[f"RECAPITO_TLS_{part}_FILE"]).read_bytes()


async def _serve_floor(name: str) -> None:
    server, handlers = grpc.aio.server(), Handlers()
    ca, cert, key = map(_read, ("CA", "CERT", "KEY"))
    if name == "otp-floor":
        pipe, scripts = await _connected(os.environ["RECAPITO_REDIS_URL"], _ISSUE, _CHECK)
        otp_pb2_grpc.add_OtpServiceServicer_to_server(OtpFloor(pipe, scripts), handlers.as_server())  # type: ignore[abstract]
    elif name == "otp-composed":
        settings = load(OtpSettings, "otp")
        vault = Vault(settings.peppers(), settings.seal_keys(), settings.otp_names_key)
        real = (redis_store._COUNT_ONCE.text, redis_store._ISSUE.text, redis_store._CHECK.text)
        pipe, scripts = await _connected(os.environ["RECAPITO_REDIS_URL"], *real)
        floor = OtpComposed(pipe, scripts, vault)  # type: ignore[abstract]
        otp_pb2_grpc.add_OtpServiceServicer_to_server(floor, handlers.as_server())
    elif name == "sign-in-composed":
        pipe, scripts = await _connected(os.environ["RECAPITO_REDIS_URL"], *sign_in_floor.SCRIPTS)
        signing_in = sign_in_floor.SignInComposed(pipe, scripts, grpc.ssl_channel_credentials(ca, key, cert))  # type: ignore[abstract]
        authentication_pb2_grpc.add_AuthenticationServiceServicer_to_server(signing_in, handlers.as_server())
    else:
        pipe, scripts = await _connected(os.environ["RECAPITO_REDIS_URL"], _READ)
        session_pb2_grpc.add_SessionServiceServicer_to_server(IntrospectFloor(pipe, scripts[0]), handlers.as_server())
    healthy = health.aio.HealthServicer()
    await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, handlers.as_server())
    server.add_generic_rpc_handlers((handlers,))
    credentials = grpc.ssl_server_credentials([(key, cert)], ca, require_client_auth=True)
    server.add_secure_port(os.environ["RECAPITO_GRPC_BIND"], credentials)
    await server.start()
    await server.wait_for_termination()


def _serve_otp() -> None:
    """The service as it is, but that every code is the same: nobody reads the texts here."""
    settings = load(OtpSettings, "otp")
    logs.configure(settings, "otp")

    async def wire() -> serving.Wiring:
        return wiring(settings, new_code=lambda _: CODE)

    serving.run(settings, wire)


def _serve_auth() -> None:
    auth.main(["serve"])


if __name__ == "__main__":
    {"otp": _serve_otp, "auth": _serve_auth}.get(sys.argv[1], lambda: uvloop.run(_serve_floor(sys.argv[1])))()
