"""A change from the form to the mailbox."""

import hashlib

from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import review_pb2

from tests.integration.contact_change.system import NEW_E164, OLD_E164, System, picture, wait_for
from tests.support.smtp import text_of


def test_an_approved_change_reaches_registry_and_every_contact(system: System) -> None:
    customer = system.sign_in("C1")
    change = customer.submit()
    assert change.state == pb.CHANGE_STATE_SUBMITTED
    assert change.masked_new_mobile == "347 *****21"
    operator = system.operator("rosa")
    with system.working():
        system.settle()
        case = operator.take(system.case_of(change.change_id).case_id)
        assert case.registry.mobile == OLD_E164
        assert case.form.new_mobile == NEW_E164
        assert case.form.mobile_confirmed
        assert list(case.form.amr) == ["pwd"]
        assert case.form.identity_document.number == "CA12345AA"
        assert case.summary.customer_name == "Ada Bianchi"
        decided = operator.approve(case.summary.case_id, case.summary.version)
        assert decided.decision == review_pb2.DECISION_APPROVE
        assert decided.decided_by == "rosa"
        system.settle()
    assert customer.change(change.change_id).state == pb.CHANGE_STATE_APPLIED
    assert system.known.customers["C1"].mobile == NEW_E164
    assert system.known.holds == {change.change_id: True}
    on_file = [message["Subject"] for message in system.mailbox.to("C1@posta.test")]
    assert on_file == ["È stato chiesto di cambiare il tuo cellulare", "Il tuo cellulare è stato cambiato"]
    texts = [(notice.destination, notice.template) for notice in system.texts.notices.values()]
    assert sorted(texts) == [(OLD_E164, "change_approved"), (OLD_E164, "change_requested")]
    (outcome,) = system.mailbox.to("avviso@altra.test")
    assert outcome["Subject"] == "La tua richiesta è stata accolta"
    said = text_of(outcome)
    assert not any(hidden in said for hidden in ("Ada", "Bianchi", "347", "http"))
    assert operator.history(case.summary.case_id).count("notice_sent") == 5


def test_a_refused_change_leaves_the_registry_alone_and_tells(system: System) -> None:
    customer = system.sign_in("C1", language="de")
    change = customer.submit()
    operator = system.operator("rosa")
    with system.working():
        system.settle()
        case = operator.take(system.case_of(change.change_id).case_id)
        operator.reject(case.summary.case_id, case.summary.version)
        system.settle()
    seen = customer.change(change.change_id)
    assert (seen.state, seen.reason_code) == (pb.CHANGE_STATE_REJECTED, "ANOTHER_PERSON")
    assert system.known.customers["C1"].mobile == OLD_E164
    assert not system.known.calls
    assert [m["Subject"] for m in system.mailbox.to("avviso@altra.test")] == ["Your request was refused"]
    assert [m["Subject"] for m in system.mailbox.to("C1@posta.test")][1:] == ["Your mobile was not changed"]
    assert customer.submit().change_id != change.change_id, "a refused change is not open any more"


def approved(system: System, change: pb.Change) -> None:
    """Approves a change and waits for what follows."""
    operator = system.operator("rosa")
    with system.working():
        system.settle()
        case = operator.take(system.case_of(change.change_id).case_id)
        operator.approve(case.summary.case_id, case.summary.version)
        system.settle()


def test_a_change_from_a_session_with_a_code_holds_no_claims(system: System) -> None:
    change = system.sign_in("C1", "pwd", "otp_sms", mobile="").submit()
    approved(system, change)
    assert system.known.holds == {change.change_id: False}
    assert not system.texts.notices, "there was no mobile to text to"


def test_a_code_to_the_email_holds_claims_where_a_mobile_is_replaced(system: System) -> None:
    change = system.sign_in("C1", "pwd", "otp_email").submit()
    approved(system, change)
    assert system.known.holds == {change.change_id: True}


def test_a_registry_that_changed_meanwhile_sends_the_case_back(system: System) -> None:
    customer = system.sign_in("C1")
    change = customer.submit()
    operator = system.operator("rosa")
    with system.working():
        system.settle()
        case = operator.take(system.case_of(change.change_id).case_id)
        system.known.customers["C1"].version += 1
        decided = operator.approve(case.summary.case_id, case.summary.version)
        system.settle()
        back = operator.get(case.summary.case_id)
        assert back.summary.state == pb.CHANGE_STATE_IN_REVIEW
        assert back.summary.version > decided.summary.version
        assert back.summary.findings_count == case.summary.findings_count + 1
        assert (back.summary.holder, back.decision) == ("", review_pb2.DECISION_UNSPECIFIED)
        assert not system.mailbox.to("avviso@altra.test")
        again = operator.take(case.summary.case_id)
        operator.approve(case.summary.case_id, again.summary.version)
        system.settle()
    assert customer.change(change.change_id).state == pb.CHANGE_STATE_APPLIED
    assert system.known.customers["C1"].mobile == NEW_E164


def test_a_document_is_read_back_cleaned_and_each_look_is_recorded(system: System) -> None:
    customer = system.sign_in("C1")
    uploaded = customer.upload(picture(), "fronte.jpg")
    assert uploaded.sha256 == hashlib.sha256(picture()).hexdigest()
    change = customer.submit(customer.form(document_ids=[uploaded.document_id, customer.upload().document_id]))
    auditor = system.operator("aldo", role="auditor")
    with system.working("relay", "intake"):
        wait_for(lambda: system.rows("cases"), 60)
    case = auditor.get(system.case_of(change.change_id).case_id)
    assert case.documents[0].name == "fronte.jpg"
    media_type, image = auditor.read(case.summary.case_id, uploaded.document_id)
    assert media_type == "image/jpeg"
    assert image.startswith(b"\xff\xd8")
    assert auditor.history(case.summary.case_id) == ["submitted", "opened", "viewed", "document_viewed"]


def test_a_bounced_mail_is_noted_and_holds_nothing_up(system: System) -> None:
    system.sign_in("C1").submit()
    system.mailbox.answers = ["550 no such mailbox"]
    with system.working():
        system.settle()
    assert {row.state for row in system.rows("notices", channel="EMAIL")} == {"FAILED"}
    assert {row.state for row in system.rows("notices", channel="SMS")} == {"SENT"}
    assert not [row for row in system.rows("outbox") if row.dead_at]
