"""What comes through the door of a front end: whole, in time, and only what it says it is."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from recapito_servicekit import web_door
from recapito_servicekit.web_door import Door

MOST = 1024


@dataclass
class Headers:
    pairs: list[tuple[str, str]]

    def items(self) -> list[tuple[str, str]]:
        return self.pairs


@dataclass
class Scope:
    headers: Headers
    method: str = "POST"
    path: str = "/è"
    query_string: str = "a=%20b"
    scheme: str = "http"
    http_version: str = "1.1"
    client: str = "[2001:db8::1]:5000"
    server: str = "127.0.0.1:8080"
    authority: str | None = None


@dataclass
class Exchange:
    pieces: Iterable[bytes] = ()
    is_silent: bool = False
    answered: list[Any] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.is_silent:
            await asyncio.sleep(60)

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.answered.append(status)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.answered.append((status, headers, body))


def _echo(environ: dict[str, Any], start: Any) -> list[bytes]:
    environ["read"] = environ["wsgi.input"].read()
    seen.append(environ)
    start("201 Created", [("x-one", "1")])
    return [b"a", b"b"]


seen: list[dict[str, Any]] = []


def _ask(exchange: Exchange, *headers: tuple[str, str], door: Door | None = None) -> dict[str, Any]:
    seen.clear()
    asyncio.run((door or Door(_echo, 1, lambda _: MOST)).__rsgi__(Scope(Headers(list(headers))), exchange))
    return seen[-1] if seen else {}


def test_request_comes_as_wsgi_has_it() -> None:
    exchange = Exchange([b"hel", b"lo"])
    environ = _ask(exchange, ("host", "localhost"), ("content-length", "5"), ("cookie", "a=1"), ("cookie", "b=2"))
    assert environ["read"] == b"hello"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/è"
    assert (environ["REMOTE_ADDR"], environ["HTTP_COOKIE"], environ["CONTENT_LENGTH"]) == ("2001:db8::1", "a=1; b=2", "5")
    assert exchange.answered == [(201, [("x-one", "1")], b"ab")]


@pytest.mark.parametrize("name", ["x_forwarded_for", "x-forwarded_for", "content_length"])
def test_header_that_only_looks_like_the_proxys_is_dropped(name: str) -> None:
    """Granian's own WSGI let it replace the proxy's: whoever sent it chose the address that limits count by."""
    environ = _ask(Exchange(), ("x-forwarded-for", "203.0.113.9"), (name, "6.6.6.6"))
    assert environ["HTTP_X_FORWARDED_FOR"] == "203.0.113.9"
    assert "CONTENT_LENGTH" not in environ


def test_body_that_comes_too_slowly_reaches_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_door, "FIRST_SECONDS", 0.05)
    exchange = Exchange([b"hel"], is_silent=True)
    assert _ask(exchange, ("content-length", "5")) == {}
    assert exchange.answered == [408]


def test_body_may_take_long_while_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_door, "FIRST_SECONDS", 0.4)
    monkeypatch.setattr(web_door, "LEAST_BYTES_A_SECOND", 10)

    class Steady(Exchange):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(5):
                await asyncio.sleep(0.1)
                yield b"ab"

    assert _ask(Steady(), ("content-length", "10"))["read"] == b"ababababab"


def test_body_that_is_too_large_is_left_to_the_app_unread() -> None:
    declared = _ask(Exchange([b"a" * 2000]), ("content-length", "2000"))
    assert (declared["read"], declared["CONTENT_LENGTH"]) == (b"", "2000")


def test_body_that_breaks_off_reaches_no_thread() -> None:
    """granian says the same of its end as of a whole one's: an amount of 1234 was taken as 12."""
    exchange = Exchange([b"amount=12"])
    assert _ask(exchange, ("content-length", "11")) == {}
    assert exchange.answered == [400]


@pytest.mark.parametrize("length", [(), (("content-length", "4"),)], ids=["no length", "a length too"])
def test_body_in_chunks_could_break_off_unnoticed_and_is_refused(length: tuple[tuple[str, str], ...]) -> None:
    exchange = Exchange([b"abcd"])
    assert _ask(exchange, ("transfer-encoding", "chunked"), *length) == {}
    assert exchange.answered == [411]


def test_large_bodies_are_taken_in_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_door, "LARGE_BYTES", 10)
    monkeypatch.setattr(web_door, "MOST_LARGE", 1)
    monkeypatch.setattr(web_door, "FIRST_SECONDS", 0.6)
    door = Door(_echo, 1, lambda _: MOST)
    slow, large, small = Exchange([b"a" * 20], is_silent=True), Exchange([b"a" * 20]), Exchange([b"a" * 5])

    async def come(exchange: Exchange, length: str) -> None:
        await door.__rsgi__(Scope(Headers([("content-length", length)])), exchange)

    async def all_at_once() -> None:
        first = asyncio.create_task(come(slow, "30"))
        await asyncio.sleep(0.05)
        await asyncio.gather(come(large, "20"), come(small, "5"))
        await first
        await come(again, "20")

    again = Exchange([b"a" * 20])
    asyncio.run(all_at_once())
    assert (slow.answered, large.answered) == ([408], [503])
    assert small.answered[0][0] == again.answered[0][0] == 201
