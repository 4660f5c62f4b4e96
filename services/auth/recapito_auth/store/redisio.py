"""How Redis is reached: bounded pools, time limits, and UNAVAILABLE where it can't be asked (nobody is let in then)."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from recapito_servicekit import logs
from recapito_servicekit.errors import Kind, Refusal

log = logs.get(__name__)

SECONDS: Final = 2.0
BACKOFF_SECONDS: Final = 0.05
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
UNAVAILABLE: Final = ("STATE_UNAVAILABLE", "the store of sessions cannot be asked")


def connect(url: str, threads: int) -> redis.Redis:
    """A client for plain code, a connection a thread. A dropped connection is tried once more, a slow answer isn't."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=threads + 2,
        timeout=SECONDS,
        decode_responses=True,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(ConstantBackoff(BACKOFF_SECONDS), 1, supported_errors=(redis.ConnectionError,)),
    )
    return _Client(pool)


class _Client(redis.Redis):
    """Each thread keeps a connection of its own: to take one from the pool, and what redis-py measures and wraps around a
    command, costs twice what asking takes. Pipelines and scans go redis-py's way.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        super().__init__(connection_pool=pool)
        self._own = threading.local()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return self._ask(args, options)
        except redis.ConnectionError:  # which closed it
            time.sleep(BACKOFF_SECONDS)
            return self._ask(args, options)

    def _ask(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self.connection_pool.make_connection()
        connection.send_command(*args)
        return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]


@contextmanager
def fail_closed() -> Iterator[None]:
    """Answers UNAVAILABLE where Redis can't be asked."""
    try:
        yield
    except redis.RedisError as error:
        raise unavailable(error) from error


def unavailable(error: redis.RedisError) -> Refusal:
    """What a caller is told then."""
    log.warning("redis cannot be asked", error=type(error).__name__)
    return Refusal(Kind.UNAVAILABLE, *UNAVAILABLE, retry_after=timedelta(seconds=1))


def millis(at: datetime) -> int:
    """An instant in milliseconds since 1970."""
    return (at - _EPOCH) // _MILLISECOND
