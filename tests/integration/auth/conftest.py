"""The auth service of each test, with an OTP service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recapito_servicekit.clock import Clock
from tests.integration.auth.service import Auth
from tests.integration.otp.service import Otp
from tests.support.pki import Pki
from tests.support.redis import RedisServer


@pytest.fixture
def auth(
    request: pytest.FixtureRequest, pki: Pki, redis_server: RedisServer, database_url: str, otp: Otp, clock: Clock, tmp_path: Path
) -> Iterator[Auth]:
    """The service at the test's own time, its Redis empty. Hashes cost next to nothing but for tests marked ``full_cost``."""
    full_cost = request.node.get_closest_marker("full_cost") is not None
    service = Auth(pki, redis_server.url(1), database_url, otp, clock, tmp_path, full_cost=full_cost)
    yield service
    service.stop()
