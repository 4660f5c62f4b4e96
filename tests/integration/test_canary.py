"""After a whole contact change: no code, password, token or document byte in logs, events, Redis, a database or a file."""

import re
from collections.abc import Iterator
from typing import Any

import redis

from tests.support.journeys import approve, file_change
from tests.support.system import PASSWORD, System

DOCUMENT_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"%PDF-", b"FACSIMILE")


def everything_kept(system: System) -> Iterator[tuple[str, bytes]]:
    """All that the system keeps, by where it lies: files but for keys, settings and sample sign-ins; every key of Redis."""
    for file in system.var.rglob("*"):
        if file.is_file() and file.relative_to(system.var).parts[0] in {"log", "db", "blobs", "redis"}:
            yield str(file.relative_to(system.var)), file.read_bytes()
    for database in (0, 1):
        url = re.sub(r"/\d+$", f"/{database}", system.environment_of("otp")["RECAPITO_REDIS_URL"])
        client = redis.Redis.from_url(url)
        for key in client.scan_iter(count=1000):
            yield f"redis {database} {key!r}", key + b" " + repr(_value(client, key)).encode()


def _value(client: Any, key: bytes) -> object:
    kind = client.type(key).decode()
    if kind == "zset":
        return client.zrange(key, 0, -1, withscores=True)
    if kind == "list":
        return client.lrange(key, 0, -1)
    return {"string": client.get, "hash": client.hgetall, "set": client.smembers, "stream": client.xrange}[kind](key)


def test_no_secret_is_kept_anywhere(system: System) -> None:
    known = system.customers(1)[0]
    system.register(known, known.mobile)
    session = system.sign_in(known)
    token = system.start_sign_in(known.mobile).code_required.contact_change_token
    new_mobile = "+39333" + known.mobile[-7:]
    change_id, code = file_change(system, token, new_mobile, "altra@example.org")
    operator = system.operator("reviewer")
    operator_token = system.operator_token(operator)
    approve(system, operator_token, change_id)
    system.inbox.wait("altra@example.org")
    sent = [system.inbox.code(known.mobile, count) for count in (1, 2)]

    tokens = [session, token, operator_token, PASSWORD, operator.totp_secret]
    codes = [re.compile(rb"(?<![0-9.])" + each.encode() + rb"(?![0-9])") for each in (*sent, code)]
    places = list(everything_kept(system))
    assert any(known.customer_id.encode() in content for _, content in places)  # the places are where things lie
    assert any(place.startswith("redis 0") for place, _ in places)
    assert any(place.startswith("log") and b"serving" in content for place, content in places)
    found = [
        (place, what)
        for place, content in places
        for what in (
            *(each[:4] + "…" for each in tokens if each.encode() in content),
            *(f"code {each.pattern!r}" for each in codes if each.search(content)),
            *(f"document {each!r}" for each in DOCUMENT_STARTS if each in content),
        )
    ]
    assert found == []
