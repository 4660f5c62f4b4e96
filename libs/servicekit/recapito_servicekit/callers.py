"""Which calling service may call which RPC: ``callers.toml``, by full RPC name. What is not listed is refused.

# callers whose ``client{}`` is believed: front ends, and services that relay what a front end told them
believed_clients = ["portal", "console", "auth", "contact-change"]

["recapito.otp.v1.OtpService/IssueChallenge"]
auth = { purposes = ["registration", "sign_in"] }
["recapito.auth.v1.SessionService/Introspect"]
portal = {}
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marshmallow import Schema, ValidationError, fields

from recapito_servicekit.errors import Kind, Refusal


class BadCallers(Exception):
    """Raised at start: callers.toml can't be taken; the message says where and why."""


class _Grant(Schema):
    purposes = fields.List(fields.String(), load_default=None, allow_none=True)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller may do with an RPC."""

    purposes: frozenset[str] | None  # None: the RPC has no purpose
    believed_client: bool

    def demand_purpose(self, purpose: str) -> None:
        """Raises PERMISSION_DENIED unless the caller is listed with the purpose."""
        if self.purposes is None or purpose not in self.purposes:
            raise Refusal(
                Kind.PERMISSION_DENIED,
                "PURPOSE_NOT_ALLOWED",
                "the calling service is not listed with this purpose",
                {"purpose": purpose},
            )


class Callers:
    """The parsed list. Paths are gRPC's: ``/package.Service/Method``."""

    def __init__(self, grants: Mapping[str, Mapping[str, Grant]]) -> None:
        self._grants = grants

    @classmethod
    def read(cls, file: Path) -> "Callers":
        """Reads callers.toml. Raises BadCallers."""
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
            believed = fields.List(fields.String(), load_default=[]).deserialize(document.pop("believed_clients", []))
            schema = _Grant()
            grants = {
                f"/{rpc}": {
                    caller: Grant(frozenset(entry["purposes"]) if entry["purposes"] is not None else None, caller in believed)
                    for caller, raw in entries.items()
                    for entry in [schema.load(raw)]
                }
                for rpc, entries in document.items()
            }
        except (OSError, tomllib.TOMLDecodeError, ValidationError, AttributeError) as error:
            raise BadCallers(f"{file}: {error}") from error
        return cls(grants)

    def paths(self) -> frozenset[str]:
        """Every RPC that is listed."""
        return frozenset(self._grants)

    def of(self, path: str) -> frozenset[str]:
        """The callers listed for an RPC."""
        return frozenset(self._grants.get(path, {}))

    def grant(self, path: str, caller: str) -> Grant:
        """What ``caller`` may do with the RPC. Raises PERMISSION_DENIED where it isn't listed."""
        grant = self._grants.get(path, {}).get(caller)
        if grant is None:
            raise Refusal(
                Kind.PERMISSION_DENIED,
                "CALLER_NOT_ALLOWED",
                "the calling service is not listed for this RPC",
                {"rpc": path.lstrip("/")},
            )
        return grant
