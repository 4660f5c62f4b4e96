"""Our counters beside prometheus_client's own: a scrape sees the same."""

from collections.abc import Iterator

import prometheus_client
import pytest
from prometheus_client import REGISTRY

from recapito_servicekit import tallies


@pytest.fixture
def twins() -> Iterator[tuple[tallies.Histogram, prometheus_client.Histogram]]:
    ours = tallies.Histogram("recapito_test_ours_seconds", "Ours", ["rpc"])
    theirs = prometheus_client.Histogram("recapito_test_theirs_seconds", "Theirs", ["rpc"])
    yield ours, theirs
    REGISTRY.unregister(ours)
    REGISTRY.unregister(theirs)


def _scraped(name: str) -> list[str]:
    lines = prometheus_client.generate_latest().decode().splitlines()
    found = [line.replace(name, "NAME") for line in lines if line.startswith(name)]
    return sorted(line for line in found if not line.startswith("NAME_created"))


def test_a_histogram_is_shown_as_theirs(twins: tuple[tallies.Histogram, prometheus_client.Histogram]) -> None:
    ours, theirs = twins
    for seconds in (0.0, 0.005, 0.0050001, 0.3, 10.0, 11.0, 600.0):
        for rpc in ("a", "b"):
            ours.add(rpc, seconds)
            theirs.labels(rpc).observe(seconds)
    shown = _scraped("recapito_test_ours_seconds")
    assert len(shown) > 30
    assert shown == _scraped("recapito_test_theirs_seconds")


def test_a_counter_is_shown_by_its_labels() -> None:
    counter = tallies.Counter("recapito_test_calls", "Calls", ["rpc", "code"])
    try:
        for code in ("OK", "OK", "NOT_FOUND"):
            counter.add("a", code)
        shown = _scraped("recapito_test_calls")
        assert shown == ['NAME_total{code="NOT_FOUND",rpc="a"} 1.0', 'NAME_total{code="OK",rpc="a"} 2.0']
    finally:
        REGISTRY.unregister(counter)
