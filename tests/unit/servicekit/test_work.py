"""How background jobs fare, and what the management port says of it."""

import http.client
import time

import pytest

from recapito_servicekit import management
from recapito_servicekit.work import HOPELESS_SECONDS, SETTLED_SECONDS, Health
from tests.support.ports import free_port


def test_job_that_failed_is_failing_until_it_has_settled() -> None:
    health = Health()
    assert health.failing(1000) == {}
    health.failed("relay", 1000)
    assert health.failing(1000 + SETTLED_SECONDS - 1) == {"relay": SETTLED_SECONDS - 1}
    assert health.failing(1000 + SETTLED_SECONDS) == {}


def test_job_that_fails_again_and_again_is_failing_since_the_first_time() -> None:
    health = Health()
    for at in range(1000, 1100, 15):
        health.failed("relay", at)
    assert health.failing(1100) == {"relay": 100}
    health.failed("relay", 2000)  # it had settled in between
    assert health.failing(2001) == {"relay": 1}


def test_one_failure_makes_unready_and_only_a_long_row_of_them_unhealthy() -> None:
    health = Health()
    now = time.monotonic()
    health.failed("relay", now)
    assert (health.is_ready(), health.is_alive()) == (False, True)
    health = Health()
    for before in range(int(HOPELESS_SECONDS) + 20, 0, -10):
        health.failed("relay", now - before)
    assert (health.is_ready(), health.is_alive()) == (False, False)


@pytest.mark.parametrize(("alive", "status"), [(True, 200), (False, 503)])
def test_livez_says_whether_a_new_process_should_try(alive: bool, status: int) -> None:
    port = free_port()
    close = management.serve_plain(f"127.0.0.1:{port}", lambda: True, lambda: alive)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == status
    finally:
        close()


def test_figure_that_cannot_be_read_is_left_out_and_the_others_are_there() -> None:
    def broken() -> list[object]:
        raise OSError

    management.measure(broken)  # type: ignore[arg-type]
    management.measure(lambda: [management.gauge("recapito_test_waiting", "x", {("a",): 2.0}, "state")])
    port = free_port()
    close = management.serve_plain(f"127.0.0.1:{port}", lambda: True)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        close()
    assert 'recapito_test_waiting{state="a"} 2.0' in text
