"""callers.toml: who may call what."""

from pathlib import Path

import pytest
from google.protobuf.descriptor_pool import Default
from recapito.auth.v1 import authentication_pb2, operator_pb2, registration_pb2, registry_pb2, session_pb2
from recapito.claims.v1 import claims_pb2
from recapito.contact_change.v1 import contact_change_pb2, review_pb2
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.callers import BadCallers, Callers
from recapito_servicekit.errors import Refusal
from recapito_servicekit.gate import access_of
from tests.support.serving import CALLERS_FILE

FILES = (
    authentication_pb2,
    operator_pb2,
    registration_pb2,
    registry_pb2,
    session_pb2,
    claims_pb2,
    contact_change_pb2,
    review_pb2,
    otp_pb2,
)
RPCS = [
    f"/{service.full_name}/{method.name}"
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


@pytest.mark.parametrize("rpc", RPCS)
def test_every_rpc_has_a_caller_and_says_who_may_act(rpc: str) -> None:
    assert Callers.read(CALLERS_FILE).of(rpc)
    assert access_of(rpc).persons


def test_list_names_no_rpc_that_is_not_there() -> None:
    text = CALLERS_FILE.read_text()
    listed = {"/" + line.strip('[]"') for line in text.splitlines() if line.startswith('["')}
    assert listed == set(RPCS)
    assert Default().FindServiceByName("recapito.otp.v1.OtpService")


def test_what_is_not_listed_is_refused() -> None:
    with pytest.raises(Refusal):
        Callers({}).grant("/recapito.otp.v1.OtpService/CheckChallenge", "auth")


@pytest.mark.parametrize(
    "text", ["not toml", '["a.B/C"]\nauth = { purpose = ["x"] }', '["a.B/C"]\nauth = { purposes = "x" }', "a = 1"]
)
def test_list_that_cannot_be_taken_is_refused_at_start(tmp_path: Path, text: str) -> None:
    file = tmp_path / "callers.toml"
    file.write_text(text)
    with pytest.raises(BadCallers):
        Callers.read(file)
