"""The one interceptor that every call goes through: who calls, who acts, how long, what it became.

It admits a call (certificate, callers.toml, the RPC's own access option), gives it a deadline, runs a plain ``def`` handler in
the bounded pool of threads and an ``async def`` one on the loop, turns a Refusal into google.rpc.Status, and answers anything
unexpected with INTERNAL, a correlation id and not a word more.
"""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import functools
import inspect
import logging
import operator
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import grpc
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from prometheus_client import Counter, Gauge, Histogram
from recapito.access.v1 import access_pb2

from recapito_servicekit import logs, traces
from recapito_servicekit.callers import HEALTH_AND_REFLECTION, Callers
from recapito_servicekit.calls import Call, enter_call
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.persons import Introspect, demand
from recapito_servicekit.status import DETAILS_KEY, details_of, refusal_from

log = logs.get(__name__)

CALL_SECONDS: Final = 5.0
STREAM_SECONDS: Final = 60.0
LEAST_SECONDS: Final = 0.1
CALLS = Counter("recapito_grpc_calls", "Calls answered", ["rpc", "caller", "code"])
SECONDS = Histogram("recapito_grpc_seconds", "Seconds a call took", ["rpc"])
IN_FLIGHT = Gauge("recapito_grpc_calls_in_flight", "Calls that are being answered")
THREADS = Gauge("recapito_threads", "Threads for flows that wait on SQL or hash")
WANTED = Gauge("recapito_threads_wanted", "Calls that have a thread or wait for one; above recapito_threads: they wait")
# the call reached a handler, so its channel must not repeat it by itself (gRFC A6)
NO_RETRY: Final = ("grpc-retry-pushback-ms", "-1")
# what a called service refused for a reason that its caller's caller must know too
PASSED_ON: Final = frozenset({Kind.RESOURCE_EXHAUSTED, Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED})

_END: Final = object()
_LEVEL: Final = logging.getLogger(__name__)
# prometheus_client looks children up under a lock, by labels that it makes strings of first
_calls: Final = functools.cache(CALLS.labels)
_seconds: Final = functools.cache(SECONDS.labels)

if TYPE_CHECKING:  # generic for the type checker alone
    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = grpc.aio.ServicerContext[Any, Any]


