"""The bench of each test."""

from collections.abc import Iterator

import pytest

from tests.integration.servicekit.bench import Bench


@pytest.fixture
def bench(database_url: str, broker_url: str) -> Iterator[Bench]:
    made = Bench(database_url, broker_url)
    yield made
    made.stop.set()
    for thread in made.threads:
        thread.join(60)
    made.database.close()
