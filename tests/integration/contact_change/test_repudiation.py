"""Whoever has a contact on file says that it wasn't them."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb

from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.settings import ContactChangeSettings
from recapito_contact_change.store import notices as ledger
from recapito_servicekit.errors import Kind
from recapito_servicekit.settings import BadSettings, load
from tests.conftest import SetClock
from tests.integration.contact_change.system import NEW_E164, OLD_E164, System, refused
from tests.integration.contact_change.test_clean_up import clean_up
from tests.integration.contact_change.test_events import Pump, approved
from tests.support.pki import Pki
from tests.support.smtp import SmtpSink, text_of

PORTAL = "https://area.example"


@pytest.fixture
def system(pki: Pki, tmp_path: Path, database_url: str, broker_url: str, mailbox: SmtpSink, clock: SetClock) -> Iterator[System]:
    """The service, its notices linking to the portal."""
    made = System(pki, tmp_path, database_url, broker_url, mailbox, clock, portal_url=PORTAL)
    yield made
    made.close()


def in_review(system: System, pump: Pump) -> tuple[str, str]:
    """A change whose notices went out: its id, and the mail's token."""
    change = system.sign_in().submit()
    pump.run()
    return change.change_id, mailed_token(system)


def mailed_token(system: System) -> str:
    said = text_of(system.mailbox.to("C1@posta.test")[-1])
    (token,) = re.findall(rf"{PORTAL}/non-sono-stato-io\?t=([\w-]{{43}})\s", said)
    return str(token)


def preview(system: System, token: str) -> pb.PreviewRepudiationResponse:
    return system.customer.PreviewRepudiation(pb.PreviewRepudiationRequest(token=token))


def repudiate(system: System, token: str) -> "pb.ChangeState.ValueType":
    return system.customer.Repudiate(pb.RepudiateRequest(token=token)).state


def test_the_links_page_changes_nothing_and_its_button_stops_the_change(system: System) -> None:
    pump = Pump(system)
    change_id, token = in_review(system, pump)
    rosa, case_id = system.operator("rosa"), system.case_of(change_id).case_id
    version = rosa.take(case_id).summary.version
    shown = preview(system, token)
    assert (shown.state, shown.masked_new_mobile) == (pb.CHANGE_STATE_IN_REVIEW, "347 *****21")
    assert system.sign_in().change(change_id).state == pb.CHANGE_STATE_IN_REVIEW
    assert repudiate(system, token) == pb.CHANGE_STATE_REPUDIATED
    assert repudiate(system, token) == pb.CHANGE_STATE_REPUDIATED
    with refused() as why:
        rosa.approve(case_id, version)
    assert (why().reason, why().metadata) == ("CASE_CLOSED", {"state": "REPUDIATED"})
    assert rosa.history(case_id).count("repudiated") == 1
    pump.run()
    assert system.mailbox.to("C1@posta.test")[-1]["Subject"] == "La richiesta di cambiare il cellulare è stata annullata"
    assert not system.mailbox.to("avviso@altra.test")


def test_every_contact_on_file_gets_a_link_of_its_own_that_is_kept_hashed(system: System) -> None:
    pump = Pump(system)
    _, mailed = in_review(system, pump)
    (text,) = system.texts.notices.values()
    assert text.params["token"] != mailed
    assert preview(system, text.params["token"]).state == pb.CHANGE_STATE_IN_REVIEW
    held = "".join(str(row) for table in ("notices", "repudiation_tokens", "outbox", "history") for row in system.rows(table))
    assert mailed not in held
    assert text.params["token"] not in held


def test_a_link_is_dead_after_72_hours_and_then_forgotten(system: System, clock: SetClock) -> None:
    _, token = in_review(system, Pump(system))
    clock.forward(hours=72)
    for act in (preview, repudiate):
        with refused() as why:
            act(system, token)
        assert (why().kind, why().reason) == (Kind.NOT_FOUND, "REPUDIATION_NOT_FOUND")
    with refused() as why:
        repudiate(system, "nonsense")
    assert why().reason == "REPUDIATION_NOT_FOUND"
    clock.forward(seconds=1)
    clean_up(system)
    assert not system.rows("repudiation_tokens")


def test_ten_clicks_at_once_stop_the_change_once(system: System) -> None:
    change_id, token = in_review(system, Pump(system))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: repudiate(system, token), range(10)))
    assert set(answers) == {pb.CHANGE_STATE_REPUDIATED}
    assert [row.action for row in system.rows("history", change_id=change_id)].count("repudiated") == 1
    assert len(system.rows("notices", template="change_cancelled")) == 1


def test_an_approved_change_is_stopped_before_the_registry_is_asked(system: System) -> None:
    pump = Pump(system)
    approved(system, pump)
    assert repudiate(system, mailed_token(system)) == pb.CHANGE_STATE_REPUDIATED
    pump.run()
    assert not system.known.calls
    assert system.known.customers["C1"].mobile == OLD_E164


