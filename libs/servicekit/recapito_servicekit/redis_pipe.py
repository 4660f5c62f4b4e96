"""One connection to Redis for all calls of a loop: what is asked during a turn of the loop goes out together.

A connection a call is what costs (performance.md), so the calls share one, and answers come in the order of the questions. Each
call gets its own answer or error. Nothing is sent twice: where the connection breaks nobody knows what became of what was under
way, and every call of it is refused.
"""

import asyncio
import hashlib
import socket
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final, cast

import hiredis
from redis.exceptions import BusyLoadingError, NoScriptError, ResponseError

from recapito_servicekit import logs, redis_url
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

    ``unavailable``: the reason that calls are refused for where Redis can't be asked, and what it says. Raises ValueError: the
    URL (redis_url) can't be taken.
    """

    def __init__(self, url: str, unavailable: tuple[str, str]) -> None:
        self._address = redis_url.read(url)
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
        wire = self._wire
        if wire is None:
            return  # lost since: what was asked went with it
        asked, self._asked = self._asked, []
        wire.send(asked)

    async def _connect(self) -> None:
        wire = _Wire(self._refuse)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._open(wire)
        except (Refusal, ResponseError, OSError, TimeoutError) as error:  # OSError: what TLS refuses too
            log.warning("no redis", error=type(error).__name__)
            wire.drop()
            self._refuse_asked()  # they would wait for the same connection again
        except asyncio.CancelledError:
            wire.drop()
            raise
        else:
            wire.lost = self._lost
            self._wire = wire
            self._send()
        finally:
            self._connecting = None

    async def _open(self, wire: "_Wire") -> None:
        """Opens the connection, says who we are and which database we mean. Files of certificates are read anew each time."""
        loop, to = asyncio.get_running_loop(), self._address
        if to.path:
            await loop.create_unix_connection(lambda: wire, to.path)
        else:
            await loop.create_connection(lambda: wire, to.host, to.port, ssl=to.context())
            wire.keep_alive()
        said: list[_Command] = []
        if to.password:
            said.append(("AUTH", to.username, to.password) if to.username else ("AUTH", to.password))
        if to.database:
            said.append(("SELECT", to.database))
        if said:
            answers = [loop.create_future() for _ in said]
            wire.send(list(zip(said, answers, strict=True)))
            await asyncio.gather(*answers)
        if wire.ended:
            raise ConnectionResetError

    def _lost(self, under_way: int, why: str) -> None:
        if under_way:
            log.warning("redis lost", error=why)
        self._wire = None
        self._refuse_asked()

    def _refuse_asked(self) -> None:
        asked, self._asked = self._asked, []
        for _, answer in asked:
            self._refuse(answer)

    def _refuse(self, answer: _Answer) -> None:
        if not answer.done():
            answer.set_exception(Refusal(Kind.UNAVAILABLE, *self._unavailable, retry_after=timedelta(seconds=1)))


class _Wire(asyncio.Protocol):
    """A connection under use: commands out, answers in, in the same order. redis-py's own costs each answer a dozen calls."""

    _transport: asyncio.Transport

    def __init__(self, refuse: Callable[[_Answer], None]) -> None:
        self.lost: Callable[[int, str], None] = lambda under_way, why: None  # while it is opened nobody else knows of it
        self._refuse = refuse
        self._reader = hiredis.Reader(encoding="utf-8", replyError=_error)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.ended = False
        self.waiting: deque[tuple[_Answer, float]] = deque()  # with when the answer is due at the latest

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def keep_alive(self) -> None:
        """Has the system notice a peer that is gone without a word."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def send(self, asked: Sequence[tuple[_Command, _Answer]]) -> None:
        """Sends what was asked and not given up since."""
        due, out = self._loop.time() + ANSWER_SECONDS, []
        for command, answer in asked:
            if not answer.done():
                self.waiting.append((answer, due))
                out.append(hiredis.pack_command(command))  # type: ignore[arg-type]
        if out:
            self._transport.write(b"".join(out))
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
                if not isinstance(found, Exception):
                    answer.set_result(found)
                elif isinstance(found, BusyLoadingError):
                    self._refuse(answer)
                else:
                    answer.set_exception(found)
        except (hiredis.HiredisError, IndexError) as error:  # no answer at all, or one that nobody asked for
            self.drop(type(error).__name__)

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop(type(exc).__name__ if exc is not None else "closed")

    def drop(self, why: str = "closed") -> None:
        """Ends it; whoever has no answer by now gets none."""
        lost, self.lost, self.ended = self.lost, lambda under_way, why: None, True
        if self._timer is not None:
            self._timer.cancel()
        if hasattr(self, "_transport"):
            self._transport.abort()
        under_way = [answer for answer, _ in self.waiting]
        self.waiting.clear()
        for answer in under_way:
            self._refuse(answer)
        lost(len(under_way), why)

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
