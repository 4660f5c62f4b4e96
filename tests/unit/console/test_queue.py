"""The queue's page."""

from datetime import timedelta

from recapito.contact_change.v1 import contact_change_pb2, review_pb2

from tests.conftest import SetClock
from tests.unit.console.conftest import Browser
from tests.unit.console.services import Services, case


def test_a_case_shows_how_long_it_may_take(anna: Browser, clock: SetClock) -> None:
    assert "scade tra 22 ore" in anna.get("/casi").text
    clock.forward(hours=21, minutes=20)
    assert "scade tra 40 minuti" in anna.get("/casi").text
    clock.forward(hours=3, minutes=40)
    assert "in ritardo di 3 ore" in anna.get("/casi").text


def test_filter_and_order_reach_the_service(anna: Browser, services: Services) -> None:
    anna.get("/casi?stato=respinti&miei=1&ordine=nuovi")
    sent = services.reviews.lists[-1]
    assert sent.filter.state == contact_change_pb2.CHANGE_STATE_REJECTED
    assert sent.filter.mine
    assert sent.order == review_pb2.CASE_ORDER_NEWEST_FIRST


def test_unknown_filters_mean_the_default(anna: Browser, services: Services) -> None:
    assert anna.get("/casi?stato=%3Cscript%3E&ordine=x&miei=9").status_code == 200
    assert services.reviews.lists[-1].filter == review_pb2.CaseFilter(waiting=True)


def test_paging_goes_by_token(anna: Browser, services: Services, clock: SetClock) -> None:
    for number in range(30):
        services.reviews.cases[f"m-{number}"] = case(f"m-{number}", clock(), "Molti")
    first = anna.get("/casi").text
    assert first.count("row-link") == 25
    assert 'href="/casi?da=25"' in first
    second = anna.get("/casi?da=25").text
    assert second.count("row-link") == 6
    assert "Pagina successiva" not in second


def test_a_stale_page_token_leads_to_the_first_page(anna: Browser) -> None:
    assert anna.get("/casi?stato=tutti&da=stale").headers["Location"] == "/casi?stato=tutti"


def test_an_empty_queue_says_so(anna: Browser, services: Services) -> None:
    services.reviews.cases.clear()
    assert "Nessun caso da decidere" in anna.get("/casi").text


def test_holder_and_findings_are_shown(anna: Browser, services: Services, clock: SetClock) -> None:
    services.reviews.cases["c-1"].summary.findings_count = 2
    services.reviews.hold("c-1", "carlo.neri")
    services.reviews.cases["c-2"] = case("c-2", clock() - timedelta(hours=1))
    services.reviews.hold("c-2", "anna.bianchi")
    page = anna.get("/casi").text
    assert "2 segnalazioni" in page
    assert "<bdi>carlo.neri</bdi>" in page
    assert "<strong>te</strong>" in page


def test_the_next_case_is_the_next_that_nobody_holds(anna: Browser, services: Services, clock: SetClock) -> None:
    for number, hours in enumerate((4, 3, 2)):
        services.reviews.cases[f"n-{number}"] = case(f"n-{number}", clock() - timedelta(hours=hours))
    services.reviews.hold("n-1", "carlo.neri")
    assert anna.get("/casi/n-0/seguente").headers["Location"] == "/casi/n-2"
    assert anna.get("/casi/n-2/precedente").headers["Location"] == "/casi/n-0"
    assert anna.get("/casi/n-1/seguente").headers["Location"] == "/casi/n-2"
    assert anna.get("/casi/n-0/precedente").headers["Location"] == "/casi"
    assert anna.get("/casi/gone/seguente").headers["Location"] == "/casi/n-0"
    assert anna.get("/casi/gone/precedente").headers["Location"] == "/casi"
