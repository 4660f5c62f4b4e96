"""Someone who wants to run up the bill for texts, and someone who would stop the others' codes that way."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind
from recapito_servicekit.status import refusal_from
from tests.integration.otp.service import Otp, refused
from tests.support.pki import Pki


def mobile(number: int) -> str:
    return f"+39320{1_000_000 + number}"


def send_many(otp: Otp, numbers: range, **fields: Any) -> Counter[str]:
    """What became of codes to as many numbers, twenty at a time."""

    def issue(number: int) -> str:
        try:
            otp.issue(destination=mobile(number), subject=f"S{number}", **fields)
        except grpc.RpcError as error:
            return refusal_from(error).reason
        return "ISSUED"

    with ThreadPoolExecutor(20) as pool:
        return Counter(pool.map(issue, numbers))


def stopped() -> float:
    kinds = ({"country": "39", "asked_by": kind} for kind in ("visitor", "customer"))
    return sum(REGISTRY.get_sample_value("recapito_otp_prefix_stopped_total", labels) or 0 for labels in kinds)


def confirm(otp: Otp, number: int) -> None:
    """The number confirms a code."""
    challenge_id = otp.issue(destination=mobile(number)).challenge_id
    otp.check(challenge_id, otp.codes[-1])


def test_fifty_texts_to_unknown_numbers_of_a_prefix_then_it_is_stopped_and_counted(otp: Otp, clock: Any) -> None:
    before = stopped()
    assert send_many(otp, range(70)) == {"ISSUED": 50, "PREFIX_STOPPED": 20}
    assert stopped() - before == 20
    refusal = refused(partial(otp.issue, destination=mobile(900)))
    assert (refusal.kind, refusal.retry_after) == (Kind.RESOURCE_EXHAUSTED, timedelta(hours=1))
    otp.issue(destination="+393471000000")
    clock.forward(hours=1)
    assert send_many(otp, range(100, 151)) == {"ISSUED": 50, "PREFIX_STOPPED": 1}


def test_number_that_confirmed_a_code_is_neither_counted_nor_stopped(otp: Otp, clock: Any) -> None:
    confirm(otp, 0)
    assert send_many(otp, range(1, 60)) == {"ISSUED": 49, "PREFIX_STOPPED": 10}
    for _ in range(2):
        otp.issue(destination=mobile(0))
    clock.forward(hours=1)
    otp.issue(destination=mobile(0))
    assert send_many(otp, range(100, 151)) == {"ISSUED": 50, "PREFIX_STOPPED": 1}


def test_resend_to_an_unknown_number_counts_too_and_is_stopped_too(otp: Otp, clock: Any) -> None:
    challenge_id = otp.issue(destination=mobile(0)).challenge_id
    clock.forward(minutes=1)
    otp.resend(challenge_id)
    assert send_many(otp, range(1, 60)) == {"ISSUED": 48, "PREFIX_STOPPED": 11}
    clock.forward(minutes=1)
    assert refused(lambda: otp.resend(challenge_id)).reason == "PREFIX_STOPPED"


def test_send_that_another_limit_refused_is_not_counted(otp: Otp, clock: Any) -> None:
    for _ in range(3):
        otp.issue(destination=mobile(0))
    assert {refused(partial(otp.issue, destination=mobile(0))).reason for _ in range(60)} == {"TOO_MANY_TO_DESTINATION"}
    with ThreadPoolExecutor(20) as pool:  # the race between looking and counting takes back what it counted
        found = Counter(pool.map(lambda n: "".join(send_many(otp, range(500, 501), request_id=f"race-{n}")), range(60)))
    assert found == {"ISSUED": 3, "TOO_MANY_TO_DESTINATION": 57}
    assert send_many(otp, range(1, 60)) == {"ISSUED": 44, "PREFIX_STOPPED": 15}


def test_same_request_counts_once_and_gets_its_answer_where_the_prefix_is_stopped(otp: Otp) -> None:
    first = otp.issue(destination=mobile(0), request_id="again")
    assert send_many(otp, range(1, 60)) == {"ISSUED": 49, "PREFIX_STOPPED": 10}
    assert otp.issue(destination=mobile(0), request_id="again") == first


def test_mail_is_not_counted(otp: Otp) -> None:
    for n in range(60):
        otp.issue(channel=otp_pb2.CHANNEL_EMAIL, destination=f"n{n}@example.it")
    otp.issue(destination=mobile(0))


@pytest.mark.parametrize("decoy", [True, False])
@pytest.mark.parametrize("purpose", ["registration", "recovery"])
def test_visitors_never_use_up_what_customers_need(otp: Otp, purpose: str, decoy: bool) -> None:
    assert send_many(otp, range(60), purpose=purpose, decoy=decoy) == {"ISSUED": 50, "PREFIX_STOPPED": 10}
    for n in range(30):
        otp.issue(destination=mobile(n), purpose="sign_in")
    address = "203.0.113.7"
    other = [partial(otp.issue, purpose=purpose, decoy=decoy, ip=address, destination=f"+3934710000{n}") for n in range(10, 31)]
    for issue in other[:20]:
        issue()
    assert refused(other[20]).reason == "TOO_MANY_FROM_CLIENT"
    otp.issue(destination="+393471000010", purpose="sign_in", ip=address)


def test_stop_tells_a_visitor_nothing_of_who_confirmed_a_code(otp: Otp) -> None:
    confirm(otp, 0)
    send_many(otp, range(1, 60), purpose="registration")
    for n in (0, 99):
        assert refused(partial(otp.issue, destination=mobile(n), purpose="registration")).reason == "PREFIX_STOPPED"


def test_customers_never_use_up_what_visitors_need(otp: Otp) -> None:
    send_many(otp, range(60), purpose="sign_in")
    otp.issue(destination=mobile(900), purpose="recovery")


@pytest.fixture
def exempting(pki: Pki, redis_url: str, clock: Clock) -> Iterator[Otp]:
    service = Otp(pki, redis_url, clock, RECAPITO_LIMIT_EXEMPT_LOOPBACK="1")
    yield service
    service.stop()


def test_what_this_machine_asks_for_is_not_counted_where_the_setting_says_so(exempting: Otp) -> None:
    assert send_many(exempting, range(60), ip="127.0.0.1") == {"ISSUED": 60}
    assert send_many(exempting, range(100, 160)) == {"ISSUED": 50, "PREFIX_STOPPED": 10}
