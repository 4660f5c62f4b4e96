"""One connection to Redis for all calls of a loop: what is asked during a turn of the loop goes out together.

A connection a call is what costs (performance.md), so the calls share one, and answers come in the order of the questions. Each
call gets its own answer or error. Nothing is sent twice: where the connection breaks nobody knows what became of what was under
way, and every call of it is refused.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, NoScriptError, RedisError, ResponseError

from recapito_servicekit import logs
from recapito_servicekit.errors import Kind, Refusal

log = logs.get(__name__)

# together within the 5 s that a call may take: an answer that doesn't come, then a connection that can't be had
ANSWER_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 2.0
MOST_WAITING: Final = 4096

# what a Redis answers that can't be asked now: it reads its file, lost its master, or is none itself since a moment
_NOT_NOW: Final = frozenset({"CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY"})

Argument = str | int | bytes
_Command = tuple[Argument, ...]
_Answer = asyncio.Future[Any]


class Script:
    """A Lua script: what Redis is told once, and the hash that it knows it by."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def read(cls, package: str, *names: str) -> "Script":
        """The script of a package's files, joined."""
        return cls("\n".join((files(package) / name).read_text(encoding="utf-8") for name in names))


class RedisPipe:
    """Belongs to the loop that it is first used on. Connects by itself, again after each loss.

    ``unavailable``: the reason that calls are refused for where Redis can't be asked, and what it says.
    """

    def __init__(self, url: str, unavailable: tuple[str, str]) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            decode_responses=True,
            protocol=2,
            socket_timeout=None,  # the answer has one limit instead
            socket_connect_timeout=CONNECT_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._unavailable = unavailable
        self._asked: list[tuple[_Command, _Answer]] = []  # not sent yet
        self._wire: _Wire | None = None
        self._connecting: asyncio.Task[None] | None = None

    async def call(self, *command: Argument) -> Any:
        """One command's answer.

        Raises Refusal UNAVAILABLE: Redis can't be reached, or was lost with the outcome unknown; RESOURCE_EXHAUSTED: too many
        calls wait; and redis.exceptions.ResponseError: Redis refused the command.
        """
        return await self._ask(command)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """A script's answer; raises what ``call`` raises. A Redis that doesn't know it yet has run nothing and gets its text."""
        try:
            return await self._ask(("EVALSHA", script.sha, len(keys), *keys, *arguments))
        except NoScriptError:
            return await self._ask(("EVAL", script.text, len(keys), *keys, *arguments))

    async def close(self) -> None:
        """Drops the connection."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._wire is not None:
            self._wire.drop()

    def _ask(self, command: _Command) -> _Answer:
        wire = self._wire
        if len(self._asked) + (len(wire.waiting) if wire is not None else 0) >= MOST_WAITING:
            raise Refusal(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls wait already", retry_after=timedelta(seconds=1))
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._asked.append((command, answer))
        if wire is None:
            if self._connecting is None:
                self._connecting = loop.create_task(self._connect())
        elif len(self._asked) == 1:
            loop.call_soon(self._send)
        return answer

    def _send(self) -> None:
        """Sends what was asked and not given up since."""
        wire = self._wire
        if wire is None:
            return  # lost since: what was asked went with it
        asked, self._asked = self._asked, []
        live = [(command, answer) for command, answer in asked if not answer.done()]
        if live:
            wire.send(live)

    async def _connect(self) -> None:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("no redis", error=type(error).__name__)
            await connection.disconnect(nowait=True)
            self._refuse_asked()  # they would wait for the same connection again
        else:
            self._wire = _Wire(connection, self._lost, self._refuse)
            self._send()
        finally:
            self._connecting = None

    def _lost(self, under_way: Sequence[_Answer], why: str) -> None:
        if under_way:
            log.warning("redis lost", error=why)
        self._wire = None
        for answer in under_way:
            self._refuse(answer)
        self._refuse_asked()

    def _refuse_asked(self) -> None:
        asked, self._asked = self._asked, []
        for _, answer in asked:
            self._refuse(answer)

    def _refuse(self, answer: _Answer) -> None:
        if not answer.done():
            answer.set_exception(Refusal(Kind.UNAVAILABLE, *self._unavailable, retry_after=timedelta(seconds=1)))


class _Wire(asyncio.Protocol):
    """A connection under use: commands out, answers in, in the same order.

    redis-py opens it (TLS, user, database) and hands its transport over: its own reader costs each answer a dozen calls.
    """

    def __init__(self, connection: AbstractConnection, lost: Any, refuse: Callable[[_Answer], None]) -> None:
        self._lost = lost
        self._refuse = refuse
        self._reader = hiredis.Reader(encoding="utf-8", replyError=_error)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.waiting: deque[tuple[_Answer, float]] = deque()  # with when the answer is due at the latest
        writer: Any = connection._writer
        self._writer = writer  # kept: a writer that is forgotten closes its transport
        connection._writer = connection._reader = None  # it is ours alone now
        self._transport = writer.transport
        self._transport.set_protocol(self)

    def send(self, asked: Sequence[tuple[_Command, _Answer]]) -> None:
        due = self._loop.time() + ANSWER_SECONDS
        self.waiting.extend((answer, due) for _, answer in asked)
        self._transport.write(b"".join([hiredis.pack_command(command) for command, _ in asked]))  # type: ignore[arg-type]
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look)

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self.waiting
        try:
            reader.feed(data)
            while (found := reader.gets()) is not False:
                answer, _ = waiting.popleft()
                if answer.done():
                    continue  # given up meanwhile
                if isinstance(found, BusyLoadingError):
                    self._refuse(answer)
                elif isinstance(found, ResponseError):
                    answer.set_exception(found)
                else:
                    answer.set_result(found)
        except (hiredis.HiredisError, IndexError) as error:  # no answer at all, or one that nobody asked for
            self.drop(type(error).__name__)

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop(type(exc).__name__ if exc is not None else "closed")

    def drop(self, why: str = "closed") -> None:
        """Ends it; whoever has no answer by now gets none."""
        lost, self._lost = self._lost, lambda *_: None
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        under_way = [answer for answer, _ in self.waiting]
        self.waiting.clear()
        lost(under_way, why)

    def _look(self) -> None:
        """Whether the oldest answer is due."""
        self._timer = None
        if self.waiting:
            due = self.waiting[0][1]
            if due <= self._loop.time():
                self.drop("TimeoutError")
            else:
                self._timer = self._loop.call_at(due, self._look)


def _error(text: str) -> Exception:
    what = text.partition(" ")[0]
    if what in _NOT_NOW:
        return BusyLoadingError(text)
    return NoScriptError(text) if what == "NOSCRIPT" else ResponseError(text)
