"""The service of each test."""

from collections.abc import Iterator

import pytest

from recapito_servicekit.clock import Clock, system_clock
from tests.integration.otp.service import Otp
from tests.support.pki import Pki
from tests.support.smtp import SmtpSink


@pytest.fixture
def otp(pki: Pki, redis_url: str, clock: Clock) -> Iterator[Otp]:
    """The service at the test's own time."""
    service = Otp(pki, redis_url, clock)
    yield service
    service.stop()


@pytest.fixture
def live_otp(pki: Pki, redis_url: str, mailbox: SmtpSink) -> Iterator[Otp]:
    """The service at the present time, its relay being the mailbox."""
    service = Otp(pki, redis_url, system_clock, **mailbox.settings())
    yield service
    service.stop()
