"""One way to serve: grpc.aio on uvloop, mTLS, the gate, health, reflection, a management port, a drain on SIGTERM."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import grpc
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import Histogram

from recapito_servicekit import logs, management
from recapito_servicekit.callers import Callers
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.gate import Gate, Room
from recapito_servicekit.handlers import Handlers
from recapito_servicekit.persons import Introspect
from recapito_servicekit.settings import ServerSettings
from recapito_servicekit.tls import server_credentials

log = logs.get(__name__)

LAG = Histogram(
    "recapito_event_loop_lag_seconds",
    "How late the loop turned to a timer",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
LAG_EVERY_SECONDS: Final = 0.25
DRAIN_SECONDS: Final = 10.0
CHECK_SECONDS: Final = 2.0
OPTIONS: Final = (
    ("grpc.so_reuseport", 1),  # several processes of a service share its port on purpose
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    # a caller connects anew each minute and so finds replicas that were added; no call lasts longer than the grace
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 75_000),
)

Ready = Callable[[], Awaitable[bool]]


@dataclass
class Wiring:
    """What a service hands to ``serve``: how to add its servicers, who asks for persons, and whether it is ready."""

    add: Callable[[grpc.aio.Server], None]
    services: Iterable[str]  # full names, for health and reflection
    introspect: Introspect | None = None
    ready: Ready | None = None
    close: Callable[[], Awaitable[None]] | None = None
    clock: Clock = field(default=system_clock)


def run(settings: ServerSettings, wire: Callable[[], Awaitable[Wiring]]) -> None:
    """Serves until SIGTERM or SIGINT. ``wire`` runs on the loop, so that channels and pools belong to it."""
    uvloop.run(_main(settings, wire))


async def _main(settings: ServerSettings, wire: Callable[[], Awaitable[Wiring]]) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    wiring = await wire()
    server, health_servicer = await start(settings, wiring)
    close_management = management.serve(settings.metrics_bind, asyncio.get_running_loop(), wiring.ready)
    log.info("serving", bind=settings.grpc_bind)
    tasks = [asyncio.create_task(_watch(wiring, health_servicer)), asyncio.create_task(_measure_lag())]
    await stop.wait()
    log.info("draining")
    for task in tasks:
        task.cancel()
    await health_servicer.enter_graceful_shutdown()
    await server.stop(DRAIN_SECONDS)
    if wiring.close is not None:
        await wiring.close()
    close_management()
    log.info("stopped")


async def start(settings: ServerSettings, wiring: Wiring) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """Starts a server on the running loop and returns it; health says NOT_SERVING until the first check says ready."""
    pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="flow")
    room = Room(
        settings.threads,
        settings.queue,
        settings.call_seconds,
        settings.stream_seconds,
        settings.least_call_ms / 1000,
        settings.step_up_minutes * 60,
    )
    gate = Gate(Callers.read(settings.callers_file), wiring.introspect, wiring.clock, pool, room)
    server = grpc.aio.server(options=OPTIONS)
    services, own = Handlers(gate.wrap), Handlers()
    wiring.add(services.as_server())
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, own.as_server())
    names = [*wiring.services, health.SERVICE_NAME]
    if settings.reflection:
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], own.as_server())
    server.add_generic_rpc_handlers((services, own))
    server.add_secure_port(settings.grpc_bind, server_credentials(settings))
    await _set_health(wiring, health_servicer)
    await server.start()
    return server, health_servicer


async def _watch(wiring: Wiring, servicer: health.aio.HealthServicer) -> None:
    while True:
        await _set_health(wiring, servicer)
        await asyncio.sleep(CHECK_SECONDS)


async def _measure_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_SECONDS
        await asyncio.sleep(LAG_EVERY_SECONDS)
        LAG.observe(max(0.0, loop.time() - due))


async def _set_health(wiring: Wiring, servicer: health.aio.HealthServicer) -> None:
    ready = await management.is_ready(wiring.ready)
    status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
    for name in ("", *wiring.services):
        await servicer.set(name, status)
