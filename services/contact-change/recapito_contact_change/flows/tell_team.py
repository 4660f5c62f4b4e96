"""A mail to the operators' team when cases wait: how many, and nothing of anybody."""

import threading
from datetime import timedelta
from typing import Final

from recapito_contact_change.adapters.mails import Mails
from recapito_contact_change.domain import Policy
from recapito_contact_change.store import load, team_mails
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.mail import MailFailed, MailRejected
from recapito_servicekit.sql import Database

log = logs.get(__name__)

PERIOD_SECONDS: Final = 60.0
SOON: Final = timedelta(hours=4)


class TellTeam:
    """See ``run_once``. ``address``: the team's; empty: nobody is told. ``every``: no more often than that."""

    def __init__(self, database: Database, mails: Mails, clock: Clock, policy: Policy, address: str, every: timedelta) -> None:
        self._database = database
        self._mails = mails
        self._clock = clock
        self._policy = policy
        self._address = address
        self._every = every

    def run(self, stop: threading.Event) -> None:
        """Looks once a minute until told to stop."""
        while not stop.is_set():
            if self._address:
                self.run_once()
            stop.wait(PERIOD_SECONDS)

    def run_once(self) -> bool:
        """Tells the team where cases came in since the last mail, or one waits past a target; whether it did.

        A mail that the relay doesn't take now is tried again at the next look; after a crash in between it is not sent.
        """
        now = self._clock()
        with self._database.transaction() as tx:
            last = team_mails.last(tx, self._address)
            waiting = load.waiting(tx, now, soon=now + SOON, unseen_since=now - self._policy.first_look)
            is_new = waiting.newest is not None and (last is None or waiting.newest > last)
            due = last is None or now >= last + self._every
            if not (due and (is_new or waiting.late or waiting.unseen)) or not team_mails.claim(tx, self._address, last, now):
                return False
        try:
            self._mails.to_team(self._address, waiting, now)
        except (MailFailed, MailRejected) as error:
            log.warning("the team was not told", error=type(error).__name__)
            with self._database.transaction() as tx:
                team_mails.take_back(tx, self._address, last)
            return False
        return True
