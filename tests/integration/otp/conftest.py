"""The service of each test."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from recapito_otp.store import redis_jobs
from recapito_servicekit.clock import system_clock
from tests.integration.otp.service import Otp
from tests.support.pki import Pki
from tests.support.smtp import SmtpSink


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker looks for tries that are due each time that its wait for a new job ends: what a test puts off comes sooner."""
    monkeypatch.setattr(redis_jobs, "BLOCK", timedelta(milliseconds=50))


@pytest.fixture
def live_otp(pki: Pki, redis_url: str, mailbox: SmtpSink) -> Iterator[Otp]:
    """The service at the present time, its relay being the mailbox."""
    service = Otp(pki, redis_url, system_clock, **mailbox.settings())
    yield service
    service.stop()
