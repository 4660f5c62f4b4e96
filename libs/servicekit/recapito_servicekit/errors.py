"""The one error that flows raise and that crosses the wire (as google.rpc.Status, see ``status.py``)."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What went wrong, by the names of the gRPC status codes."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Violation:
    """A field that can't be taken: its path in the request, a stable reason, and what instead, for a developer."""

    field: str
    reason: str
    description: str


@dataclass(eq=False)
class Refusal(Exception):
    """A request that is answered with an error on purpose.

    ``reason`` is stable and machine-readable (UPPER_SNAKE_CASE); ``message`` is for developers and logs and holds no secret and
    nothing of a person. Raise it outside of a transaction that must be kept: it rolls back whatever is open around it.
    """

    kind: Kind
    reason: str
    message: str
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    retry_after: timedelta | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}: {self.message}"


def invalid(*violations: Violation) -> Refusal:
    """INVALID_ARGUMENT that names every field at fault together."""
    fields = ", ".join(v.field for v in violations)
    return Refusal(Kind.INVALID_ARGUMENT, violations[0].reason, f"cannot take: {fields}", violations=violations)


def reused() -> Refusal:
    """INVALID_ARGUMENT: the request_id was another request's. A repeat is the same request again, and nothing else."""
    return invalid(Violation("request_id", "REUSED", "this request_id was used for something else"))


def not_found(what: str) -> Refusal:
    """NOT_FOUND: it isn't there, or it is somebody else's; the answer is the same."""
    return Refusal(Kind.NOT_FOUND, f"{what.upper()}_NOT_FOUND", f"no such {what.replace('_', ' ')}")
