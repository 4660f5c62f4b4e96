"""callers.toml: who may call what."""

from pathlib import Path

import pytest
from google.protobuf.descriptor_pool import Default

from recapito_servicekit.callers import BadCallers, Callers
from recapito_servicekit.errors import Refusal
from recapito_servicekit.gate import access_of
from tests.support.contract import path_of, rpcs
from tests.support.serving import CALLERS_FILE

RPCS = [path_of(method) for _, method in rpcs()]


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
