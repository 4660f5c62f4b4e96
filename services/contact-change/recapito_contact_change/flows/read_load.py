"""What supervisors look at: how much waits and for how long, in whose hands, and how cases ended of late."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from recapito_contact_change.domain import Decision, Policy, State
from recapito_contact_change.store import changes, load
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

LATELY: Final = timedelta(days=30)
SOON: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Load:
    """As ``GetLoadResponse`` has it; ``states``: count and the oldest one's time by state."""

    states: list[tuple[State, int, datetime | None]]
    waiting: load.Waiting
    holders: list[tuple[str, int]]
    outcomes: list[tuple[Decision, str, int]]
    median: timedelta
    reviewed_twice: load.Twice
    dead_letters: int
    first_look: timedelta
    target: timedelta


class ReadLoad:
    """See ``run``."""

    def __init__(self, database: Database, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy

    def run(self) -> Load:
        """The load as it is now."""
        now = self._clock()
        since = now - LATELY
        with self._database.read() as tx:
            return Load(
                states=changes.count_open(tx),
                waiting=load.waiting(tx, now, soon=now + SOON, unseen_since=now - self._policy.first_look),
                holders=load.holders(tx, now),
                outcomes=load.outcomes(tx, since),
                median=load.median(tx, since),
                reviewed_twice=load.reviewed_twice(tx, since),
                dead_letters=OUTBOX.backlog(tx).dead + ledger.count_failed(tx),
                first_look=self._policy.first_look,
                target=self._policy.review_target,
            )
