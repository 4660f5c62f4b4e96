"""The gate that every call goes through: who calls, who acts, how long, what it became.

It wraps each handler once, as it is added to the server (``Handlers``): an interceptor would be asked for it again by every
call. It admits a call (certificate, callers.toml, the RPC's own access option), gives it a deadline, runs a plain ``def`` handler
in the bounded pool of threads and an ``async def`` one on the loop, turns a Refusal into google.rpc.Status, and answers anything
unexpected with INTERNAL, a correlation id and not a word more.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import operator
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, cast

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from prometheus_client import Gauge
from recapito.access.v1 import access_pb2

from recapito_servicekit import lines, logs, tallies, traces
from recapito_servicekit.callers import Callers
from recapito_servicekit.calls import Call, enter_call
from recapito_servicekit.clock import Clock
from recapito_servicekit.deadlines import Deadlines
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.persons import Introspect, demand
from recapito_servicekit.reading import Unreadable, reader
from recapito_servicekit.status import DETAILS_KEY, details_of, refusal_from

log = logs.get(__name__)

# how old, at most, a code may be that a step-up rests on, as the contract says it; a setting may say less
STEP_UP_SECONDS: Final = 600
CALLS = tallies.Counter("recapito_grpc_calls", "Calls answered", ["rpc", "caller", "code"])
SECONDS = tallies.Histogram("recapito_grpc_seconds", "Seconds a call took", ["rpc"])
IN_FLIGHT = Gauge("recapito_grpc_calls_in_flight", "Calls that are being answered")
THREADS = Gauge("recapito_threads", "Threads for flows that wait on SQL or hash")
WANTED = Gauge("recapito_threads_wanted", "Calls that have a thread or wait for one; above recapito_threads: they wait")
# the call reached a handler, so its channel must not repeat it by itself (gRFC A6)
NO_RETRY: Final = ("grpc-retry-pushback-ms", "-1")
# what a called service refused for a reason that its caller's caller must know too
PASSED_ON: Final = frozenset({Kind.RESOURCE_EXHAUSTED, Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED})

_END: Final = object()

Place = tuple[str, Callable[[Any], Any]]
"""An id's name, and what reads it from a message."""

if TYPE_CHECKING:  # generic for the type checker alone
    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = grpc.aio.ServicerContext[Any, Any]


class Room(NamedTuple):
    """How much there is for calls. ``queue``: those that may wait for a thread before more are refused; ``least_seconds``: what
    must be left of a call's time; ``step_up_seconds``: the oldest code that a step-up may rest on.
    """

    threads: int
    queue: int
    call_seconds: float
    stream_seconds: float
    least_seconds: float
    step_up_seconds: int


