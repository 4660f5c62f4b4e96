"""The proof of an approved code: spent once, for what it was approved for."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from functools import partial
from typing import Any

import grpc
import pytest

from recapito_servicekit.errors import Kind
from recapito_servicekit.status import refusal_from
from tests.integration.otp.service import HASH, MOBILE, Otp, refused


def prove(otp: Otp, **fields: Any) -> str:
    asked: dict[str, Any] = {"purpose": "step_up", **fields}
    challenge_id = otp.issue(**asked).challenge_id
    named = {name: asked[name] for name in ("purpose", "transaction_hash") if name in asked}
    return otp.check(challenge_id, otp.codes[-1], **named).proof


def test_proof_names_issuer_instant_and_destination_once(otp: Otp, clock: Any) -> None:
    proof = prove(otp)
    approved_at = clock.now
    clock.forward(minutes=30)
    spent = otp.consume(proof)
    assert (spent.issued_by, spent.destination) == ("auth", MOBILE)
    assert spent.approved_at.ToDatetime(tzinfo=UTC) == approved_at
    again = refused(lambda: otp.consume(proof))
    assert (again.kind, again.reason) == (Kind.FAILED_PRECONDITION, "PROOF_USED")


def test_proof_that_auth_had_issued_is_spent_by_claims(otp: Otp) -> None:
    proof = prove(otp, purpose="claim", transaction_hash=HASH)
    spent = otp.consume(proof, caller="claims", purpose="claim", transaction_hash=HASH, request_id="r1")
    assert spent.issued_by == "auth"
    assert otp.consume(proof, caller="claims", purpose="claim", transaction_hash=HASH, request_id="r1") == spent
    for request_id in ("", "r2"):
        refusal = refused(partial(otp.consume, proof, "claims", purpose="claim", transaction_hash=HASH, request_id=request_id))
        assert refusal.reason == "PROOF_USED"


def test_repeat_gets_its_answer_after_the_proof_expired(otp: Otp, clock: Any) -> None:
    proof = prove(otp)
    first = otp.consume(proof, request_id="r1")
    clock.forward(minutes=31)
    assert otp.consume(proof, request_id="r1") == first


def test_proof_expires_after_thirty_minutes(otp: Otp, clock: Any) -> None:
    proof = prove(otp)
    clock.forward(minutes=30, milliseconds=1)
    assert refused(lambda: otp.consume(proof)).kind is Kind.NOT_FOUND


@pytest.mark.parametrize("other", [{"subject": "C2"}, {"purpose": "registration"}, {"transaction_hash": ""}])
def test_proof_of_something_else_is_not_found_and_stays_good(otp: Otp, other: dict[str, str]) -> None:
    proof = prove(otp, transaction_hash=HASH)
    assert refused(lambda: otp.consume(proof, **{"transaction_hash": HASH, **other})).kind is Kind.NOT_FOUND
    assert otp.consume(proof, transaction_hash=HASH)


@pytest.mark.parametrize("proof", ["", "nonsense", "3-" + "a" * 43])
def test_unknown_proof_is_not_found(otp: Otp, proof: str) -> None:
    assert refused(lambda: otp.consume(proof)).kind is Kind.NOT_FOUND


def test_fifty_parallel_spenders_spend_once(otp: Otp) -> None:
    proof = prove(otp)

    def spend(n: int) -> str:
        try:
            otp.consume(proof, request_id=f"r{n}")
        except grpc.RpcError as error:
            return refusal_from(error).reason
        return "SPENT"

    with ThreadPoolExecutor(50) as pool:
        assert Counter(pool.map(spend, range(50))) == {"SPENT": 1, "PROOF_USED": 49}
