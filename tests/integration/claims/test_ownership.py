"""Every RPC acts on the claims of the customer who is signed in, and on no other."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from recapito.claims.v1 import claims_pb2 as pb

from recapito_servicekit.errors import Refusal
from tests.integration.claims.claimant import COMPLETE, EXPENSE, Claims, Customer, picture, reason_of

RPCS = [method.name for method in pb.DESCRIPTOR.services_by_name["ClaimsService"].methods]

ON_A_CLAIM: Mapping[str, Callable[[Customer, pb.Claim], Any]] = {
    "UpdateDraft": lambda customer, claim: customer.update(claim, **COMPLETE),
    "AddExpense": lambda customer, claim: customer.add_expense(claim, **EXPENSE),
    "AttachDocument": lambda customer, claim: customer.attach(claim, picture(9)),
    "RemoveExpense": lambda customer, claim: customer.remove_expense(claim),
    "RemoveAttachment": lambda customer, claim: customer.remove_attachment(claim),
    "DiscardDraft": lambda customer, claim: customer.discard(claim),
    "WithdrawClaim": lambda customer, claim: customer.withdraw(claim),
    "AnswerQuestion": lambda customer, claim: customer.answer(claim, "0" * 32, "sì"),
    "GetReceipt": lambda customer, claim: customer.receipt(claim),
    "GetClaim": lambda customer, claim: customer.get(claim),
    "PrepareSubmission": lambda customer, claim: customer.prepare(claim),
    "SubmitClaim": lambda customer, claim: customer.submit(claim, "proof"),
}
EVERY: Mapping[str, Callable[[Customer, pb.Claim], Any]] = {
    **ON_A_CLAIM,
    "CreateDraft": lambda customer, claim: customer.create(),
    "ListPolicies": lambda customer, claim: customer.call("ListPolicies", pb.ListPoliciesRequest()),
    "ListClaims": lambda customer, claim: customer.call("ListClaims", pb.ListClaimsRequest()),
}


def test_every_rpc_is_tried() -> None:
    assert set(EVERY) == set(RPCS)


@pytest.mark.parametrize("rpc", ON_A_CLAIM)
def test_another_customers_claim_is_as_if_it_were_not_there(claims: Claims, rpc: str) -> None:
    anna, bruno = claims.sign_in("C-1"), claims.sign_in("C-2")
    draft = anna.complete()
    receipt = anna.submit(draft, claims.confirm(anna, draft))
    open_draft = anna.get(anna.complete())
    for theirs in (open_draft, receipt, pb.Claim(claim_id="0" * 32, version=1), pb.Claim(claim_id="a\x07'", version=1)):
        with pytest.raises(Refusal) as refused:
            ON_A_CLAIM[rpc](bruno, theirs)
        assert reason_of(refused) == "NOT_FOUND CLAIM_NOT_FOUND"
    assert anna.get(open_draft) == open_draft
    assert anna.get(receipt) == receipt


def test_another_customers_request_does_not_give_the_receipt(claims: Claims) -> None:
    anna, bruno = claims.sign_in("C-1"), claims.sign_in("C-2")
    draft = anna.complete()
    anna.submit(draft, claims.confirm(anna, draft), "the-request")
    with pytest.raises(Refusal) as refused:
        bruno.submit(draft, "proof", "the-request")
    assert reason_of(refused) == "NOT_FOUND CLAIM_NOT_FOUND"


def test_the_list_holds_ones_own_alone(claims: Claims) -> None:
    anna, bruno = claims.sign_in("C-1"), claims.sign_in("C-2")
    anna.create()
    mine = bruno.create()
    assert [claim.claim_id for claim in bruno.call("ListClaims", pb.ListClaimsRequest()).claims] == [mine.claim_id]


@pytest.mark.parametrize("rpc", EVERY)
@pytest.mark.parametrize(
    ("session", "reason"),
    [({"acr": "recapito:aal1"}, "UNAUTHENTICATED STEP_UP_REQUIRED"), (None, "UNAUTHENTICATED NOT_SIGNED_IN")],
)
def test_nobody_and_a_password_alone_may_nothing(claims: Claims, rpc: str, session: dict[str, Any] | None, reason: str) -> None:
    draft = claims.sign_in().create()
    weak = Customer(claims.stub, "no such token") if session is None else claims.sign_in(**session)
    with pytest.raises(Refusal) as refused:
        EVERY[rpc](weak, draft)
    assert reason_of(refused) == reason
