from typing import Any, NamedTuple, cast

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from recapito_servicekit.handlers import Handlers


class Details(NamedTuple):
    """What grpc.aio says of a call that came in."""

    method: str
    invocation_metadata: tuple[()] = ()


def of(handlers: Handlers, path: str) -> Any:
    return handlers.service(cast(grpc.HandlerCallDetails, Details(path)))


def test_every_handler_is_wrapped_once_and_found_by_its_path() -> None:
    wrapped: list[str] = []

    def wrap(path: str, handler: Any) -> Any:
        wrapped.append(path)
        return handler

    handlers = Handlers(wrap)
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), handlers.as_server())
    assert sorted(wrapped) == sorted(set(wrapped))
    assert "/grpc.health.v1.Health/Check" in wrapped
    assert of(handlers, "/grpc.health.v1.Health/Check").unary_unary is not None


def test_nobody_answers_a_path_that_nobody_added() -> None:
    assert of(Handlers(), "/grpc.health.v1.Health/Check") is None