class Gate(grpc.aio.ServerInterceptor):
    """Wraps every handler once. ``queue``: calls that may wait for a thread before more are refused."""

    def __init__(
        self, callers: Callers, introspect: Introspect | None, clock: Clock, pool: ThreadPoolExecutor, threads: int, queue: int
    ) -> None:
        self._callers = callers
        self._introspect = introspect
        self._clock = clock
        self._pool = pool
        self._room = threads + queue
        THREADS.set(threads)
        self._in_pool = 0
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Gives the wrapped handler of the method."""
        path = handler_call_details.method
        if path in self._wrapped:
            return self._wrapped[path]
        handler = await continuation(handler_call_details)
        if handler is None or path.startswith(HEALTH_AND_REFLECTION):
            return handler
        wrapped = self._wrapped[path] = self._wrap(path, handler)
        return wrapped

    def _wrap(self, path: str, handler: Handler) -> Handler:
        access = access_of(path)
        common: Any = {"request_deserializer": handler.request_deserializer, "response_serializer": handler.response_serializer}
        if handler.response_streaming:
            many: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream

            async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
                caller = caller_of(context)
                async with self._guard(path, caller, context), await self._admit(path, caller, access, context, STREAM_SECONDS):
                    async for message in self._stream(many, request, context):
                        yield message

            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
            return make(stream, **common)
        one: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary
        plain = not inspect.iscoroutinefunction(one)
        ids_asked, ids_answered = ids_of(path)
        most = STREAM_SECONDS if handler.request_streaming else CALL_SECONDS

        async def unary(request: Any, context: Context) -> Any:
            caller = caller_of(context)
            async with self._guard(path, caller, context), await self._admit(path, caller, access, context, most):
                if handler.request_streaming:
                    request = _pulled(request, asyncio.get_running_loop()) if plain else request
                else:
                    _bind(request, ids_asked)
                response = await (self._in_thread(one, request, context) if plain else one(request, context))
                _bind(response, ids_answered)
                return response

        make_unary = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        return make_unary(unary, **common)

    async def _stream(self, many: Any, request: Any, context: Context) -> AsyncIterator[Any]:
        produced = many(request, context)
        if inspect.isasyncgen(produced):
            async for message in produced:
                yield message
            return
        while (message := await self._in_thread(next, produced, _END)) is not _END:
            yield message

    async def _admit(self, path: str, caller: str, access: access_pb2.Access, context: Context, most: float) -> asyncio.Timeout:
        metadata = dict(context.invocation_metadata() or ())
        remaining = context.time_remaining()
        left = most if remaining is None else min(remaining, most)
        call = Call(path, caller, self._callers.grant(path, caller), None, time.monotonic() + left)
        if left < LEAST_SECONDS:
            raise Refusal(Kind.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", "less than 100 ms are left; nothing was done")
        if list(access.persons) != [access_pb2.PERSON_NOBODY]:
            scheme, _, token = _text(metadata.get("authorization")).partition(" ")
            live = scheme.lower() == "bearer" and token.strip() and self._introspect is not None
            person = await self._introspect(token.strip()) if live and self._introspect else None
            demand(access, person, self._clock)
            call = dataclasses.replace(call, person=person)
        enter_call(call)
        return asyncio.timeout(call.time_left())

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Runs plain code in the pool, within the call's context. The code goes on where the caller leaves before its end."""
        if self._in_pool >= self._room:
            raise Refusal(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls wait already", retry_after=timedelta(seconds=1))
        self._in_pool += 1
        WANTED.inc()
        context = contextvars.copy_context()
        future = asyncio.get_running_loop().run_in_executor(self._pool, lambda: context.run(function, *args))
        future.add_done_callback(self._left_pool)
        return await asyncio.shield(future)

    def _left_pool(self, future: asyncio.Future[Any]) -> None:
        self._in_pool -= 1
        WANTED.dec()
        if not future.cancelled():
            future.exception()  # looked at, also where nobody waits for it any more

    @asynccontextmanager
    async def _guard(self, path: str, caller: str, context: Context) -> AsyncIterator[None]:
        """Answers whatever is raised inside as one typed error, and counts the call."""
        started = time.perf_counter()
        rpc = path.lstrip("/")
        code = "OK"
        metadata = dict(context.invocation_metadata() or ())
        came = (_text(metadata.get(name)) for name in (traces.REQUEST_ID, traces.TRACEPARENT))
        span = traces.enter(rpc, traces.Kind.SERVER, *came)
        structlog.contextvars.bind_contextvars(rpc=rpc, caller=caller)
        IN_FLIGHT.inc()
        try:
            yield
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception as error:
            refusal = _as_refusal(error)
            code = refusal.kind.value
            if refusal.kind is Kind.INTERNAL:
                log.error("call failed", exc_info=error)
            else:
                log.info("call refused", code=code, reason=refusal.reason)
            trace = traces.current()
            request_id = trace.request_id if trace else ""
            trailers: tuple[tuple[str, str | bytes], ...] = ((DETAILS_KEY, details_of(refusal, request_id)),)
            if refusal.kind is Kind.UNAVAILABLE:
                trailers = (*trailers, NO_RETRY)
            await context.abort(grpc.StatusCode[code], refusal.message, trailers)
        finally:
            seconds = time.perf_counter() - started
            IN_FLIGHT.dec()
            _calls(rpc, caller, code).inc()
            _seconds(rpc).observe(seconds)
            span.end("" if code == "OK" else code)
            # a line costs 40 µs, a check of a code 200: not at INFO, where making one up to drop it costs half of that
            if _LEVEL.isEnabledFor(logging.DEBUG):
                log.debug("call answered", code=code, ms=round(seconds * 1000, 1))


def ids_of(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where the request and the response of an RPC name what they are about: ``change_id``, ``challenge.challenge_id``."""
    service, _, method = path.lstrip("/").partition("/")
    found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
    return _ids_in(found.input_type), _ids_in(found.output_type)


def _ids_in(message: Descriptor | None) -> tuple[str, ...]:
    if message is None:
        return ()
    own = [field.name for field in message.fields if field.name in logs.IDS]
    parts = [(field.name, field.message_type) for field in message.fields if not field.is_repeated]
    nested = [f"{name}.{field.name}" for name, part in parts if part for field in part.fields if field.name in logs.IDS]
    return (*own, *nested)


def _bind(message: Any, places: tuple[str, ...]) -> None:
    if places:
        logs.bind(**{place.rpartition(".")[2]: operator.attrgetter(place)(message) for place in places})


def caller_of(context: Context) -> str:
    """The calling service: the common name of its certificate, which our CA signed."""
    names = list(context.auth_context().get("x509_common_name") or [b""])
    return _text(names[0])


def _pulled(requests: AsyncIterator[Any], loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    """A stream of requests for plain code in a thread: each message is fetched when it is asked for, so nothing piles up."""

    async def step() -> Any:
        return await anext(requests, _END)

    while (message := asyncio.run_coroutine_threadsafe(step(), loop).result(STREAM_SECONDS)) is not _END:
        yield message


def access_of(path: str) -> access_pb2.Access:
    """What the RPC demands of the person, from its descriptor. An RPC that doesn't say is refused to everybody."""
    service, _, method = path.lstrip("/").partition("/")
    found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[method].GetOptions()
    access: access_pb2.Access = found.Extensions[access_pb2.access]
    if not access.persons or access_pb2.PERSON_UNSPECIFIED in access.persons:
        raise RuntimeError(f"{path} does not say who may act (recapito.access.v1.access)")
    return access


def _as_refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TimeoutError):
        return Refusal(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "it took longer than the call may")
    if isinstance(error, grpc.RpcError):
        refused = refusal_from(error)
        if refused.kind in PASSED_ON:
            return refused
    return Refusal(Kind.INTERNAL, "INTERNAL", "something went wrong here; the request_id finds it in the log")


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
