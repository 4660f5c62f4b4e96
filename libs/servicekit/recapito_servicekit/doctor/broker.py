"""The broker: there, with its queues, and somebody who consumes each."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from kombu.connection import Connection
from redis.exceptions import RedisError

from recapito_servicekit.doctor import Finding, fail, ok
from recapito_servicekit.doctor.redis import connect as connect_redis
from recapito_servicekit.queues import connect, consumer_name


def queues(url: str, names: Iterable[str], service: str) -> Iterator[Finding]:
    """``names``: the queues that events go to. One that nobody consumes fails."""
    parsed = urlsplit(url)
    where = f"{parsed.hostname}:{parsed.port or ''}".rstrip(":")
    try:
        with connect(url) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=5)
            yield ok(f"{where} answers")
            for name in names:
                yield _queue(connection, url, name, service)
    except Exception as error:  # a transport's own, by broker
        yield fail(f"{where} can't be used: {error or type(error).__name__}", "is it running, and is RECAPITO_BROKER_URL right?")


def _queue(connection: Connection, url: str, name: str, service: str) -> Finding:
    advice = f"run recapito-{service} work, and look at its log"
    consumers = _redis_consumers(url, name) if connection.transport.driver_type == "redis" else _consumers(connection, name)
    if consumers is None:
        return fail(f"there is no queue {name}", advice)
    if not consumers:
        return fail(f"nobody consumes the queue {name}: its events wait", advice)
    return ok(f"the queue {name} has {consumers} consumer{'s' if consumers > 1 else ''}")


def _consumers(connection: Connection, name: str) -> int | None:
    channel = connection.channel()
    try:
        return int(channel.queue_declare(queue=name, passive=True).consumer_count)
    except connection.channel_errors:
        return None
    finally:
        channel.close()


def _redis_consumers(url: str, name: str) -> int:
    """A queue in Redis knows no consumers; a consumer's connection says what it is. A connection each way: counted by process."""
    client = connect_redis(url)
    try:
        clients: list[dict[str, str]] = client.client_list()
    except RedisError:
        return 0
    finally:
        client.close()
    return len({each["addr"].rpartition(":")[0] for each in clients if each["name"] == consumer_name(name)})
