"""The customer's own changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from recapito_contact_change.domain import DEFAULTS, Asker, Change, Question, State
from recapito_contact_change.store import changes, questions
from recapito_servicekit.errors import not_found
from recapito_servicekit.sql import Database

MOST_LISTED: Final = 50


class ReadChanges:
    """Reads one, or lists. ``answer_within``: how long a question waits."""

    def __init__(self, database: Database, answer_within: timedelta = DEFAULTS.answer_within) -> None:
        self._database = database
        self._answer_within = answer_within

    def one(self, asker: Asker, change_id: str) -> Change:
        """The change. Raises NOT_FOUND: there is none, or it is another customer's."""
        with self._database.read() as tx:
            found = changes.find_own(tx, change_id, asker.customer_id)
        if found is None:
            raise not_found("change")
        return found

    def waiting_question(self, change: Change) -> Question | None:
        """What the customer is asked; None: nothing."""
        if change.state is not State.WAITING_FOR_CUSTOMER:
            return None
        with self._database.read() as tx:
            asked = next((one for one in questions.of_change(tx, change.change_id) if one.answered_at is None), None)
        return replace(asked, answer_by=asked.asked_at + self._answer_within) if asked else None

    def newest(self, asker: Asker) -> list[Change]:
        """The newest 50, the newest first."""
        with self._database.read() as tx:
            return changes.newest(tx, asker.customer_id, MOST_LISTED)
