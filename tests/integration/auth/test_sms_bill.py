"""Who wants to run up the SMS bill: many calls, few texts. Counted where they arrive, at the gateway."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import grpc
import pytest

from tests.conftest import SetClock
from tests.integration.auth.service import PERSON, START, Auth, client, refused
from tests.integration.otp.service import Otp
from tests.integration.otp.test_otp_delivery import delivering, jobs_left, wait_until
from tests.support.pki import Pki
from tests.support.redis import RedisServer
from tests.support.smtp import SmtpSink

MARIA = "393201234519@sms.test"
CALLS = 60


@pytest.fixture
def auth(
    pki: Pki,
    redis_server: RedisServer,
    redis_url: str,
    database_url: str,
    clock: SetClock,
    tmp_path: Path,
    mailbox: SmtpSink,
) -> Iterator[Auth]:
    """The service with an otp that delivers to a gateway."""
    otp = Otp(pki, redis_url, clock, **mailbox.settings())
    service = Auth(pki, redis_server.url(1), database_url, otp, clock, tmp_path)
    with delivering(otp.settings, clock):
        yield service
    service.stop()
    otp.stop()


def register(auth: Auth, contact: str, ip: str) -> bool:
    """Whether a registration could be started."""
    wish = START(person_type=PERSON, given_name="Maria", family_name="Rossi", contact=contact, locale="it", client=client(ip))
    try:
        auth.registration.StartRegistration(wish)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise
        return False
    return True


def texts(auth: Auth, mailbox: SmtpSink) -> int:
    """How many went out, once nothing waits any more."""
    wait_until(lambda: jobs_left(auth.otp.environment["RECAPITO_REDIS_URL"]) == 0)
    return len(mailbox.messages)


def test_numbers_that_the_company_does_not_know_cost_nothing_and_an_address_asks_for_twenty(
    auth: Auth, mailbox: SmtpSink
) -> None:
    started = [register(auth, f"32055500{n:02d}", "203.0.113.80") for n in range(25)]
    assert started == [True] * 20 + [False] * 5
    assert texts(auth, mailbox) == 0


def test_number_on_file_gets_ten_texts_a_day_however_many_ask_for_them(auth: Auth, mailbox: SmtpSink, clock: SetClock) -> None:
    begun = clock.now
    started = 0
    for n in range(CALLS):
        started += register(auth, "3201234519", f"203.0.{n}.7")
        texts(auth, mailbox)  # what waits longer than its code lives isn't sent
        clock.forward(minutes=23)
    assert clock.now - begun < timedelta(days=1)
    assert started == 10
    assert texts(auth, mailbox) == len(mailbox.to(MARIA)) == 10


def test_owner_of_an_account_is_told_of_registrations_ten_times_a_day_at_most(
    auth: Auth, mailbox: SmtpSink, clock: SetClock
) -> None:
    auth.register()
    own = texts(auth, mailbox)
    clock.forward(days=1)
    started = 0
    for n in range(CALLS):
        started += register(auth, "3201234519", f"203.0.{n}.7")
        clock.forward(minutes=23)
    assert started == 10
    wait_until(lambda: texts(auth, mailbox) - own >= 10)  # notices go out a while after the answer
    time.sleep(0.5)
    assert texts(auth, mailbox) - own == 10


def test_who_has_the_password_gets_ten_codes_a_day_sent_and_no_more(auth: Auth, mailbox: SmtpSink, clock: SetClock) -> None:
    auth.register()
    own = texts(auth, mailbox)
    clock.forward(days=1)
    for _ in range(10):
        auth.password()
        texts(auth, mailbox)  # what waits longer than its code lives isn't sent
        clock.forward(minutes=23)
    for _ in range(CALLS - 10):
        assert refused(partial(auth.password, ip="203.0.113.9")).reason == "TOO_MANY_TO_DESTINATION"
        clock.forward(minutes=15)
    assert texts(auth, mailbox) - own == 10
