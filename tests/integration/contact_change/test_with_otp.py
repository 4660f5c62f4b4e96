"""The same with the otp service itself beside it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from recapito_otp.__main__ import wiring
from recapito_otp.settings import OtpSettings
from recapito_servicekit.serving import Wiring
from recapito_servicekit.settings import load
from tests.conftest import SetClock
from tests.integration.contact_change import peers
from tests.integration.contact_change.system import System, refused
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServerThread, server_environment
from tests.support.smtp import SmtpSink


@pytest.fixture
def system(
    pki: Pki, tmp_path: Path, database_url: str, broker_url: str, redis_url: str, mailbox: SmtpSink, clock: SetClock
) -> Iterator[System]:
    """The service with a real otp, whose codes the test knows."""
    port = free_port()
    environment = {
        **server_environment(pki, "otp", port),
        "RECAPITO_REDIS_URL": redis_url,
        "RECAPITO_OTP_PEPPER": "pepper",
        "RECAPITO_OTP_SEAL_KEY": base64.b64encode(bytes(32)).decode(),
    }
    settings = load(OtpSettings, "otp", environment)

    async def wire() -> Wiring:
        return wiring(settings, clock, lambda _: peers.CODE)

    server = ServerThread(settings, wire)
    made = System(pki, tmp_path, database_url, broker_url, mailbox, clock, otp_address=f"localhost:{port}")
    yield made
    made.close()
    server.stop()


def test_a_real_proof_files_a_change_once_and_texts_are_taken(system: System) -> None:
    customer = system.sign_in()
    proof = customer.confirm()
    form = customer.form(mobile_proof=proof)
    first = customer.submit(form)
    assert customer.submit(form) == first
    operator = system.operator("rosa")
    with system.working():
        system.settle()
        case = operator.take(system.case_of(first.change_id).case_id)
        operator.approve(case.summary.case_id, case.summary.version)
        system.settle()
    assert {(row.channel, row.state) for row in system.rows("notices")} == {("SMS", "SENT"), ("EMAIL", "SENT")}
    system.known.customers["C1"].mobile = ""
    with refused() as why:
        customer.submit(customer.form(mobile_proof=proof))
    assert [(one.field, one.reason) for one in why().violations] == [("mobile_proof", "USED")]
    with refused() as why:
        customer.submit(customer.form(mobile_proof="no proof"))
    assert [(one.field, one.reason) for one in why().violations] == [("mobile_proof", "UNKNOWN")]
