"""otp and auth over nodes of a Redis Cluster: no script and no command takes keys of several slots."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from recapito.auth.v1 import session_pb2
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.calling import bearer
from recapito_servicekit.clock import system_clock
from tests.integration.auth.service import Auth
from tests.integration.otp.service import MOBILE, Otp, outcome
from tests.integration.otp.test_otp_delivery import delivering, settled
from tests.support.pki import Pki
from tests.support.redis import RedisServer
from tests.support.smtp import SmtpSink

NEW_PASSWORD = "quattro gatti verdi sul tetto"


@pytest.fixture
def node() -> Iterator[RedisServer]:
    server = RedisServer(cluster=True)
    yield server
    server.stop()


@pytest.fixture
def otp(pki: Pki, node: RedisServer, mailbox: SmtpSink) -> Iterator[Otp]:
    service = Otp(pki, node.url(), system_clock, **mailbox.settings())
    yield service
    service.stop()


@pytest.fixture
def auth(pki: Pki, otp: Otp, database_url: str, tmp_path: Path) -> Iterator[Auth]:
    own = RedisServer(cluster=True)
    service = Auth(pki, own.url(), database_url, otp, system_clock, tmp_path)
    yield service
    service.stop()
    own.stop()


def test_node_refuses_a_script_over_several_slots(node: RedisServer) -> None:
    with pytest.raises(redis.ResponseError, match=r"(?i)slot"):
        node.client().eval("return 1", 2, "one", "other")


def test_codes_live_through_all_of_it(otp: Otp) -> None:
    with delivering(otp.settings):
        sent = otp.issue(ip="192.0.2.9", purpose="step_up")
        assert settled(otp, sent.challenge_id) == ("SENT", "")
        assert outcome(otp.check(sent.challenge_id, "000000", purpose="step_up")) == "INCORRECT"
        right = otp.check(sent.challenge_id, otp.codes[-1], purpose="step_up")
        assert outcome(right) == "APPROVED"
        assert otp.consume(right.proof).issued_by == "auth"
        cancelled = otp.issue(subject="C2", destination="+393471112223")
        otp.as_().CancelChallenge(otp_pb2.CancelChallengeRequest(challenge_id=cancelled.challenge_id))
        otp.as_().CancelSubject(otp_pb2.CancelSubjectRequest(subject="C2"))
        notice = otp_pb2.SendNoticeRequest(
            request_id="notice", destination=MOBILE, channel=otp_pb2.CHANNEL_SMS, template="already_registered", locale="it"
        )
        otp.as_("contact-change").SendNotice(notice)


def test_accounts_live_through_all_of_it(auth: Auth) -> None:
    auth.register()
    token, device = auth.trusted()
    assert auth.introspect(token).active
    assert auth.password(device_token=device).session.token
    challenge = auth.step_up(token, purpose="step_up")
    raised = auth.complete_step_up(token, challenge.challenge_id, auth.otp.codes[-1]).session.token
    listed = auth.accounts.ListSessions(session_pb2.ListSessionsRequest(), metadata=bearer(raised)).sessions
    assert len(listed) == 2
    recovery_id = auth.recover().recovery_id
    while auth.recovery_code(recovery_id, auth.otp.codes[-1]).HasField("second"):
        pass
    auth.new_password(recovery_id, NEW_PASSWORD)
    assert not auth.introspect(raised).active
    required = auth.password(password=NEW_PASSWORD).code_required
    again = auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token
    auth.accounts.EndAllSessions(session_pb2.EndAllSessionsRequest(), metadata=bearer(again))
    assert not auth.introspect(again).active
