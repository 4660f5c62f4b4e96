"""Services that more than one folder of tests starts."""

from collections.abc import Iterator

import pytest

from recapito_servicekit import queues
from recapito_servicekit.clock import Clock
from tests.integration.otp.service import Otp
from tests.integration.requests import make_things
from tests.support.pki import Pki
from tests.support.system import System


@pytest.fixture(autouse=True)
def _stops_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that hears nothing looks a second later whether it is to end: here sooner, for most tests end some."""
    monkeypatch.setattr(queues, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(queues, "REDIS", {**queues.REDIS, "polling_interval": 0.1})


@pytest.fixture
def otp(pki: Pki, redis_url: str, clock: Clock) -> Iterator[Otp]:
    """One-time codes at the test's own time."""
    service = Otp(pki, redis_url, clock)
    yield service
    service.stop()


@pytest.fixture(scope="module")
def things(system: System) -> dict[str, str]:
    """Ids of one customer's things, by the name of the field that asks for them, and the session's token."""
    return make_things(system)
