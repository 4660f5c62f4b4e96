"""Services that more than one folder of tests starts."""

from collections.abc import Iterator

import pytest

from recapito_servicekit.clock import Clock
from tests.integration.otp.service import Otp
from tests.support.pki import Pki


@pytest.fixture
def otp(pki: Pki, redis_url: str, clock: Clock) -> Iterator[Otp]:
    """One-time codes at the test's own time."""
    service = Otp(pki, redis_url, clock)
    yield service
    service.stop()
