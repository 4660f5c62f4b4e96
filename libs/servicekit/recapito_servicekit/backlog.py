"""What an outbox shows on /metrics: how much waits, since when, and what gave up."""

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily

from recapito_servicekit.clock import Clock
from recapito_servicekit.management import gauge
from recapito_servicekit.outbox import Outbox
from recapito_servicekit.sql import Database


def gauges(database: Database, outbox: Outbox, clock: Clock) -> Callable[[], Iterable[GaugeMetricFamily]]:
    """For ``management.measure``."""

    def read() -> Iterable[GaugeMetricFamily]:
        with database.read() as tx:
            found = outbox.backlog(tx)
        age = max(0.0, (clock() - found.oldest).total_seconds()) if found.oldest else 0.0
        yield gauge("recapito_outbox_open_events", "Events that wait for their effect", {(): float(found.waiting)})
        yield gauge("recapito_outbox_dead_events", "Events that gave up", {(): float(found.dead)})
        yield gauge("recapito_outbox_oldest_seconds", "Since the oldest waiting event was written", {(): age})

    return read