class Gate:
    """Wraps every handler once."""

    def __init__(
        self, callers: Callers, introspect: Introspect | None, clock: Clock, pool: ThreadPoolExecutor, room: Room
    ) -> None:
        self._callers = callers
        self._introspect = introspect
        self._clock = clock
        self._pool = pool
        self._seconds = room
        self._room = room.threads + room.queue
        THREADS.set(room.threads)
        self._in_pool = 0
        self._in_flight = 0
        self._tells_all = logging.getLogger(__name__).isEnabledFor(logging.DEBUG)
        IN_FLIGHT.set_function(lambda: self._in_flight)
        self._deadlines = Deadlines()

    def wrap(self, path: str, handler: Handler) -> Handler:
        """The handler that a server is given instead of ``handler``."""
        rpc = _Rpc(path, handler, self._seconds)
        parse = reader(cast("Callable[[bytes], Any]", handler.request_deserializer), rpc.request_type)  # generated code gives one
        common: Any = {"request_deserializer": parse, "response_serializer": handler.response_serializer}
        if handler.response_streaming:
            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
            return make(self._answering_many(rpc), **common)
        make_unary = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        return make_unary(self._answering(rpc), **common)

    def _answering(self, rpc: _Rpc) -> Callable[[Any, Context], Awaitable[Any]]:
        async def unary(request: Any, context: Context) -> Any:
            passing = self._enter(rpc, request, context)
            try:
                call = self._admitted(passing, context)
                enter_call(await self._with_person(passing, call) if rpc.needs_person else call)
                request = _readable(request)
                if not rpc.plain:
                    response = await rpc.handler(request, context)
                else:
                    asked = _pulled(request, asyncio.get_running_loop(), rpc.most) if rpc.takes_stream else request
                    response = await self._in_thread(rpc.handler, asked, context)
                passing.response = response
                return response
            except (Exception, asyncio.CancelledError) as error:
                await self._refuse(passing, error, context)
            finally:
                self._leave(passing)

        return unary

    def _answering_many(self, rpc: _Rpc) -> Callable[[Any, Context], AsyncIterator[Any]]:
        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            passing = self._enter(rpc, request, context)
            try:
                call = self._admitted(passing, context)
                enter_call(await self._with_person(passing, call) if rpc.needs_person else call)
                async for message in self._stream(rpc.handler, _readable(request), context):
                    yield message
            except (Exception, asyncio.CancelledError) as error:
                await self._refuse(passing, error, context)
            finally:
                self._leave(passing)

        return stream

    async def _stream(self, many: Any, request: Any, context: Context) -> AsyncIterator[Any]:
        produced = many(request, context)
        if inspect.isasyncgen(produced):
            async for message in produced:
                yield message
            return
        while (message := await self._in_thread(next, produced, _END)) is not _END:
            yield message

    def _enter(self, rpc: _Rpc, request: Any, context: Context) -> _Passing:
        """The call is under way: from here on its lines and its trace say so."""
        metadata: dict[str, Any] = dict(context.invocation_metadata() or ())  # bytes where a name ends in -bin, else str
        caller = caller_of(context)
        about = {"rpc": rpc.name, "caller": caller}
        if rpc.ids_asked and not isinstance(request, Unreadable):
            about |= _ids_of(request, rpc.ids_asked)
        request_id, traceparent = metadata.get(traces.REQUEST_ID, ""), metadata.get(traces.TRACEPARENT, "")
        span = traces.enter(rpc.name, traces.Kind.SERVER, request_id, traceparent, about)
        self._in_flight += 1
        return _Passing(rpc, caller, metadata, span)

    def _admitted(self, passing: _Passing, context: Context) -> Call:
        """The call that is let in, its deadline set. Raises a Refusal."""
        rpc, caller = passing.rpc, passing.caller
        remaining = context.time_remaining()
        left = rpc.most if remaining is None or remaining > rpc.most else remaining
        call = Call(rpc.path, caller, self._callers.grant(rpc.path, caller), None, time.monotonic() + left)
        if left < self._seconds.least_seconds:
            raise Refusal(Kind.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", "too little time is left; nothing was done")
        self._deadlines.watch(passing.task, call.deadline)
        return call

    async def _with_person(self, passing: _Passing, call: Call) -> Call:
        """The call with the person who acts in it. Raises a Refusal: there is none, or it isn't who the RPC demands."""
        scheme, _, token = _text(passing.metadata.get("authorization")).partition(" ")
        live = scheme.lower() == "bearer" and token.strip() and self._introspect is not None
        person = await self._introspect(token.strip()) if live and self._introspect else None
        demand(passing.rpc.access, person, self._clock)
        return call._replace(person=person)

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

    async def _refuse(self, passing: _Passing, error: Exception | asyncio.CancelledError, context: Context) -> NoReturn:
        """Answers whatever was raised as one typed error; a caller that left gets none."""
        if isinstance(error, asyncio.CancelledError):
            if not self._deadlines.has_ended(passing.task):
                passing.code = "CANCELLED"
                raise error
            error = TimeoutError()
        self._deadlines.leave(passing.task)
        refusal = _as_refusal(error)
        passing.code = code = refusal.kind.value
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

    def _leave(self, passing: _Passing) -> None:
        """The call is over: counts it."""
        self._deadlines.leave(passing.task)
        self._in_flight -= 1
        rpc, code = passing.rpc, passing.code
        seconds = time.perf_counter() - passing.started
        CALLS.add(rpc.name, passing.caller, code)
        SECONDS.add(rpc.name, seconds)
        passing.span.end("" if code == "OK" else code)
        # a line costs 40 µs, a check of a code 200: not at INFO, where making one up to drop it costs half of that
        if self._tells_all:
            if passing.response is not None:
                lines.bind(_ids_of(passing.response, rpc.ids_answered))
            log.debug("call answered", code=code, ms=round(seconds * 1000, 1))


class _Rpc:
    """What is known of an RPC before it is called."""

    def __init__(self, path: str, handler: Handler, room: Room) -> None:
        self.path = path
        self.name = path.lstrip("/")
        self.takes_stream: bool = handler.request_streaming
        if handler.response_streaming:
            self.handler: Any = handler.stream_stream if self.takes_stream else handler.unary_stream
        else:
            self.handler = handler.stream_unary if self.takes_stream else handler.unary_unary
        self.plain = not inspect.iscoroutinefunction(self.handler)
        self.most = room.stream_seconds if self.takes_stream or handler.response_streaming else room.call_seconds
        self.access = access_pb2.Access()
        self.access.CopyFrom(access_of(path))
        if self.access.max_age_seconds:  # some allow more, so that a code on its way can arrive
            self.access.max_age_seconds += room.step_up_seconds - STEP_UP_SECONDS
        self.needs_person = list(self.access.persons) != [access_pb2.PERSON_NOBODY]
        method = _method_of(path)
        self.request_type: Descriptor = method.input_type
        asked, self.ids_answered = _ids_in(method.input_type), _ids_in(method.output_type)
        self.ids_asked = () if self.takes_stream else asked


class _Passing:
    """A call on its way through the gate."""

    __slots__ = ("caller", "code", "metadata", "response", "rpc", "span", "started", "task")

    def __init__(self, rpc: _Rpc, caller: str, metadata: Mapping[str, str | bytes], span: traces.Span) -> None:
        self.rpc = rpc
        self.caller = caller
        self.metadata = metadata
        self.span = span
        self.code = "OK"
        self.response: Any = None
        self.started = time.perf_counter()
        self.task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]  # grpc.aio runs each call in one


