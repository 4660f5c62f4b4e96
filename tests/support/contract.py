"""Every RPC of the contract, found in the packages themselves, so that a new one is in every test that is made from them."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import recapito
from google.protobuf.descriptor import MethodDescriptor


def rpcs() -> Iterator[tuple[str, MethodDescriptor]]:
    """Each with the service that serves it: "auth", "otp", "contact-change" or "claims"."""
    for root in map(Path, recapito.__path__):
        for file in sorted(root.rglob("*_pb2.py")):
            package = file.relative_to(root).parts
            module = importlib.import_module(".".join(("recapito", *package[:-1], file.stem)))
            for service in module.DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    yield package[0].replace("_", "-"), method


def path_of(method: MethodDescriptor) -> str:
    """The path that gRPC knows an RPC by."""
    return f"/{method.containing_service.full_name}/{method.name}"