def test_while_the_registry_takes_over_the_button_says_to_come_again(
    system: System, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = Pump(system)
    approved(system, pump)
    token = mailed_token(system)

    def away(*_: object, **__: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "change_mobile", away)
        pump.run()
    with refused() as why:
        repudiate(system, token)
    assert (why().kind, why().reason, bool(why().retry_after)) == (Kind.UNAVAILABLE, "BEING_APPLIED", True)
    assert not [row for row in system.rows("repudiation_tokens") if row.used_at], "the link still holds"


def test_an_applied_change_freezes_its_customer_until_a_supervisor_restores_it(system: System) -> None:
    pump = Pump(system)
    change_id, case_id = approved(system, pump)
    pump.run()
    token = mailed_token(system)
    assert repudiate(system, token) == pb.CHANGE_STATE_FROZEN
    assert repudiate(system, token) == pb.CHANGE_STATE_FROZEN
    pump.run()
    assert system.known.frozen == {"C1"}
    assert system.known.customers["C1"].mobile == NEW_E164, "a link never puts a number back"
    customer = system.sign_in()
    with refused() as why:
        customer.submit(customer.form(new_mobile="333 111 2222"))
    assert why().reason == "CHANGE_OPEN"
    with refused() as why:
        system.operator("rosa").restore(change_id, "asked by phone")
    assert why().kind is Kind.PERMISSION_DENIED
    sara = system.operator("sara", role="supervisor")
    with refused() as why:
        sara.restore(change_id, " ")
    assert [violation.field for violation in why().violations] == ["note"]
    for _ in range(2):
        assert sara.restore(change_id, "asked by phone").summary.state == pb.CHANGE_STATE_APPLIED
    pump.run()
    assert not system.known.frozen
    assert [one for one in sara.history(case_id) if one in ("frozen", "restored")] == ["frozen", "restored"]


def frozen(system: System, pump: Pump) -> str:
    """An applied change that somebody repudiated: its id."""
    change_id, _ = approved(system, pump)
    pump.run()
    repudiate(system, mailed_token(system))
    pump.run()
    return change_id


def test_a_supervisor_who_finds_that_it_was_somebody_else_puts_the_old_mobile_back(system: System) -> None:
    pump = Pump(system)
    change_id = frozen(system, pump)
    sara = system.operator("sara", role="supervisor")
    for _ in range(2):
        assert sara.restore(change_id, "asked at the counter", revert=True).summary.state == pb.CHANGE_STATE_REVERTED
    pump.run()
    assert (system.known.customers["C1"].mobile, system.known.frozen) == (OLD_E164, set())
    told = {(row.channel, row.destination) for row in system.rows("notices", template="change_reverted")}
    assert told == {("SMS", OLD_E164), ("EMAIL", "C1@posta.test")}
    assert {row.state for row in system.rows("notices", template="change_reverted")} == {"SENT"}
    with refused() as why:
        sara.restore(change_id, "no, it was them")
    assert (why().reason, why().metadata) == ("NOT_FROZEN", {"state": "REVERTED"})
    assert system.sign_in().submit(system.sign_in().form(new_mobile="333 111 2222")).change_id, "the customer may ask again"


def test_a_supervisor_who_confirms_tells_every_contact(system: System) -> None:
    pump = Pump(system)
    change_id = frozen(system, pump)
    system.operator("sara", role="supervisor").restore(change_id, "it was them")
    pump.run()
    told = {(row.channel, row.destination) for row in system.rows("notices", template="change_restored")}
    assert told == {("SMS", NEW_E164), ("EMAIL", "C1@posta.test")}


def test_who_approved_a_change_may_take_it_back_but_not_confirm_it(system: System) -> None:
    change_id = frozen(system, Pump(system))
    rosa = system.operator("rosa", role="supervisor")
    with refused() as why:
        rosa.restore(change_id, "it was them")
    assert why().reason == "ALREADY_REVIEWED"
    assert rosa.restore(change_id, "I was wrong", revert=True).summary.state == pb.CHANGE_STATE_REVERTED


def test_a_mobile_that_changed_since_is_not_put_back(system: System) -> None:
    pump = Pump(system)
    change_id = frozen(system, pump)
    system.known.customers["C1"].mobile = "+393331112222"
    sara = system.operator("sara", role="supervisor")
    with refused() as why:
        sara.restore(change_id, "it wasn't them", revert=True)
    assert why().reason == "REGISTRY_CHANGED"
    assert sara.restore(change_id, "then it stays").summary.state == pb.CHANGE_STATE_APPLIED


def test_a_revert_that_broke_off_is_finished_and_nothing_else(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = Pump(system)
    change_id = frozen(system, pump)
    sara = system.operator("sara", role="supervisor")
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "insert", lambda *_: 1 / 0)  # after the registry has done it
        with refused():
            sara.restore(change_id, "it wasn't them", revert=True)
    assert system.known.customers["C1"].mobile == OLD_E164
    with refused() as why:
        sara.restore(change_id, "or was it")
    assert why().reason == "REVERT_BEGUN"
    assert sara.restore(change_id, "it wasn't them", revert=True).summary.state == pb.CHANGE_STATE_REVERTED
    assert system.known.calls[f"revert-{change_id}"] == 2


def test_what_is_not_frozen_is_not_restored_and_nobody_restores_themselves(system: System) -> None:
    pump = Pump(system)
    change_id, _ = in_review(system, pump)
    sara = system.operator("sara", role="supervisor")
    with refused() as why:
        sara.restore(change_id, "why not")
    assert (why().reason, why().metadata) == ("NOT_FROZEN", {"state": "IN_REVIEW"})
    with refused() as why:
        system.operator("ada", role="supervisor", customer_id="C1").restore(change_id, "me")
    assert why().reason == "OWN_CASE"
    with refused() as why:
        sara.restore("none", "what")
    assert why().kind is Kind.NOT_FOUND


@pytest.mark.parametrize("url", ["area.example", "https://area.example/", "javascript:x", "https://a b"])
def test_the_portals_address_is_checked_at_start(system: System, url: str) -> None:
    with pytest.raises(BadSettings, match="RECAPITO_PORTAL_URL"):
        load(ContactChangeSettings, "contact-change", {**system.environment, "RECAPITO_PORTAL_URL": url})
