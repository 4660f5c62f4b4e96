"""What is kept of a customer is handed over whole, and erased as far as no law obliges to keep it."""

import json

import grpc
import pytest
from recapito.claims.v1 import privacy_pb2, privacy_pb2_grpc

from recapito_servicekit.errors import Refusal
from recapito_servicekit.status import refusal_from
from tests.conftest import SetClock
from tests.integration.claims.claimant import COMPLETE, Claims
from tests.support.pki import Pki
from tests.support.serving import channel_as


@pytest.fixture
def privacy(claims: Claims, pki: Pki) -> privacy_pb2_grpc.ClaimsPrivacyServiceStub:
    port = int(claims.settings.grpc_bind.rpartition(":")[2])
    return privacy_pb2_grpc.ClaimsPrivacyServiceStub(channel_as(pki, "internal", port))


def exported(privacy: privacy_pb2_grpc.ClaimsPrivacyServiceStub, customer_id: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    name = ""
    for piece in privacy.ExportCustomer(privacy_pb2.ExportCustomerRequest(customer_id=customer_id), timeout=30):
        if piece.HasField("name"):
            name = piece.name
            found[name] = b""
        found[name] += piece.chunk
    return found


def test_everything_of_one_customer_is_handed_over(claims: Claims, privacy: privacy_pb2_grpc.ClaimsPrivacyServiceStub) -> None:
    anna, bruno = claims.sign_in("C-1"), claims.sign_in("C-2")
    filed, draft = claims.filed(anna), anna.complete()
    bruno.create(**{**COMPLETE, "description": "di Bruno"})
    claims.handler.ask(filed)
    found = exported(privacy, "C-1")
    data = json.loads(found.pop("claims/claims.json"))
    assert {one["claim_id"] for one in data} == {filed.claim_id, draft.claim_id}
    assert [one["questions"][0]["text"] for one in data if one["claim_number"]] == ["Quando?"]
    assert sorted(found) == sorted(
        f"claims/{one.claim_number or one.claim_id}/{one.attachments[0].attachment_id}.png" for one in (filed, draft)
    )
    assert all(content.startswith(b"\x89PNG") for content in found.values())
    assert "Bruno" not in json.dumps(data)
    assert exported(privacy, "nobody") == {"claims/claims.json": b"[]"}


def test_drafts_go_and_what_the_law_keeps_is_named(
    claims: Claims, privacy: privacy_pb2_grpc.ClaimsPrivacyServiceStub, clock: SetClock
) -> None:
    anna = claims.sign_in()
    over, draft = claims.filed(anna), anna.complete()
    anna.discard(anna.create())
    anna.withdraw(over)
    wanted = privacy_pb2.EraseCustomerRequest(customer_id="C-1")
    would = privacy.EraseCustomer(privacy_pb2.EraseCustomerRequest(customer_id="C-1", dry_run=True), timeout=30)
    assert anna.get(draft).claim_id == draft.claim_id
    done = privacy.EraseCustomer(wanted, timeout=30)
    assert done == would
    assert (done.erased, list(done.gone)) == (1, ["1 draft or claim", "1 document", "1 draft that was thrown away"])
    assert [(one.what, one.rule, one.until) for one in done.kept] == [
        (f"claim {over.claim_number}", "c.c. 2220", "2036-12-31"),
    ]
    again = privacy.EraseCustomer(wanted, timeout=30)
    assert (again.erased, list(again.gone), again.kept) == (0, [], done.kept)
    assert len(list(claims.settings.blob_dir.iterdir())) == 1
    with pytest.raises(Refusal):
        anna.get(draft)
    clock.forward(days=365 * 11)
    late = privacy.EraseCustomer(wanted, timeout=30)
    assert (late.erased, list(late.kept)) == (1, [])
    assert list(claims.settings.blob_dir.iterdir()) == []


def test_an_open_claim_refuses_and_nothing_goes(claims: Claims, privacy: privacy_pb2_grpc.ClaimsPrivacyServiceStub) -> None:
    anna = claims.sign_in()
    live, draft = claims.filed(anna), anna.complete()
    for dry_run in (True, False):
        with pytest.raises(grpc.RpcError) as refused:
            privacy.EraseCustomer(privacy_pb2.EraseCustomerRequest(customer_id="C-1", dry_run=dry_run), timeout=30)
        why = refusal_from(refused.value)
        assert (why.reason, why.metadata["claims"]) == ("CLAIM_OPEN", live.claim_number)
    assert anna.get(draft).claim_id == draft.claim_id


def test_no_customer_is_refused(privacy: privacy_pb2_grpc.ClaimsPrivacyServiceStub) -> None:

    with pytest.raises(grpc.RpcError) as refused:
        privacy.EraseCustomer(privacy_pb2.EraseCustomerRequest(), timeout=30)
    assert [one.field for one in refusal_from(refused.value).violations] == ["customer_id"]
