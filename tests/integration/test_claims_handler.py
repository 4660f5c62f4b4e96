"""The sample claim handling system of docs/examples, beside a whole system."""

import importlib
import os
from pathlib import Path
from typing import Any

import pytest
from recapito.claims.v1 import claims_pb2 as pb
from recapito.claims.v1 import claims_pb2_grpc
from recapito.claims.v1.intake_pb2_grpc import ClaimsIntakeServiceStub

from recapito_servicekit.calling import bearer
from tests.integration.test_restore_drill import file_claim
from tests.support.system import System


@pytest.fixture
def sample(system: System, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sample, which reads where the system is when it is first imported."""
    monkeypatch.setitem(os.environ, "RECAPITO_EMBEDDED_VAR", str(system.var))
    monkeypatch.setitem(os.environ, "RECAPITO_EMBEDDED_PORT_OFFSET", str(system.offset))
    return importlib.import_module("docs.examples.claims_handler")


def test_sample_handler_takes_a_claim_from_filed_to_closed(system: System, sample: Any, tmp_path: Path) -> None:
    known, token = system.signed_in()
    number, token = file_claim(system, known, token)
    with system.channel("internal", "claims") as to, system.channel("portal", "claims") as to_portal:
        service = ClaimsIntakeServiceStub(to)
        for _ in range(2):  # again with its cursor lost: nothing happens twice
            sample.follow(service, tmp_path / f"cursor-{_}", 3)
        stub = claims_pb2_grpc.ClaimsServiceStub(to_portal)
        (listed,) = stub.ListClaims(pb.ListClaimsRequest(), metadata=bearer(token)).claims
        claim = stub.GetClaim(pb.GetClaimRequest(claim_id=listed.claim_id), metadata=bearer(token)).claim
    assert (claim.claim_number, claim.state) == (number, pb.CLAIM_STATE_CLOSED)
    assert [step.event for step in claim.history] == [
        pb.CLAIM_EVENT_SUBMITTED,
        pb.CLAIM_EVENT_EXPENSE_UPDATED,
        pb.CLAIM_EVENT_CLOSED,
    ]
