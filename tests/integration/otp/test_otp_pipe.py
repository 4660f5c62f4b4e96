"""The one connection that all calls of a loop share: everybody gets their own answer."""

import asyncio
import random
from typing import Any

import pytest
from redis.exceptions import ResponseError

from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.redis_pipe import RedisPipe
from tests.support.redis import RedisServer

UNAVAILABLE = ("STORE_UNAVAILABLE", "away")


async def echoes(pipe: RedisPipe, count: int) -> int:
    """Echoes of which some are given up under way and some are wrong commands; gives how many came back."""

    async def echo(n: int) -> str:
        return str(await pipe.call("ECHO", n))

    async def wrong() -> None:
        with pytest.raises(ResponseError, match="unknown command"):
            await pipe.call("NONSENSE")

    tasks: list[asyncio.Task[Any]] = []
    for n in range(count):
        tasks.append(asyncio.create_task(echo(n), name=str(n)))
        tasks.append(asyncio.create_task(wrong(), name="None"))
        if n % 7 == 0:
            await asyncio.sleep(0)
            random.choice(tasks).cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    for task, answer in zip(tasks, done, strict=True):
        assert isinstance(answer, asyncio.CancelledError) or str(answer) == task.get_name()
    return sum(isinstance(answer, str) for answer in done)


def test_answers_are_nobody_elses_whoever_gives_up_or_errs(redis_url: str) -> None:
    async def play() -> int:
        pipe = RedisPipe(redis_url, UNAVAILABLE)
        try:
            return await echoes(pipe, 500)
        finally:
            await pipe.close()

    assert asyncio.run(play()) > 300


def test_calls_under_way_when_redis_dies_are_refused_and_the_next_are_answered() -> None:
    server = RedisServer(durable=True)

    async def play() -> None:
        pipe = RedisPipe(server.url(), UNAVAILABLE)
        assert await pipe.call("PING") == "PONG"
        server.freeze()
        calls = [asyncio.create_task(pipe.call("PING")) for _ in range(20)]
        await asyncio.sleep(0.1)
        server.kill()
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(answer, Refusal)
            assert answer.kind is Kind.UNAVAILABLE
        server.start()
        assert await pipe.call("PING") == "PONG"
        await pipe.close()

    try:
        asyncio.run(play())
    finally:
        server.stop()


def test_redis_that_still_reads_its_file_is_as_one_that_is_away() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(10_000):
            for _ in range(data.count(b"*")):
                writer.write(b"-LOADING Redis is loading the dataset in memory\r\n" if b"ECHO" in data else b"+OK\r\n")

    async def play() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pipe = RedisPipe(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", UNAVAILABLE)
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                await pipe.call("ECHO", "x")
            assert refused.value.kind is Kind.UNAVAILABLE
        await pipe.close()
        server.close()

    asyncio.run(play())


def test_connection_that_redis_closed_in_between_is_noticed_before_it_is_used() -> None:
    server = RedisServer(durable=True)

    async def play() -> None:
        pipe = RedisPipe(server.url(), UNAVAILABLE)
        assert await pipe.call("PING") == "PONG"
        server.kill()
        server.start()
        await asyncio.sleep(0.05)
        assert await pipe.call("PING") == "PONG"
        await pipe.close()

    try:
        asyncio.run(play())
    finally:
        server.stop()


def test_frozen_redis_is_refused_within_five_seconds() -> None:
    server = RedisServer(durable=True)

    async def play() -> None:
        pipe = RedisPipe(server.url(), UNAVAILABLE)
        await pipe.call("PING")
        server.freeze()
        async with asyncio.timeout(7):  # and what a busy machine needs to tell the time
            for _ in range(2):  # the connection at hand, then a new one
                with pytest.raises(Refusal):
                    await pipe.call("PING")
        server.thaw()
        assert await pipe.call("PING") == "PONG"
        await pipe.close()

    try:
        asyncio.run(play())
    finally:
        server.stop()
