"""What a customer may file, how often, and that it is filed once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import grpc
import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.otp.v1 import otp_pb2

from recapito_contact_change.adapters.codes import Codes
from recapito_contact_change.settings import ContactChangeSettings
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.settings import BadSettings, load
from recapito_servicekit.status import refusal_from
from tests.conftest import SetClock
from tests.integration.contact_change.system import NEW_E164, OLD_E164, System, identity_document, picture, refused


def faults(refusal: Refusal) -> dict[str, str]:
    assert refusal.kind is Kind.INVALID_ARGUMENT, refusal
    return {violation.field: violation.reason for violation in refusal.violations}


def reason_of(call: Callable[[], str]) -> str:
    """What the call gives, or why it was refused."""
    try:
        return call()
    except grpc.RpcError as error:
        return refusal_from(error).reason


def test_twenty_parallel_repeats_of_a_request_file_one_change(system: System) -> None:
    customer = system.sign_in()
    form = customer.form()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: customer.submit(form).SerializeToString(), range(20)))
    assert len(set(answers)) == 1
    assert len(system.rows("changes")) == 1
    assert [row.type for row in system.rows("outbox")] == ["recapito.contact_change.submitted.v1"]
    with system.working():
        system.settle()
    assert customer.submit(form).SerializeToString() == answers[0], "the first answer, whatever became of it since"
    form.new_mobile = "+393339998877"
    assert reason_of(lambda: customer.submit(form).change_id) == "REUSED"


def test_of_twenty_parallel_requests_of_a_customer_one_is_filed(system: System) -> None:
    customer = system.sign_in()
    pairs = [customer.upload().document_id for _ in range(4)]
    forms = [customer.form(document_ids=pairs[at : at + 2]) for at in (0, 2) for _ in range(10)]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda form: reason_of(lambda: customer.submit(form).change_id), forms))
    assert len(system.rows("changes")) == 1
    assert sorted(set(answers) - {system.rows("changes")[0].change_id}) in (["CHANGE_OPEN"], ["CHANGE_OPEN", "UNKNOWN"])


def test_a_second_change_waits_for_the_first(system: System) -> None:
    customer = system.sign_in()
    customer.submit()
    with refused() as why:
        customer.submit()
    assert (why().kind, why().reason) == (Kind.ALREADY_EXISTS, "CHANGE_OPEN")
    assert system.sign_in("C2").submit().change_id, "another customer isn't held up"


def test_what_is_wrong_is_told_by_field_and_spends_nothing(system: System) -> None:
    customer = system.sign_in()
    proof = customer.confirm()
    one = customer.upload().document_id
    with refused() as why:
        customer.submit(
            customer.form(
                mobile_proof=proof,
                document_ids=[one],
                notify_email="nowhere",
                identity_document=identity_document(expires_on="2026-11-21"),
            )
        )
    assert faults(why()) == {
        "notify_email": "NOT_AN_EMAIL",
        "identity_document.expires_on": "EXPIRED",
        "document_ids": "MISSING_SIDE",
    }
    form = customer.form(mobile_proof=proof, document_ids=[one, customer.upload().document_id])
    assert customer.submit(form).state == pb.CHANGE_STATE_SUBMITTED


def test_the_mobile_on_file_is_refused_before_a_code_goes_out(system: System) -> None:
    customer = system.sign_in()
    with refused() as why:
        customer.confirm(OLD_E164)
    assert faults(why()) == {"new_mobile": "SAME_AS_ON_FILE"}
    assert not system.texts.challenges


@pytest.mark.parametrize("wrong", ["unknown", "other mobile", "another's", "spent"])
def test_a_proof_that_proves_nothing_files_nothing(system: System, wrong: str) -> None:
    customer = system.sign_in()
    proofs: dict[str, Callable[[], str]] = {
        "unknown": lambda: "nonsense",
        "other mobile": lambda: customer.confirm("333 111 2222"),
        "another's": lambda: system.sign_in("C2").confirm(),
        "spent": customer.confirm,
    }
    proof = proofs[wrong]()
    if wrong == "spent":
        system.texts.spent[proof] = "another request"
    with refused() as why:
        customer.submit(customer.form(mobile_proof=proof))
    assert list(faults(why())) == ["mobile_proof"]
    assert not system.rows("changes")


def test_documents_of_another_customer_or_of_another_change_are_unknown(system: System) -> None:
    customer, other = system.sign_in("C1"), system.sign_in("C2")
    foreign = [other.upload().document_id, other.upload().document_id]
    with refused() as why:
        customer.submit(customer.form(document_ids=foreign))
    assert faults(why()) == {"document_ids": "UNKNOWN"}
    other.submit(other.form(document_ids=foreign))
    system.known.customers["C2"].mobile = ""
    with refused() as why:
        other.submit(other.form(document_ids=foreign))
    assert why().reason == "CHANGE_OPEN"


def test_a_change_of_somebody_else_is_not_there(system: System) -> None:
    change = system.sign_in("C1").submit()
    stranger = system.sign_in("C2")
    with refused() as why:
        stranger.change(change.change_id)
    assert why().kind is Kind.NOT_FOUND
    listed = system.customer.ListChanges(pb.ListChangesRequest(), metadata=stranger.metadata)
    assert not listed.changes


def test_a_session_with_an_old_code_must_step_up(system: System, clock: SetClock) -> None:
    customer = system.sign_in("C1", "pwd", "otp_sms")
    clock.forward(minutes=11)
    with refused() as why:
        customer.upload()
    assert why().reason == "STEP_UP_REQUIRED"


def test_a_customer_may_upload_ten_documents_a_day(system: System, clock: SetClock) -> None:
    customer = system.sign_in()

    with ThreadPoolExecutor(12) as pool:
        reasons = list(pool.map(lambda _: reason_of(lambda: customer.upload(b"no picture").document_id), range(12)))
    assert reasons.count("TOO_MANY_DOCUMENTS") == 2
    clock.forward(days=1)
    assert system.sign_in().upload().document_id


def test_a_customer_may_wish_for_five_mobiles_a_day(system: System, clock: SetClock) -> None:
    customer = system.sign_in()
    for last in range(5):
        customer.confirm(f"347 765 432{last}")
    customer.confirm("347 765 4320")
    for _ in range(2):
        with refused() as why:
            customer.confirm("347 765 4329")
        assert why().reason == "TOO_MANY_MOBILES"
    clock.forward(days=1)
    customer = system.sign_in()
    assert customer.confirm("347 765 4329")


def test_a_document_that_cannot_be_taken_says_why(system: System) -> None:
    customer = system.sign_in()
    with refused() as why:
        customer.upload(b"%!PS no picture at all")
    assert faults(why()) == {"document": "DOCUMENT_TYPE_NOT_ALLOWED"}
    assert not system.rows("documents")


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "NAME_FIRST"),
        ([pb.UploadDocumentRequest(chunk=b"x")], "NAME_FIRST"),
        ([pb.UploadDocumentRequest(name="a"), pb.UploadDocumentRequest(name="b")], "NAME_AGAIN"),
        ([pb.UploadDocumentRequest(name="a"), pb.UploadDocumentRequest(chunk=b"x" * 1_048_577)], "TOO_LARGE"),
        ([pb.UploadDocumentRequest(name="a")], "DOCUMENT_EMPTY"),
    ],
)
def test_an_upload_in_the_wrong_order_is_told(system: System, messages: list[pb.UploadDocumentRequest], reason: str) -> None:
    customer = system.sign_in()
    with refused() as why:
        system.customer.UploadDocument(iter(messages), metadata=customer.metadata)
    assert why().reason == reason


def test_the_bytes_of_a_document_lie_nowhere_in_the_clear(system: System) -> None:
    marked = picture() + b"MARKED-BY-THE-TEST"
    system.sign_in().upload(marked)
    kept = [path.read_bytes() for path in system.settings.blob_dir.iterdir()]
    assert kept
    assert not any(b"MARKED-BY-THE-TEST" in blob or b"JFIF" in blob for blob in kept)


def test_a_crash_after_the_proof_was_spent_costs_nothing(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = system.sign_in()
    form = customer.form()
    spend = Codes.spend

    def spend_and_fail(self: Codes, *values: str) -> None:
        spend(self, *values)
        raise RuntimeError("the lights go out")

    monkeypatch.setattr(Codes, "spend", spend_and_fail)
    with refused() as why:
        customer.submit(form)
    assert why().kind is Kind.INTERNAL
    monkeypatch.undo()
    assert customer.submit(form).masked_new_mobile == "347 *****21"
    assert system.rows("changes")[0].new_mobile == NEW_E164


def test_a_wrong_code_is_an_answer(system: System) -> None:
    customer = system.sign_in()
    started = system.customer.StartMobileConfirmation(
        pb.StartMobileConfirmationRequest(new_mobile="0039 347.765.4321"), metadata=customer.metadata
    )
    assert started.new_mobile == NEW_E164
    request = pb.ConfirmMobileRequest(challenge_id=started.challenge.challenge_id, code="000000")
    answer = system.customer.ConfirmMobile(request, metadata=customer.metadata)
    assert (answer.attempts_left, answer.mobile_proof) == (4, "")
    with refused() as why:
        system.customer.ConfirmMobile(request, metadata=system.sign_in("C2").metadata)
    assert why().kind is Kind.NOT_FOUND
    state = pb.GetMobileConfirmationRequest(challenge_id=started.challenge.challenge_id)
    again = pb.ResendMobileCodeRequest(challenge_id=started.challenge.challenge_id)
    found = system.customer.GetMobileConfirmation(state, metadata=customer.metadata).challenge
    assert found.delivery == otp_pb2.DELIVERY_SENT
    other = system.sign_in("C2").metadata
    attempts: list[Callable[[], object]] = [
        lambda: system.customer.GetMobileConfirmation(state, metadata=other),
        lambda: system.customer.ResendMobileCode(again, metadata=other),
        lambda: system.customer.ResendMobileCode(pb.ResendMobileCodeRequest(challenge_id="x"), metadata=customer.metadata),
    ]
    for attempt in attempts:
        with refused() as why:
            attempt()
        assert why().kind is Kind.NOT_FOUND
    assert system.customer.ResendMobileCode(again, metadata=customer.metadata).challenge.challenge_id


def test_a_change_is_due_a_day_after_it_was_filed(system: System, clock: SetClock) -> None:
    change = system.sign_in().submit()
    assert change.submitted_at.ToDatetime() == clock.now.replace(tzinfo=None)
    assert change.due_at.ToDatetime() - change.submitted_at.ToDatetime() == timedelta(hours=24)


def test_the_settings_name_a_bad_document_key_at_start(system: System) -> None:
    with pytest.raises(BadSettings, match="document keys"):
        load(ContactChangeSettings, "contact-change", {**system.environment, "RECAPITO_DOCUMENT_KEYS": "no key"})
