"""What the URL of a Redis, or of a broker, may say."""

import ssl
from pathlib import Path

import pytest
from marshmallow import ValidationError

from recapito_servicekit import redis_url
from recapito_servicekit.queues import check_url
from tests.support.pki import Pki
from tests.support.redis import tls_query


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://", ("localhost", 6379, "", "", "", 0, None)),
        ("redis://:p%40ss@db:7000/3", ("db", 7000, "", "", "p@ss", 3, None)),
        ("redis://otp:secret@[::1]:6379", ("::1", 6379, "", "otp", "secret", 0, None)),
        ("unix://:secret@/run/redis.sock?db=4", ("localhost", 6379, "/run/redis.sock", "", "secret", 4, None)),
        ("rediss://db/0", ("db", 6379, "", "", "", 0, {})),
        ("rediss://db?ssl_ca_certs=/ca.pem", ("db", 6379, "", "", "", 0, {"ssl_ca_certs": "/ca.pem"})),
    ],
)
def test_address_is_read(url: str, found: tuple[object, ...]) -> None:
    address = redis_url.read(url)
    assert tuple(getattr(address, name) for name in redis_url.Address.__dataclass_fields__) == found


@pytest.mark.parametrize(
    "url",
    [
        "http://db",
        "db:6379",
        "redis://:secret@db/zero",
        "redis://:secret@db:port/0",
        "redis://:secret@db/0?ssl_ca_certs=/ca.pem",
        "rediss://:secret@db/0?ssl_cert_reqs=none",
        "rediss://:secret@db/0?ssl_check_hostname=false",
        "rediss://:secret@db/0?ssl_keyfile=/key.pem",
        "rediss://:secret@db/0?ssl_ca_certs=/no/such/ca.pem",
    ],
)
def test_what_is_unclear_or_checks_less_is_refused_at_start_and_tells_no_password(url: str) -> None:
    for check in (redis_url.check, check_url):
        with pytest.raises(ValidationError) as refused:
            check(url)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["amqps://b//", "amqp://b//?ssl_ca_certs=/ca.pem", "amqps://b//?cert_reqs=none", "amqps://b//?ssl_ca_certs=/no/ca.pem"]
)
def test_broker_over_tls_needs_its_ca(url: str) -> None:
    with pytest.raises(ValidationError):
        check_url(url)


def test_files_that_are_there_are_taken(pki: Pki, tmp_path: Path) -> None:
    for url in (f"rediss://:secret@db/0?{tls_query(pki)}", "redis://db", f"unix://{tmp_path}/socket"):
        redis_url.check(url)
        check_url(url)
    check_url(f"amqps://b//?{tls_query(pki)}")
    check_url("amqp://guest:guest@b//")
    context = redis_url.read(f"rediss://db?{tls_query(pki)}").context()
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
