"""How many messages may go out: per destination and purpose, per client address."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
import pytest

from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind
from recapito_servicekit.status import refusal_from
from tests.integration.otp.service import Otp, refused
from tests.support.pki import Pki


def test_fourth_code_in_ten_minutes_waits_until_the_first_leaves_the_window(otp: Otp, clock: Any) -> None:
    for _ in range(3):
        otp.issue()
        clock.forward(minutes=1)
    refusal = refused(otp.issue)
    assert (refusal.kind, refusal.reason) == (Kind.RESOURCE_EXHAUSTED, "TOO_MANY_TO_DESTINATION")
    assert refusal.retry_after == timedelta(minutes=7)
    clock.forward(minutes=7)
    otp.issue()
    assert refused(otp.issue).retry_after == timedelta(minutes=1)


def test_eleventh_code_in_a_day_waits_for_tomorrow(otp: Otp, clock: Any) -> None:
    for _ in range(10):
        otp.issue()
        clock.forward(minutes=10)
    assert refused(otp.issue).retry_after == timedelta(days=1) - timedelta(minutes=100)


def test_decoys_count_alike_and_purposes_and_destinations_apart(otp: Otp) -> None:
    for decoy in (True, False, True):
        otp.issue(purpose="registration", decoy=decoy)
    for decoy in (True, False):
        assert refused(partial(otp.issue, purpose="registration", decoy=decoy)).retry_after == timedelta(minutes=10)
    otp.issue(purpose="sign_in")
    otp.issue(purpose="registration", destination="+393201234520")


def test_resend_counts_as_a_send(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue().challenge_id
    early = refused(lambda: otp.resend(challenge_id))
    assert (early.kind, early.reason, early.retry_after) == (
        Kind.RESOURCE_EXHAUSTED,
        "RESEND_TOO_EARLY",
        timedelta(seconds=60),
    )
    for _ in range(2):
        clock.forward(seconds=60)
        otp.resend(challenge_id)
    clock.forward(seconds=60)
    assert refused(lambda: otp.resend(challenge_id)).retry_after == timedelta(minutes=7)
    assert refused(otp.issue).reason == "TOO_MANY_TO_DESTINATION"


def test_thirty_parallel_resends_send_once(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue().challenge_id
    clock.forward(seconds=60)

    def resend(n: int) -> str:
        try:
            otp.resend(challenge_id)
        except grpc.RpcError as error:
            return refusal_from(error).reason
        return "SENT"

    with ThreadPoolExecutor(30) as pool:
        assert Counter(pool.map(resend, range(30))) == {"SENT": 1, "RESEND_TOO_EARLY": 29}


def test_forty_parallel_issues_to_one_destination_let_three_through(otp: Otp) -> None:
    assert Counter(_issue_many(otp, 40)) == {"ISSUED": 3, "TOO_MANY_TO_DESTINATION": 37}


def test_forty_parallel_issues_from_one_address_let_twenty_through(otp: Otp, clock: Any) -> None:
    found = _issue_many(otp, 40, ip="203.0.113.7", apart=True)
    assert Counter(found) == {"ISSUED": 20, "TOO_MANY_FROM_CLIENT": 20}
    refusal = refused(lambda: otp.issue(ip="203.0.113.7", destination="+393201239999"))
    assert refusal.retry_after == timedelta(minutes=10)
    otp.issue(ip="203.0.113.8", destination="+393201239999")
    clock.forward(minutes=10)
    otp.issue(ip="203.0.113.7", destination="+393201239998")


def test_ipv6_addresses_of_one_network_count_together(otp: Otp) -> None:
    found = [*_issue_many(otp, 20, ip="2001:db8::1", apart=True), *_issue_many(otp, 1, ip="2001:db8::2", apart=True)]
    assert found[-1] == "TOO_MANY_FROM_CLIENT"


def test_same_request_counts_once_against_its_address(otp: Otp) -> None:
    for _ in range(25):
        otp.issue(request_id="again", ip="203.0.113.7")


def test_address_that_the_caller_is_not_believed_about_is_passed_over(otp: Otp) -> None:
    for n in range(21):
        otp.issue(caller="internal", purpose="step_up", ip="203.0.113.7", destination=f"+3932012345{n:02d}")


@pytest.mark.parametrize(("setting", "issued"), [("1", 21), ("0", 20)])
def test_loopback_is_exempt_where_the_setting_says_so(pki: Pki, redis_url: str, clock: Clock, setting: str, issued: int) -> None:
    service = Otp(pki, redis_url, clock, RECAPITO_LIMIT_EXEMPT_LOOPBACK=setting)
    try:
        assert Counter(_issue_many(service, 21, ip="127.0.0.1", apart=True))["ISSUED"] == issued
    finally:
        service.stop()


def _issue_many(otp: Otp, count: int, ip: str = "", apart: bool = False) -> list[str]:
    def issue(n: int) -> str:
        try:
            otp.issue(ip=ip, destination=f"+3932012345{n:02d}" if apart else "+393201234519")
        except grpc.RpcError as error:
            return refusal_from(error).reason
        return "ISSUED"

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(issue, range(count)))
