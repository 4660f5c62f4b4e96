"""The ledger of notices: what goes to whom, and how far it came. A notice and its event are written together."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_contact_change import events
from recapito_contact_change.notices import Channel, Notice, NoticeState
from recapito_contact_change.store.tables import NOTICES, OUTBOX
from recapito_servicekit.ids import new_id

N = NOTICES.c


def insert(tx: sa.Connection, change_id: str, notice: Notice, now: datetime) -> None:
    """Puts a notice on the ledger, to go out once the transaction holds."""
    notice_id = new_id()
    tx.execute(
        NOTICES.insert().values(
            notice_id=notice_id,
            change_id=change_id,
            channel=notice.channel,
            destination=notice.destination,
            template=notice.template,
            params=json.dumps(notice.params),
            locale=notice.locale,
            state=NoticeState.QUEUED,
            tries=0,
        )
    )
    events.write(OUTBOX, tx, events.NOTICE, notice_id, {"notice_id": notice_id}, now)


def count_try(tx: sa.Connection, notice_id: str) -> tuple[str, Notice] | None:
    """Counts a try of a notice that waits: its change's id and the notice. None: it doesn't wait, or there is none."""
    row: Any = tx.execute(
        NOTICES.update()
        .where(N.notice_id == notice_id, N.state == NoticeState.QUEUED)
        .values(tries=N.tries + 1)
        .returning(NOTICES)
    ).first()
    if row is None:
        return None
    return row.change_id, Notice(Channel(row.channel), row.destination, row.template, json.loads(row.params), row.locale)


def settle(tx: sa.Connection, notice_id: str, state: NoticeState, sent_at: datetime | None) -> None:
    """Notes how it ended."""
    tx.execute(NOTICES.update().where(N.notice_id == notice_id).values(state=state, sent_at=sent_at))
