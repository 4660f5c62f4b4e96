"""What is counted of sign-ins; no label says anything of a person."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from recapito_servicekit.errors import Refusal

SIGN_INS = Counter("recapito_auth_sign_ins", "Sign-ins by step (password, code, operator) and outcome", ["step", "outcome"])


@contextmanager
def counted(step: str) -> Iterator[Callable[[str], None]]:
    """Counts what the body says the outcome is, or the reason that it is refused for."""
    told: list[str] = []
    try:
        yield told.append
    except Refusal as refusal:
        told.append(refusal.reason.lower())
        raise
    finally:
        SIGN_INS.labels(step, told[-1] if told else "failed").inc()
