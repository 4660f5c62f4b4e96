"""The door of a front end: a request is taken in whole, with bounds, before a thread begins to work on it (RSGI to WSGI).

A thread that reads from the network belongs to whoever sends slowly, and there are few threads. And a header's name with an
underscore is dropped here, where it still differs from one with a dash: to WSGI ``X_Forwarded_For``, which many proxies pass on
as it came, is the ``X-Forwarded-For`` that they set.
"""

import asyncio
import io
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from recapito_servicekit import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

log = logs.get(__name__)

# a body has so long at first, and then for as long as so many bytes come each second
FIRST_SECONDS: Final = 20.0
LEAST_BYTES_A_SECOND: Final = 32 * 1024
IN_MEMORY_BYTES: Final = 64 * 1024
# of larger bodies so many are taken in at once: files fill a disk, and must not keep anybody from the pages
LARGE_BYTES: Final = 256 * 1024
MOST_LARGE: Final = 8
_UNHEARD: Final = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class Scope(Protocol):
    """A request as RSGI tells of it."""

    scheme: str
    http_version: str
    client: str
    server: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Any


class Exchange(Protocol):
    """RSGI's protocol: the body comes in pieces, the answer goes out whole."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_empty(self, status: int, headers: Headers) -> None: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...


class Full(Exception):
    """Raised where as many large bodies are under way as may be."""


class BrokenOff(Exception):
    """Raised where a body ends before all of it was there: the client left, or somebody cut it off."""


_STATUS: Final = {Full: 503, BrokenOff: 400, TimeoutError: 408}


class Door:
    """``most_bytes``: of a body, by the path it comes for; whatever is larger the app refuses unread."""

    def __init__(self, app: "WSGIApplication", threads: int, most_bytes: Callable[[str], int]) -> None:
        self._app = app
        self.most_bytes = most_bytes
        self._large = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="page")

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        environ = environ_of(scope)
        if "HTTP_TRANSFER_ENCODING" in environ:  # no browser sends a form so, and of its end granian doesn't tell which one it is
            exchange.response_empty(411, [("connection", "close")])
            return
        if int(environ.get("CONTENT_LENGTH") or 0):
            with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
                environ["wsgi.input"] = body
                try:
                    await asyncio.create_task(self._receive(environ, exchange, body))
                except (TimeoutError, Full, BrokenOff) as error:
                    log.info("request not taken in", error=type(error).__name__)
                    exchange.response_empty(_STATUS[type(error)], [("connection", "close"), ("retry-after", "30")])
                    return
                answer = await self._worked(environ)
        else:
            answer = await self._worked(environ)
        exchange.response_bytes(*answer)

    def _worked(self, environ: "WSGIEnvironment") -> asyncio.Future[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._pool, self._answer, environ)

    async def _receive(self, environ: "WSGIEnvironment", exchange: Exchange, body: "IO[bytes]") -> None:
        length = int(environ["CONTENT_LENGTH"])
        if length > self.most_bytes(environ["PATH_INFO"]):
            return  # the app has a page for it, and doesn't read
        size, began, is_large = 0, asyncio.get_running_loop().time(), False
        try:
            async with asyncio.timeout(FIRST_SECONDS) as limit:
                async for piece in exchange:
                    size += len(piece)
                    if size > LARGE_BYTES and not is_large:
                        is_large = self._begin_large()
                    body.write(piece)
                    limit.reschedule(began + FIRST_SECONDS + size / LEAST_BYTES_A_SECOND)
        finally:
            self._large -= is_large
        if size != length:
            raise BrokenOff
        body.seek(0)

    def _begin_large(self) -> bool:
        if self._large >= MOST_LARGE:
            raise Full
        self._large += 1
        return True

    def _answer(self, environ: "WSGIEnvironment") -> Answer:
        told: list[tuple[int, Headers]] = []

        def start(status: str, headers: Headers, _exc_info: object = None) -> Callable[[bytes], object]:
            told.append((int(status.partition(" ")[0]), headers))
            return lambda _: None

        pieces: Iterable[bytes] = self._app(environ, start)
        try:
            body = b"".join(pieces)
        finally:
            getattr(pieces, "close", lambda: None)()
        return *told[-1], body


def environ_of(scope: Scope) -> "WSGIEnvironment":
    """The request as WSGI has it (PEP 3333), without headers that only look like others."""
    address, _, port = scope.client.rpartition(":")
    name, _, own_port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": name,
        "SERVER_PORT": own_port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": address.strip("[]"),
        "REMOTE_PORT": port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if scope.authority:  # HTTP/2's Host
        environ["HTTP_HOST"] = scope.authority
    for key, value in _heard(scope.headers.items()):
        separator = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ


def _heard(headers: Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if "_" not in name:
            yield _UNHEARD.get(name) or f"HTTP_{name.upper().replace('-', '_')}", value
