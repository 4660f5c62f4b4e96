"""The service over real gRPC, a real broker and SQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SetClock
from tests.integration.contact_change.system import System
from tests.support.pki import Pki
from tests.support.smtp import SmtpSink


@pytest.fixture
def system(pki: Pki, tmp_path: Path, database_url: str, broker_url: str, mailbox: SmtpSink, clock: SetClock) -> Iterator[System]:
    """The service, serving, with nothing in it."""
    made = System(pki, tmp_path, database_url, broker_url, mailbox, clock)
    yield made
    made.close()
