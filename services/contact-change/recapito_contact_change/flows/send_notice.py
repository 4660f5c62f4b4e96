"""Sends a notice of the ledger: a mail to the relay, a text to the otp service."""

from dataclasses import replace
from datetime import timedelta

from recapito_contact_change import events
from recapito_contact_change.adapters.codes import Codes, NoticeRefused
from recapito_contact_change.adapters.mails import Mails
from recapito_contact_change.domain import DEFAULTS
from recapito_contact_change.flows.open_case import SYSTEM
from recapito_contact_change.notices import WITH_LINK, Channel, Notice, NoticeState
from recapito_contact_change.store import changes, repudiations
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.mail import MailRejected
from recapito_servicekit.outbox import Event
from recapito_servicekit.sql import Database

log = logs.get(__name__)


class SendNotice:
    """See ``run``. ``links``: whether notices carry a link to the portal; a token is made when one goes out, kept hashed,
    and lives for ``links_live``."""

    def __init__(
        self,
        database: Database,
        mails: Mails,
        codes: Codes,
        clock: Clock,
        *,
        links: bool,
        links_live: timedelta = DEFAULTS.repudiate_within,
    ) -> None:
        self._database = database
        self._mails = mails
        self._codes = codes
        self._clock = clock
        self._links = links
        self._links_live = links_live

    def run(self, event: Event) -> None:
        """Handles a notice event. Between the relay's answer and our record a crash sends it again, under the same Message-ID."""
        notice_id = events.read(event)["notice_id"]
        with self._database.transaction() as tx:
            found = ledger.count_try(tx, notice_id)
            if found is None:
                OUTBOX.close(tx, event.event_id, self._clock())
                return
            change_id, notice = found
            if self._links and notice.template in WITH_LINK:
                token = repudiations.issue(tx, change_id, self._clock(), self._links_live)
                notice = replace(notice, params={**notice.params, "token": token})
        logs.bind(change_id=change_id)
        error = self._send(notice_id, notice)
        state = NoticeState.FAILED if error else NoticeState.SENT
        now = self._clock()
        with self._database.transaction() as tx:
            if not OUTBOX.close(tx, event.event_id, now):
                return
            if error:
                ledger.refused(tx, notice_id, now, error)
            else:
                ledger.sent(tx, notice_id, now)
            changes.note(tx, change_id, now, SYSTEM, f"notice_{state.lower()}", f"{notice.template} {notice.channel}")

    def _send(self, notice_id: str, notice: Notice) -> str:
        """Why it was refused for good; empty: it went out."""
        try:
            if notice.channel is Channel.EMAIL:
                self._mails.send(notice_id, notice)
            else:
                self._codes.text(notice_id, notice)
        except (MailRejected, NoticeRefused) as error:
            log.warning("notice refused for good", notice_id=notice_id, template=notice.template, error=str(error))
            return str(error)
        return ""