def _method_of(path: str) -> MethodDescriptor:
    service, _, method = path.lstrip("/").partition("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]


def _ids_in(message: Descriptor | None) -> tuple[Place, ...]:
    """Where a message names what it is about: ``change_id``, ``challenge.challenge_id``."""
    if message is None:
        return ()
    own = [field.name for field in message.fields if field.name in logs.IDS]
    parts = [(field.name, field.message_type) for field in message.fields if not field.is_repeated]
    nested = [f"{name}.{field.name}" for name, part in parts if part for field in part.fields if field.name in logs.IDS]
    return tuple((place.rpartition(".")[2], operator.attrgetter(place)) for place in (*own, *nested))


def _ids_of(message: Any, places: tuple[Place, ...]) -> dict[str, str]:
    return logs.ids({name: read(message) for name, read in places})


def caller_of(context: Context) -> str:
    """The calling service: the common name of its certificate, which our CA signed."""
    for name in context.auth_context().get("x509_common_name", ()):
        return _text(name)
    return ""


def _pulled(requests: AsyncIterator[Any], loop: asyncio.AbstractEventLoop, seconds: float) -> Iterator[Any]:
    """A stream of requests for plain code in a thread: each message is fetched when it is asked for, so nothing piles up."""

    async def step() -> Any:
        return await anext(requests, _END)

    while (message := asyncio.run_coroutine_threadsafe(step(), loop).result(seconds)) is not _END:
        yield _readable(message)


def _readable(request: Any) -> Any:
    """The request, if it is one. Raises INVALID_ARGUMENT."""
    if isinstance(request, Unreadable):
        raise request.refusal
    return request


def access_of(path: str) -> access_pb2.Access:
    """What the RPC demands of the person, from its descriptor. An RPC that doesn't say is refused to everybody."""
    access: access_pb2.Access = _method_of(path).GetOptions().Extensions[access_pb2.access]
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
