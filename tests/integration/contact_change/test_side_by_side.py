"""What two transactions do to the same case at the same time: on PostgreSQL they run side by side."""

import threading
import time

from recapito_contact_change.domain import Decision, Operator, Step
from recapito_contact_change.store import cases, changes
from tests.integration.contact_change.system import System
from tests.integration.contact_change.test_events import Pump


def test_a_hold_is_not_renewed_on_a_case_whose_decision_is_being_written(system: System) -> None:
    change = system.sign_in().submit()
    Pump(system).run()
    rosa = system.operator("rosa")
    case_id = system.case_of(change.change_id).case_id
    version = rosa.take(case_id).summary.version
    me = Operator("op-rosa", "rosa", "")
    renewed: list[bool] = []

    def renew() -> None:
        with system.database.transaction() as tx:
            renewed.append(cases.take(tx, case_id, me, 3, system.clock()))

    thread = threading.Thread(target=renew)
    with system.database.transaction() as tx:
        reason = {"reason_code": "DOCUMENT_MATCHES"}
        assert cases.decide(
            tx,
            case_id,
            me,
            version,
            system.clock(),
            decision=Decision.APPROVE,
            note="",
            registry_version=3,
            reason_code=reason["reason_code"],
        )
        assert changes.move(tx, change.change_id, Step.APPROVE, decided_at=system.clock(), **reason)
        thread.start()
        time.sleep(1)  # it waits for this transaction
    thread.join()
    assert renewed == [False]
    assert system.rows("cases")[0].version == version + 1
