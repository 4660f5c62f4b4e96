"""Tells Redis the least epochs again: a Redis that lost its last second must not bring a session back."""

import threading
from datetime import timedelta
from typing import Final

from recapito_auth.store import customers, operators
from recapito_auth.store.sessions import Sessions
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

PAUSE_SECONDS: Final = 3.0
RECENT: Final = timedelta(hours=1)


def assert_epochs(database: Database, sessions: Sessions, clock: Clock) -> int:
    """Repeats the epoch of every customer and operator whose epoch rose in the last hour. Gives how many there are."""
    since = clock() - RECENT
    with database.read() as connection:
        changed = [*customers.epochs_raised_since(connection, since), *operators.epochs_raised_since(connection, since)]
    for subject, epoch in changed:
        sessions.raise_least_epoch(subject, epoch)
    return len(changed)


def keep_asserting(database: Database, sessions: Sessions, clock: Clock, stop: threading.Event) -> None:
    """The same every few seconds until ``stop`` is set."""
    while not stop.is_set():
        assert_epochs(database, sessions, clock)
        stop.wait(PAUSE_SECONDS)
