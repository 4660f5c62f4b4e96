"""Two operators who decide opposite things at the same moment: one wins, the other is told who was first, and one mail goes out.

``RECAPITO_RACES`` says how many; 100 are the claim, a few run each time.
"""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import grpc
import pytest
from recapito.contact_change.v1 import review_pb2

from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.status import refusal_from
from tests.integration.contact_change.system import Operator, System
from tests.integration.contact_change.test_events import Pump

RACES = int(os.environ.get("RECAPITO_RACES") or 8)
APPROVE, REJECT = review_pb2.DECISION_APPROVE, review_pb2.DECISION_REJECT


@pytest.mark.timeout(900)
def test_of_two_operators_who_decide_opposite_things_one_wins(system: System) -> None:
    """Each takes the case and decides as fast as it lets them, from a lease that has just run out under the first one's hands."""
    changes = [system.sign_in(f"C{n}").submit().change_id for n in range(1, RACES + 1)]
    Pump(system).run()
    rosa, ugo = system.operator("rosa"), system.operator("ugo")
    sides = ((rosa, APPROVE, "DOCUMENT_MATCHES"), (ugo, REJECT, "ANOTHER_PERSON"))
    told: Counter[str] = Counter()
    with ThreadPoolExecutor(2) as pool:
        for change_id in changes:
            case_id = system.case_of(change_id).case_id
            start = Barrier(2)

            def play(
                side: tuple[Operator, "review_pb2.Decision.ValueType", str], case_id: str = case_id, start: Barrier = start
            ) -> str | Refusal:
                operator, decision, reason_code = side
                start.wait()
                try:
                    version = operator.take(case_id).summary.version
                    operator.decide(case_id, version, decision, reason_code)
                except grpc.RpcError as error:
                    return refusal_from(error)
                return "won"

            answers = list(pool.map(play, sides))
            assert answers.count("won") == 1, answers
            winner = ("rosa", "ugo")[answers.index("won")]
            (lost,) = [one for one in answers if isinstance(one, Refusal)]
            assert lost.kind is Kind.ABORTED
            assert lost.reason in ("CASE_HELD", "ALREADY_DECIDED")
            assert winner in lost.metadata.values()
            told[lost.reason] += 1
    Pump(system).run()
    decided = {row.change_id: row for row in system.rows("cases")}
    assert len(system.rows("outbox", type="recapito.contact_change.decided.v1")) == RACES
    for change_id in changes:
        outcomes = [row.template for row in system.rows("notices", change_id=change_id) if row.template.startswith("outcome_")]
        approved = decided[change_id].decision == "APPROVE"
        assert outcomes == ["outcome_approved" if approved else "outcome_rejected"]
        assert (change_id in system.known.changed) is approved
        assert [row.action for row in system.rows("history", change_id=change_id)].count("decided") == 1
    mails = [mail for mail in system.mailbox.messages if mail["X-Rcpt"] == "avviso@altra.test"]
    assert len(mails) == RACES
    assert sum(told.values()) == RACES
