"""Events, mails and page tokens."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from recapito_contact_change import events, notices
from recapito_contact_change.adapters.mails import Mails
from recapito_contact_change.notices import Channel, Notice
from recapito_contact_change.servicers import places
from recapito_contact_change.store.cases import Place
from recapito_servicekit.errors import Refusal
from recapito_servicekit.mail import Mailer
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Unreadable

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MAILS = Mails(cast(Mailer, SimpleNamespace()), "Mutua <Prova>", "aiuto@prova.test")


def event(type: str, **data: object) -> Event:
    return Event("e1", type, "k", data, NOW)


def test_an_unknown_field_of_an_event_is_passed_over() -> None:
    assert events.read(event(events.SUBMITTED, change_id="c1", colour="red")) == {"change_id": "c1"}


@pytest.mark.parametrize("data", [{}, {"change_id": ""}, {"change_id": 7}, {"change_id": "c" * 65}])
def test_a_bad_body_is_unreadable_and_its_reason_quotes_nothing(data: dict[str, object]) -> None:
    with pytest.raises(Unreadable, match=r"^bad data: change_id$"):
        events.read(event(events.SUBMITTED, **data))


def test_a_decision_is_told_with_its_version() -> None:
    with pytest.raises(Unreadable, match="version"):
        events.read(event(events.DECIDED, change_id="c", case_id="k", version="2"))


@pytest.mark.parametrize("locale", ["it", "it-IT", "en", "fr", ""])
@pytest.mark.parametrize("template", ["change_requested", "change_approved", "change_rejected"])
def test_a_notice_says_whom_to_tell(template: str, locale: str) -> None:
    mail = MAILS.compose("n1", Notice(Channel.EMAIL, "a@b.test", template, {"masked_mobile": "347 *****21"}, locale))
    assert mail.message_id == "n1"
    assert "aiuto@prova.test" in mail.text
    assert "<Prova>" in mail.text
    assert "Mutua &lt;Prova&gt;" in mail.html
    assert ("Ciao" in mail.text) == locale.startswith("it")


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize("template", [notices.OUTCOME_APPROVED, notices.OUTCOME_REJECTED])
def test_the_outcome_holds_neither_link_nor_number(template: str, locale: str) -> None:
    mail = MAILS.compose("n1", Notice(Channel.EMAIL, "a@b.test", template, {}, locale))
    assert not any(hidden in mail.text + mail.html for hidden in ("http", "href", "*"))
    assert not any(letter.isdigit() for letter in mail.text)


def test_a_page_token_gives_its_place_back() -> None:
    place = Place(NOW.replace(microsecond=123), "abc")
    assert places.read(places.write(place)) == place


@pytest.mark.parametrize("token", ["x", "%%%", "e30", "WyIyMDI2LTExLTIyIiwgImEiXQ", "WzEsMl0", "é"])
def test_a_foreign_page_token_is_refused(token: str) -> None:
    with pytest.raises(Refusal, match="page_token"):
        places.read(token)


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize("template", sorted(notices.WITH_LINK))
def test_a_link_stands_in_text_and_html_in_place_of_the_help_contact(template: str, locale: str) -> None:
    mails = Mails(cast(Mailer, SimpleNamespace()), "Mutua", "aiuto@prova.test", "https://area.example")
    params = {"masked_mobile": "347 *****21", "token": "abc"}
    mail = mails.compose("n1", Notice(Channel.EMAIL, "a@b.test", template, params, locale))
    link = "https://area.example/non-sono-stato-io?t=abc"
    assert link in mail.text
    assert f'<a href="{link}">{link}</a>' in mail.html
    assert "aiuto@" not in mail.text
