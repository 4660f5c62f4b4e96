"""A mail came back: the ledger, the case and the dead letters say so, as where the relay itself had refused it."""

from recapito_contact_change.bounces import Bounce
from recapito_contact_change.flows.open_case import SYSTEM
from recapito_contact_change.notices import NoticeState
from recapito_contact_change.store import changes
from recapito_contact_change.store import notices as ledger
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

log = logs.get(__name__)


class NotYetSent(Exception):
    """Raised when the mail is still noted as on its way out: its report was faster than our own record."""


class NoteBounce:
    """See ``run``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def run(self, bounce: Bounce) -> bool:
        """Whether it was news of a mail of ours: whoever never got it doesn't know its id. Raises NotYetSent: come again."""
        now = self._clock()
        with self._database.transaction() as tx:
            found = ledger.bounced(tx, bounce.notice_id, now, f"came back {bounce.status}".strip())
            if found is None:
                if ledger.is_going_out(tx, bounce.notice_id):
                    raise NotYetSent("the mail is noted as on its way out")
                return False
            change_id, notice = found
            happened = f"notice_{NoticeState.FAILED.lower()}"
            changes.note(tx, change_id, now, SYSTEM, happened, f"{notice.template} {notice.channel}")
        log.warning("notice came back", notice_id=bounce.notice_id, change_id=change_id, template=notice.template)
        return True
