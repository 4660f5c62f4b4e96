"""The supervisors' page: load, outcomes, frozen customers, what gave up. And the second operator's pages."""

from collections.abc import Callable

import pytest
from recapito.contact_change.v1 import contact_change_pb2, dead_letter_pb2, review_pb2

from recapito_servicekit.times import to_timestamp
from tests.conftest import SetClock
from tests.unit.console.conftest import Browser
from tests.unit.console.services import Services, case


@pytest.fixture
def carlo(signed_in: Callable[[str], Browser]) -> Browser:
    """A supervisor's browser."""
    return signed_in("carlo.neri")


def dead(services: Services, clock: SetClock) -> dead_letter_pb2.DeadLetter:
    letter = dead_letter_pb2.DeadLetter(
        letter_id="l-1",
        kind=dead_letter_pb2.DEAD_LETTER_KIND_NOTICE,
        type="change_approved",
        error="550 no such mailbox",
        tries=2,
        dead_at=to_timestamp(clock()),
        about={"channel": "EMAIL", "destination": "m***@e***.it"},
    )
    services.letters.letters = {"l-1": letter}
    return letter


def test_a_supervisor_sees_load_outcomes_frozen_customers_and_dead_letters(
    carlo: Browser, services: Services, clock: SetClock
) -> None:
    services.reviews.load = review_pb2.GetLoadResponse(
        states=[review_pb2.StateLoad(state=contact_change_pb2.CHANGE_STATE_IN_REVIEW, count=7, oldest=to_timestamp(clock()))],
        waiting=7,
        late=2,
        unseen=3,
        first_look_hours=4,
        target_hours=24,
        holders=[review_pb2.HolderLoad(operator="anna.bianchi", cases=2)],
        outcomes=[review_pb2.OutcomeCount(decision=review_pb2.DECISION_REJECT, reason_code="ANOTHER_PERSON", count=5)],
        median_hours=3.2,
        second_reviews=1,
        disagreements=1,
        dead_letters=1,
    )
    services.reviews.cases["f-1"] = case("f-1", clock(), "Bloccato")
    services.reviews.cases["f-1"].summary.state = contact_change_pb2.CHANGE_STATE_FROZEN
    dead(services, clock)
    page = carlo.get("/andamento").text
    for text in ("oltre 24 ore", "oltre 4 ore", "anna.bianchi", "2 casi", "Il documento è di un&#39;altra persona", "3 ore"):
        assert text in page
    for text in ("Mario Bloccato", "550 no such mailbox", "m***@e***.it", "1 caso con un secondo operatore", "Rinvia"):
        assert text in page
    assert "andamento" in carlo.get("/casi").text


def test_a_supervisor_sends_a_dead_letter_again_and_is_told_where_a_colleague_was_faster(
    carlo: Browser, services: Services, clock: SetClock
) -> None:
    dead(services, clock)
    for told in ("Rinviato", "già rinviato"):
        assert carlo.post("/andamento/reinvio", letter_id="l-1").headers["Location"] == "/andamento"
        page = carlo.get("/andamento").text
        assert told in page
    assert "Nessun evento e nessun avviso è fermo" in page


def test_an_auditor_reads_the_load_and_sends_nothing(
    signed_in: Callable[[str], Browser], services: Services, clock: SetClock
) -> None:
    dead(services, clock)
    dora = signed_in("dora.auditor")
    page = dora.get("/andamento")
    assert page.status_code == 200
    assert "Rinvia" not in page.text
    assert dora.post("/andamento/reinvio", letter_id="l-1").status_code == 403
    assert services.letters.letters


def test_a_reviewer_has_no_such_page(anna: Browser) -> None:
    assert anna.get("/andamento").status_code == 403
    assert "andamento" not in anna.get("/casi").text


def test_a_first_opinion_is_told_to_be_one_and_the_case_waits_for_another(anna: Browser, services: Services) -> None:
    services.reviews.passes_on = True
    services.reviews.hold("c-1", "anna.bianchi")
    version = str(services.reviews.cases["c-1"].summary.version)
    done = anna.post("/casi/c-1/decisione", reason_code="DOCUMENT_MATCHES", expected_version=version, step="confirm")
    assert done.headers["Location"] == "/casi/c-1"
    page = anna.get("/casi/c-1").text
    assert "Questo caso lo valuta anche un altro operatore" in page
    assert "Hai già valutato questo caso" in page
    assert "Prendi in carico" not in page
    assert "già valutato da te" in anna.get("/casi").text


def test_the_second_operator_is_offered_no_question(carlo: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].summary.state = contact_change_pb2.CHANGE_STATE_SECOND_REVIEW
    services.reviews.hold("c-1", "carlo.neri")
    page = carlo.get("/casi/c-1").text
    assert "Un collega ha già valutato questo caso" in page
    assert 'value="DOCUMENT_MATCHES"' in page
    assert 'value="ASK_UNREADABLE"' not in page
    assert 'id="question"' not in page


def test_opinions_findings_with_evidence_and_refused_notices_stand_on_the_case(
    carlo: Browser, services: Services, clock: SetClock
) -> None:
    at = to_timestamp(clock())
    services.reviews.cases["c-2"] = case(
        "c-2",
        clock(),
        findings=["EXPIRY_NOT_BIRTHDAY"],
        found=[review_pb2.CaseFinding(code="EXPIRY_NOT_BIRTHDAY", evidence={"expires_on": "2032-03-14", "birthday": "01/01"})],
        decision=review_pb2.DECISION_REJECT,
        reason_code="ANOTHER_PERSON",
        decided_by="carlo.neri",
        decided_at=at,
        opinions=[
            review_pb2.Opinion(operator="anna", decision=1, reason_code="DOCUMENT_MATCHES", given_at=at, risks=["BY_LOT"]),  # type: ignore[arg-type]
            review_pb2.Opinion(operator="ugo", decision=2, reason_code="ANOTHER_PERSON", note="altro viso", given_at=at),  # type: ignore[arg-type]
        ],
        deliveries=[
            review_pb2.Delivery(channel="EMAIL", masked_destination="m***@e***.it", template="change_rejected", state="FAILED",
                                error="550 no such mailbox", at=at),
            review_pb2.Delivery(channel="SMS", masked_destination="320 *****19", template="change_requested", state="SENT"),
        ],
    )  # fmt: skip
    services.reviews.cases["c-2"].summary.state = contact_change_pb2.CHANGE_STATE_REJECTED
    page = carlo.get("/casi/c-2").text
    for text in ("estratto a sorte", "altro viso", "compleanno: 01/01; scade il: 14/03/2032", "550 no such mailbox"):
        assert text in page
    assert "1 avviso è stato rifiutato per sempre" in page
    assert page.count("compleanno: 01/01") == 2, "beside its field and in the list"
