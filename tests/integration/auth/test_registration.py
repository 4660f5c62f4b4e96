"""Registration: who is picked, what the unknown see, passwords, once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
from recapito.otp.v1 import otp_pb2

from recapito_otp.__main__ import delivery
from recapito_otp.settings import OtpSettings
from recapito_servicekit.errors import Kind
from recapito_servicekit.settings import load
from tests.conftest import SetClock
from tests.integration.auth.service import COMPANY, PASSWORD, PERSON, Auth, refused
from tests.integration.otp.service import Otp
from tests.support.smtp import SmtpSink


def approved(auth: Auth, given: str, family: str, contact: str, kind: Any = PERSON) -> bool:
    """Whether the code that went out is the right one: decoys approve nothing."""
    started = auth.start(given, family, contact, kind)
    code = auth.otp.codes[-1] if auth.otp.codes else "000000"
    return auth.verify(started.registration_id, code).outcome == otp_pb2.OUTCOME_APPROVED


@pytest.mark.parametrize(
    ("given", "family", "contact", "kind"),
    [
        pytest.param("MARIA", "rossi", "+39 320.1234519", PERSON, id="mobile written differently"),
        pytest.param("Maria", "Rossi", " Maria.Rossi@EXAMPLE.com", PERSON, id="email in capitals"),
        pytest.param("Nicolo'", "D'Angelo", "nicolo.dangelo@example.com", PERSON, id="apostrophe for an accent"),
        pytest.param("Nicolò", "d´angelo", "nicolo.dangelo@example.com", PERSON, id="acute accent for an apostrophe"),
        pytest.param("Nicolo\u0300 Maria", "DANGELO", "nicolo.dangelo@example.com", PERSON, id="combining accent"),
        pytest.param("Luca", "Verdi", "famiglia.verdi@example.com", PERSON, id="relative with a shared email"),
        pytest.param("Anna", "Verdi", "3331234567", PERSON, id="homonym told apart by the mobile"),
        pytest.param("", "ROSSI & C SNC", "studio@example.com", COMPANY, id="company"),
        pytest.param("玉", "陳", "chen@example.com", PERSON, id="own script"),
    ],
)
def test_registration_of_a_known_customer_gets_a_code(auth: Auth, given: str, family: str, contact: str, kind: Any) -> None:
    assert approved(auth, given, family, contact, kind)


@pytest.mark.parametrize(
    ("given", "family", "contact", "kind"),
    [
        pytest.param("Maria", "Rossi", "3201234510", PERSON, id="unknown contact"),
        pytest.param("Maria", "Bianchi", "3201234519", PERSON, id="another family name"),
        pytest.param("Maria Pia", "Rossi", "3201234519", PERSON, id="a given name too many"),
        pytest.param("Maria", "D'Angelo", "nicolo.dangelo@example.com", PERSON, id="not the first given name"),
        pytest.param("Anna", "Verdi", "famiglia.verdi@example.com", PERSON, id="homonyms with one email"),
        pytest.param("Ruggiero", "Bellò", "3701234567", PERSON, id="a name that is the beginning of another"),
        pytest.param("Ruggiero Antonio", "Bellò", "3701234567", PERSON, id="a name that another is the beginning of"),
        pytest.param("", "Rossi", "3201234519", COMPANY, id="a person as a company"),
    ],
)
def test_registration_of_an_unclear_customer_gets_a_decoy(auth: Auth, given: str, family: str, contact: str, kind: Any) -> None:
    assert not approved(auth, given, family, contact, kind)


def test_decoy_looks_like_the_real_thing(auth: Auth) -> None:
    real, decoy = auth.start("Maria", "Rossi", "3201234519"), auth.start("Maria", "Rossi", "3201234518")
    assert decoy.masked_contact == "320 *****18"
    assert real.masked_contact == "320 *****19"
    assert len(decoy.registration_id) == len(real.registration_id)
    assert (decoy.expires_at, decoy.resend_available_at) == (real.expires_at, real.resend_available_at)
    findings = [[auth.verify(r.registration_id, "999999") for _ in range(6)] for r in (real, decoy)]
    assert findings[0] == findings[1]
    assert [f.attempts_left for f in findings[1]] == [4, 3, 2, 1, 0, 0]
    assert findings[1][5].outcome == otp_pb2.OUTCOME_EXHAUSTED


def test_registration_sends_to_known_contacts_alone_and_tells_the_owner_of_an_account(
    auth: Auth, otp: Otp, clock: SetClock, mailbox: SmtpSink
) -> None:
    settings = load(OtpSettings, "otp", {**otp.environment, **mailbox.settings()})
    stop = Event()
    worker = Thread(target=delivery(settings, clock), args=(stop,))
    worker.start()
    try:
        auth.start("Maria", "Rossi", "nobody@example.com")
        auth.register(contact="maria.rossi@example.com")
        mailbox.wait("maria.rossi@example.com")
        auth.start("Maria", "Rossi", "maria.rossi@example.com")
        mails = mailbox.wait("maria.rossi@example.com", 2)
    finally:
        stop.set()
        worker.join(60)
    assert len(mails) == len(mailbox.messages) == 2


def test_user_name_of_a_relative_is_taken_and_the_answer_stays_the_same(auth: Auth) -> None:
    auth.register("Luca", "Verdi", "3331234567")
    assert not approved(auth, "Anna", "Verdi", "3331234567")


def test_registered_customer_gets_a_decoy(auth: Auth) -> None:
    auth.register()
    assert not approved(auth, "Maria", "Rossi", "maria.rossi@example.com")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("corto", "TOO_SHORT"),
        ("password123", "TOO_COMMON"),
        ("ROSSI il cavallo", "CONTAINS_PERSONAL"),
        ("3201234519 cavallo", "CONTAINS_PERSONAL"),
        ("il mio recapito blu", "CONTAINS_SERVICE"),
        ("x" * 257, "TOO_LONG"),
    ],
)
def test_weak_password_is_refused_with_its_reason(auth: Auth, password: str, reason: str) -> None:
    started = auth.start("Maria", "Rossi", "3201234519")
    auth.verify(started.registration_id, auth.otp.codes[-1])
    refusal = refused(lambda: auth.complete(started.registration_id, password))
    assert (refusal.kind, refusal.violations[0].field, refusal.violations[0].reason) == (
        Kind.INVALID_ARGUMENT,
        "password",
        reason,
    )
    assert auth.complete(started.registration_id)


def test_completing_without_a_right_code_is_refused(auth: Auth) -> None:
    started = auth.start("Maria", "Rossi", "3201234519")
    for registration_id in (started.registration_id, "unknown"):
        refusal = refused(partial(auth.complete, registration_id))
        assert (refusal.kind, refusal.reason) == (Kind.FAILED_PRECONDITION, "CONTACT_NOT_VERIFIED")


def test_completing_many_times_at_once_opens_one_account(auth: Auth) -> None:
    started = auth.start("Maria", "Rossi", "3201234519")
    auth.verify(started.registration_id, auth.otp.codes[-1])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: auth.complete(started.registration_id), range(8)))
    assert len(set(found)) == 1
    refusal = refused(lambda: auth.complete(started.registration_id, PASSWORD + "!"))
    assert refusal.reason == "CONTACT_NOT_VERIFIED"


def test_two_registrations_of_one_customer_open_one_account(auth: Auth) -> None:
    first = auth.start("Maria", "Rossi", "3201234519")
    code = auth.otp.codes[-1]
    second = auth.start("Maria", "Rossi", "maria.rossi@example.com")
    auth.verify(first.registration_id, code)
    auth.verify(second.registration_id, auth.otp.codes[-1])
    auth.complete(first.registration_id)
    assert refused(lambda: auth.complete(second.registration_id)).reason == "CONTACT_NOT_VERIFIED"


def test_wishes_that_cannot_be_taken_are_refused_field_by_field(auth: Auth) -> None:
    refusal = refused(lambda: auth.start("", " ", "02 1234567"))
    assert {(v.field, v.reason) for v in refusal.violations} == {
        ("given_name", "EMPTY"),
        ("family_name", "EMPTY"),
        ("contact", "LANDLINE"),
    }
