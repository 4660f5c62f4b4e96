"""Redis, where it keeps state."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from recapito_servicekit import redis_url
from recapito_servicekit.clock import Clock
from recapito_servicekit.doctor import Finding, fail, ok, warn
from recapito_servicekit.doctor.peers import clock as compare

SECONDS: Final = 3.0


def store(url: str, clock: Clock) -> Iterator[Finding]:
    """It answers, writes to disk, throws nothing away, and its clock agrees with ours."""
    parsed = urlsplit(url)
    where = f"{parsed.hostname}:{parsed.port or 6379}" if parsed.hostname else parsed.path
    client: Any = connect(url)
    try:
        client.ping()
        yield ok(f"{where} answers{' over TLS' if parsed.scheme == redis_url.TLS else ''}")
        seconds, micros = client.time()
        yield compare("Redis", datetime.fromtimestamp(seconds + micros / 1e6, UTC), clock())
        yield from _durable(client)
    except redis.exceptions.AuthenticationError:
        yield fail(f"{where} refuses our name or password", "check RECAPITO_REDIS_URL")
    except redis.exceptions.NoPermissionError as error:
        yield warn(f"{where} doesn't say: {error}", "allow this user INFO and TIME, so that the doctor can look")
    except redis.exceptions.RedisError as error:
        yield fail(f"{where} can't be used: {error}", "is it running, and is RECAPITO_REDIS_URL right?")
    finally:
        client.close()


def connect(url: str) -> "redis.Redis":
    """A connection that gives up soon."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(
        url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=retry, protocol=2, decode_responses=True
    )


def _synced(client: Any) -> Iterator[Finding]:
    """Says nothing where this user may not read the configuration, as with our own docker-compose."""
    try:
        policy = client.config_get("appendfsync").get("appendfsync", "always")
    except redis.exceptions.ResponseError:
        return
    if policy != "always":
        yield warn(
            f"it answers before its disk has what it was told (appendfsync {policy}): a crash may make a spent code good again",
            "start it with --appendfsync always",
        )


def _durable(client: Any) -> Iterator[Finding]:
    said = {**client.info("persistence"), **client.info("memory")}
    if said["aof_enabled"]:
        broken = said.get("aof_last_write_status", "ok") != "ok"
        yield fail("the append-only file can't be written", "look at its disk") if broken else ok("it keeps an append-only file")
        yield from _synced(client)
    else:
        yield fail("it keeps no append-only file: a crash loses sessions and codes", "start it with --appendonly yes")
    policy = said["maxmemory_policy"]
    if policy == "noeviction":
        yield ok("it throws nothing away when it is full")
    else:
        yield fail(f"it throws keys away when it is full ({policy}): limits would be forgotten", "--maxmemory-policy noeviction")
