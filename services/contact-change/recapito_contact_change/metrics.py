"""What is counted of changes; no label says anything of a person."""

from collections.abc import Iterable
from typing import Any

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily

from recapito_contact_change.store import changes
from recapito_servicekit.clock import Clock
from recapito_servicekit.management import gauge
from recapito_servicekit.sql import Database

SUBMITTED = Counter("recapito_contact_change_requests", "Requests filed")
DECIDED = Counter("recapito_contact_change_decisions", "Decisions of operators", ["decision", "reason_code"])
PASSED_ON = Counter("recapito_contact_change_second_reviews", "First decisions that go to a second operator", ["risk"])
APPLIED = Histogram(
    "recapito_contact_change_applied_seconds",
    "From a request's filing to the registry's taking the mobile over",
    buckets=(60, 600, 3_600, 4 * 3_600, 8 * 3_600, 24 * 3_600, 72 * 3_600, 168 * 3_600, 720 * 3_600),
)


class Waiting:
    """Changes that wait, read when /metrics is."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self) -> Iterable[GaugeMetricFamily]:
        """Open changes by state, and the age of the oldest."""
        now = self._clock()

        def age(since: Any) -> float:
            return max(0.0, (now - since).total_seconds()) if since else 0.0

        with self._database.read() as tx:
            open_changes = changes.count_open(tx)
        counts: dict[tuple[str, ...], float] = {(str(state),): float(count) for state, count, _ in open_changes}
        ages: dict[tuple[str, ...], float] = {(str(state),): age(oldest) for state, _, oldest in open_changes}
        yield gauge("recapito_contact_change_open", "Open changes", counts, "state")
        yield gauge("recapito_contact_change_oldest_seconds", "Since the oldest open change was filed", ages, "state")
