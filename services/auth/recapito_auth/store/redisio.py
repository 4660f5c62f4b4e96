"""How Redis is reached: bounded pools, time limits, and UNAVAILABLE where it can't be asked (nobody is let in then)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from recapito_servicekit import logs
from recapito_servicekit.errors import Kind, Refusal

log = logs.get(__name__)

SECONDS: Final = 2.0


def connect(url: str, threads: int) -> redis.Redis:
    """A client for plain code, a connection a thread. A dropped connection is tried once more, a slow answer isn't."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=threads + 2,
        timeout=SECONDS,
        decode_responses=True,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(ConstantBackoff(0.05), 1, supported_errors=(redis.ConnectionError,)),
    )
    return redis.Redis(connection_pool=pool)


def connect_async(url: str) -> redis.asyncio.Redis:
    """A client for code on the running loop."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=32,
        timeout=SECONDS,
        decode_responses=True,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=AsyncRetry(ConstantBackoff(0.05), 1, supported_errors=(redis.ConnectionError,)),
    )
    return redis.asyncio.Redis(connection_pool=pool)


@contextmanager
def fail_closed() -> Iterator[None]:
    """Answers UNAVAILABLE where Redis can't be asked."""
    try:
        yield
    except redis.RedisError as error:
        log.warning("redis cannot be asked", error=type(error).__name__)
        raise Refusal(
            Kind.UNAVAILABLE, "STATE_UNAVAILABLE", "the store of sessions cannot be asked", retry_after=timedelta(seconds=1)
        ) from error


def millis(at: datetime) -> int:
    """An instant in milliseconds since 1970."""
    return int(at.timestamp() * 1000)
