"""What gave up: events after five tries or a day's outage, notices that were refused for good. A person sends them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from recapito_contact_change.store import changes
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit import contacts, logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import not_found
from recapito_servicekit.outbox import DeadEvent
from recapito_servicekit.sql import Database

log = logs.get(__name__)

MOST: Final = 100


class Kind(StrEnum):
    """What a dead letter is."""

    EVENT = "EVENT"
    NOTICE = "NOTICE"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter. ``type``: the event's, or the notice's template. ``about``: what else tells of it, nothing that is secret."""

    letter_id: str
    kind: Kind
    type: str
    change_id: str  # empty: it tells of no change that there is
    error: str
    tries: int
    dead_at: datetime
    about: Mapping[str, str]


class DeadLetters:
    """Lists them, shows one, sends one again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def oldest(self) -> list[DeadLetter]:
        """The oldest 100, the oldest first."""
        with self._database.read() as tx:
            found = [_of_event(tx, dead) for dead in OUTBOX.dead(tx, MOST)]
            found += [_of_notice(failed) for failed in ledger.failed(tx, MOST)]
        return sorted(found, key=lambda letter: (letter.dead_at, letter.letter_id))[:MOST]

    def one(self, letter_id: str) -> DeadLetter:
        """The letter. Raises NOT_FOUND: there is none, or it was sent again."""
        with self._database.read() as tx:
            return _find(tx, letter_id)

    def resend(self, letter_id: str, actor: str) -> DeadLetter:
        """Sends the letter again, with all its tries before it; gives it as it was. Raises NOT_FOUND as ``one`` does."""
        now = self._clock()
        with self._database.transaction() as tx:
            letter = _find(tx, letter_id)
            again = OUTBOX.revive if letter.kind is Kind.EVENT else ledger.queue_again
            if not again(tx, letter_id, now):
                raise not_found("dead_letter")
            if letter.change_id:
                changes.note(tx, letter.change_id, now, actor, "resent", f"{letter.kind} {letter.type} {letter_id}")
        log.info("dead letter sent again", letter_id=letter_id, kind=letter.kind, type=letter.type, actor=actor)
        return letter


def _find(tx: sa.Connection, letter_id: str) -> DeadLetter:
    event = OUTBOX.find_dead(tx, letter_id)
    if event is not None:
        return _of_event(tx, event)
    notice = ledger.find_failed(tx, letter_id)
    if notice is None:
        raise not_found("dead_letter")
    return _of_notice(notice)


def _of_event(tx: sa.Connection, dead: DeadEvent) -> DeadLetter:
    event = dead.event
    data: dict[str, Any] = event.data
    change_id = str(data.get("change_id", "")) or ledger.change_of(tx, str(data.get("notice_id", "")))
    if not changes.exists(tx, change_id):
        change_id = ""
    about = {"key": event.key, "request_id": event.request_id, **{name: str(value) for name, value in data.items()}}
    return DeadLetter(event.event_id, Kind.EVENT, event.type, change_id, dead.error, event.tries, dead.dead_at, about)


def _of_notice(failed: ledger.FailedNotice) -> DeadLetter:
    notice = failed.notice
    about = {"channel": notice.channel, "destination": contacts.mask(notice.destination), "locale": notice.locale}
    return DeadLetter(
        failed.notice_id, Kind.NOTICE, notice.template, failed.change_id, failed.error, failed.tries, failed.failed_at, about
    )
