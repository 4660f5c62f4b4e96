"""Every handler of a server in one table, looked up by its path.

Generated code adds each method to a server twice: by name, and with its whole service as a generic handler. grpc.aio waits for
the next call of each name in a task of its own, and with every call takes all of these waits down and puts them up again: with
the sixty methods of auth a tenth of a call's CPU. A server that knows generic handlers alone waits once, for any call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import grpc

if TYPE_CHECKING:  # generic for the type checker alone
    Handler = grpc.RpcMethodHandler[Any, Any]


class Handlers(grpc.GenericRpcHandler):
    """As a server to those who add servicers; to the server, one generic handler. ``wrap``: what each becomes, by its path."""

    def __init__(self, wrap: Callable[[str, Handler], Handler] = lambda _path, handler: handler) -> None:
        self._wrap = wrap
        self._by_path: dict[str, Handler] = {}

    def as_server(self) -> grpc.aio.Server:
        """For the functions that generated code adds a servicer with."""
        return cast(grpc.aio.Server, self)

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """The same methods come by name as well."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Takes a service's methods by their names."""
        for method, handler in handlers.items():
            path = f"/{service}/{method}"
            self._by_path[path] = self._wrap(path, handler)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Whose call it is; None: nobody's here."""
        return self._by_path.get(handler_call_details.method)
