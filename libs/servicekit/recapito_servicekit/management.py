"""The management port: /metrics (Prometheus), /livez (a new process would do no better), /readyz (what it needs is there)."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from recapito_servicekit import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logs.get(__name__)
READY_SECONDS: Final = 2.0
# of a connection that says nothing: a probe asks at once
SILENT_SECONDS: Final = 5.0


async def is_ready(ready: Callable[[], Awaitable[bool]] | None) -> bool:
    """Asks with a time limit; anything but a clear yes is a no."""
    if ready is None:
        return True
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await ready()
    except Exception as error:
        log.warning("not ready", error=type(error).__name__)
        return False


def serve(bind: str, loop: asyncio.AbstractEventLoop, ready: Callable[[], Awaitable[bool]] | None) -> Callable[[], None]:
    """Serves from a thread of its own; returns what closes it. An empty ``bind`` serves nothing."""

    def check() -> bool:
        return asyncio.run_coroutine_threadsafe(is_ready(ready), loop).result(READY_SECONDS + 1)

    return serve_plain(bind, check)


def serve_plain(bind: str, check: Callable[[], bool], alive: Callable[[], bool] = lambda: True) -> Callable[[], None]:
    """The same for a process without a loop. ``check`` answers /readyz, ``alive`` /livez."""
    if not bind:
        return lambda: None
    host, _, port = bind.rpartition(":")
    server = make_server(host, int(port), _app(check, alive), _Server, _Quiet)
    threading.Thread(target=server.serve_forever, name="management", daemon=True).start()

    def close() -> None:
        server.shutdown()
        server.server_close()

    return close


def measure(read: Callable[[], Iterable[GaugeMetricFamily]]) -> None:
    """Adds gauges that are read when /metrics is. What can't be read is left out: an absent figure is told from a nought."""

    class Reader(Collector):
        def collect(self) -> Iterable[GaugeMetricFamily]:
            try:
                return list(read())
            except Exception as error:
                log.warning("not measured", error=type(error).__name__)
                return ()

        def describe(self) -> Iterable[GaugeMetricFamily]:
            return ()  # else it would be read once at the start

    REGISTRY.register(Reader())


def gauge(name: str, help: str, values: Mapping[tuple[str, ...], float], *labels: str) -> GaugeMetricFamily:
    """A gauge's values by those of its labels."""
    family = GaugeMetricFamily(name, help, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _app(check: Callable[[], bool], alive: Callable[[], bool]) -> Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]:
    metrics = make_wsgi_app()

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            body_of_metrics: Iterable[bytes] = metrics(environ, start_response)
            return body_of_metrics
        if path == "/livez":
            status, body = ("200 OK", b"alive\n") if _checked(alive) else ("503 Service Unavailable", b"stuck\n")
        elif path == "/readyz":
            status, body = ("200 OK", b"ready\n") if _checked(check) else ("503 Service Unavailable", b"not ready\n")
        else:
            status, body = "404 Not Found", b"here are /metrics, /livez and /readyz\n"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def _checked(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        return False


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a connection: one that says nothing must not keep a probe waiting, or the process is taken for dead."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: whoever broke off knows it."""


class _Quiet(WSGIRequestHandler):
    timeout = SILENT_SECONDS

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a probe every second says nothing new."""
