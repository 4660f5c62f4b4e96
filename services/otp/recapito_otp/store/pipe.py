"""One connection to Redis for all calls of a loop: what waits while a batch is under way goes out as the next one.

A connection a call is what costs (performance.md), so the calls that wait share a round trip. Each gets its own answer or error.
Nothing is sent twice: where the connection breaks under a batch nobody knows what became of it, and every call in it is refused.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

from recapito_servicekit import logs
from recapito_servicekit.errors import Kind, Refusal

log = logs.get(__name__)

# together within the 5 s that a call may take: a batch that hangs, then a connection that can't be had
EXCHANGE_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 2.0
MOST_IN_BATCH: Final = 256
MOST_WAITING: Final = 4096

Argument = str | int | bytes


class Script:
    """A Lua script of this package: the files joined, and the hash that Redis knows it by."""

    def __init__(self, *names: str) -> None:
        folder = files("recapito_otp.store")
        self.text = "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class _Waiting:
    command: tuple[Argument, ...]
    answer: "asyncio.Future[Any]"


class RedisPipe:
    """Belongs to the loop that it is first used on. Connects by itself, again after each loss."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            decode_responses=True,
            protocol=2,
            socket_timeout=None,  # the whole exchange has one limit instead
            socket_connect_timeout=CONNECT_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection: AbstractConnection | None = None
        self._waiting: list[_Waiting] = []
        self._sending: asyncio.Task[None] | None = None

    async def call(self, *command: Argument) -> Any:
        """One command's answer.

        Raises Refusal UNAVAILABLE (STORE_UNAVAILABLE): Redis can't be reached, or was lost with the outcome unknown; and
        redis.exceptions.ResponseError: Redis refused the command.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Refusal(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls wait already", retry_after=timedelta(seconds=1))
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await waiting.answer

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """A script's answer; raises what ``call`` raises. A Redis that doesn't know it yet has run nothing and gets its text."""
        try:
            return await self.call("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def close(self) -> None:
        """Drops the connection."""
        if self._connection is not None:
            await self._connection.disconnect()
            self._connection = None

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_IN_BATCH], self._waiting[MOST_IN_BATCH:]
                live = [waiting for waiting in batch if not waiting.answer.done()]  # the rest were given up before they went out
                if live:
                    await self._exchange(live)
        finally:
            self._sending = None

    async def _exchange(self, batch: list[_Waiting]) -> None:
        try:
            connection = await self._connected()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("no redis", error=type(error).__name__)
            await self._drop()
            later, self._waiting = self._waiting, []
            _refuse([*batch, *later])  # they would wait for the same connection again
            return
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS):
                # redis-py packs an asyncio command in Python, which takes ten times as long
                await connection.send_packed_command([hiredis.pack_command(waiting.command) for waiting in batch])  # type: ignore[arg-type]
                for waiting in batch:
                    await self._answer(connection, waiting)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis lost", error=type(error).__name__)
            await self._drop()
        finally:
            _refuse(batch)  # whoever has no answer by now gets none

    async def _answer(self, connection: AbstractConnection, waiting: _Waiting) -> None:
        try:
            answer = await connection.read_response(disconnect_on_error=False)
        except ResponseError as error:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
        else:
            if not waiting.answer.done():
                waiting.answer.set_result(answer)

    async def _connected(self) -> AbstractConnection:
        connection = self._connection
        if connection is not None and connection.is_connected and not await self._is_stale(connection):
            return connection
        await self._drop()
        fresh: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        self._connection = fresh
        async with asyncio.timeout(CONNECT_SECONDS):
            await fresh.connect()  # type: ignore[no-untyped-call]
        return fresh

    async def _is_stale(self, connection: AbstractConnection) -> bool:
        """Whether the other side hung up, or said what nobody asked for."""
        try:
            return bool(await connection.can_read())
        except (LostConnection, OSError):
            return True

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


def _refuse(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(
                Refusal(
                    Kind.UNAVAILABLE,
                    "STORE_UNAVAILABLE",
                    "the store of codes can't be reached",
                    retry_after=timedelta(seconds=1),
                )
            )
