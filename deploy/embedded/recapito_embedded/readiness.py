"""Whether a program answers as ready: gRPC health over mTLS for services, /readyz for front ends and the inbox."""

import http.client
from collections.abc import Callable, Mapping
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from recapito_embedded import redis
from recapito_embedded.layout import FRONT_ENDS, GRPC_SERVICES, HOST, WORKERS, Layout
from recapito_embedded.programs import INBOX, REDIS

ASK_SECONDS: Final = 1.0
# a refused connection is tried again at once: servers are being started
_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_http_proxy", 0),
)

Probe = Callable[[], bool]


def probes(layout: Layout, redis_password: str) -> Mapping[str, Probe]:
    """How to ask each program that can be asked, by its name. Services by gRPC health, the others by HTTP."""
    tls = layout.var / "tls"
    credentials = grpc.ssl_channel_credentials(
        root_certificates=(tls / "ca.pem").read_bytes(),
        private_key=(tls / "internal-key.pem").read_bytes(),
        certificate_chain=(tls / "internal.pem").read_bytes(),
    )
    return {
        REDIS: lambda: redis.answers(layout.ports["redis"], redis_password),
        INBOX: _http(layout.ports["inbox"]),
        **{name: _health(layout.address(name), credentials) for name in GRPC_SERVICES},
        **{name: _http(layout.ports[f"{name}-metrics"]) for name in FRONT_ENDS},
        **{f"{name}-work": _http(layout.ports[f"{name}-work-metrics"]) for name in WORKERS},
    }


def _health(address: str, credentials: grpc.ChannelCredentials) -> Probe:
    stub = health_pb2_grpc.HealthStub(grpc.secure_channel(address, credentials, _OPTIONS))

    def ask() -> bool:
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=ASK_SECONDS)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return ask


def _http(port: int) -> Probe:
    def ask() -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=ASK_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask
