"""What two transactions do to the same case at the same time: on PostgreSQL they run side by side."""

import threading
import time

from recapito_contact_change.domain import Decision, Operator, Step
from recapito_contact_change.store import cases, changes
from tests.integration.contact_change.system import System, refused
from tests.integration.contact_change.test_events import Pump


def test_a_hold_is_not_renewed_on_a_case_whose_decision_is_being_written(system: System) -> None:
    change = system.sign_in().submit()
    Pump(system).run()
    rosa = system.operator("rosa")
    case_id = system.case_of(change.change_id).case_id
    version = rosa.take(case_id).summary.version
    renewed: list[str] = []

    def renew() -> None:
        with refused() as why:
            rosa.take(case_id)
        renewed.append(f"{why().kind} {why().reason}")

    thread = threading.Thread(target=renew)
    with system.database.transaction() as tx:
        me = Operator("op-rosa", "rosa", "reviewer", "")
        reason = {"reason_code": "DOCUMENT_MATCHES"}
        assert cases.decide(tx, case_id, me, version, system.clock(), decision=Decision.APPROVE, note="", **reason)
        assert changes.move(tx, change.change_id, Step.APPROVE, decided_at=system.clock(), **reason)
        thread.start()
        time.sleep(1)  # it waits for this transaction
    thread.join()
    assert renewed == ["ABORTED ALREADY_DECIDED"]
    assert system.rows("cases")[0].version == version + 1
