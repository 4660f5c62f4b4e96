"""How a service calls another: mTLS, a deadline, the request's id, retries where a call may be repeated."""

import json
from collections.abc import Callable
from typing import Any, Final

import grpc

from recapito_servicekit import traces
from recapito_servicekit.calls import current_call_or_none
from recapito_servicekit.tls import Identity

DEFAULT_SECONDS: Final = 5.0
UPLOAD_SECONDS: Final = 60.0
# UNAVAILABLE alone: the call did not reach a handler. Mutations carry a request_id besides.
_SERVICE_CONFIG: Final = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)
OPTIONS: Final = (
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


def channel(address: str, identity: Identity) -> grpc.Channel:
    """A channel for plain code; thread-safe. Open it after a fork, never before."""
    return grpc.intercept_channel(grpc.secure_channel(address, identity.for_channel(), OPTIONS), _Onward())


def aio_channel(address: str, identity: Identity) -> grpc.aio.Channel:
    """A channel for code on the running loop."""
    return grpc.aio.secure_channel(address, identity.for_channel(), OPTIONS)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call in which the token's person acts."""
    return (("authorization", f"Bearer {token}"),)


class _Details(grpc.ClientCallDetails):
    def __init__(self, base: grpc.ClientCallDetails, timeout: float, metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        self.method = base.method
        self.timeout = timeout
        self.metadata = metadata
        self.credentials = base.credentials
        self.wait_for_ready = base.wait_for_ready
        self.compression = base.compression


class _Onward(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
):
    """Hands on the request's id, its trace and what is left of its time; a call without a deadline gets one."""

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: grpc.ClientCallDetails, request: Any) -> Any:
        return continuation(_onward(details, DEFAULT_SECONDS), request)

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: grpc.ClientCallDetails, request: Any) -> Any:
        return continuation(_onward(details, UPLOAD_SECONDS), request)

    def intercept_stream_unary(self, continuation: Callable[..., Any], details: grpc.ClientCallDetails, requests: Any) -> Any:
        return continuation(_onward(details, UPLOAD_SECONDS), requests)


def _onward(details: grpc.ClientCallDetails, most: float) -> _Details:
    timeout = most if details.timeout is None else details.timeout
    call = current_call_or_none()
    if call is not None:
        timeout = max(0.0, min(timeout, call.time_left()))
    given = tuple(details.metadata or ())
    said = {key for key, _ in given}
    return _Details(details, timeout, (*given, *(pair for pair in traces.metadata() if pair[0] not in said)))
