"""Twilio's signature, against the example of its documentation's algorithm; and what its settings need."""

import base64
import hmac

import pytest

from recapito_otp.domain import asked_by, prefix_of
from recapito_otp.senders.twilio import is_signed
from recapito_otp.settings import OtpSettings
from recapito_servicekit.settings import BadSettings, load
from tests.unit.otp.test_otp_settings import GOOD

URL = "https://example.com/myapp.php?foo=1&bar=2"
FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675310"),
    ("Digits", "1234"),
    ("From", "+14158675310"),
    ("To", "+18005551212"),
]
SIGNATURE = "L/OH5YylLD5NRKLltdqwSvS0BnU="
TWILIO = {f"RECAPITO_TWILIO_{name}": "x" for name in ("ACCOUNT_SID", "AUTH_TOKEN", "FROM")}


def test_signature_is_the_documented_one_whatever_the_order() -> None:
    assert is_signed("12345", URL, FIELDS, SIGNATURE)
    assert is_signed("12345", URL, reversed(FIELDS), SIGNATURE)


@pytest.mark.parametrize(
    ("signed", "configured"),
    [
        ("https://example.com:443/t?message=1.2", "https://example.com/t?message=1.2"),
        ("https://example.com/t?message=1.2", "https://example.com:8443/t?message=1.2"),
        ("https://example.com:8443/t?message=1.2", "https://example.com:8443/t?message=1.2"),
        ("http://example.com:80/t", "http://example.com/t"),
        ("https://[2001:db8::1]/t", "https://[2001:db8::1]:443/t"),
    ],
)
def test_port_may_stand_in_the_signed_address_or_not(signed: str, configured: str) -> None:
    text = signed + "".join(name + value for name, value in sorted(FIELDS))
    signature = base64.b64encode(hmac.digest(b"12345", text.encode(), "sha1")).decode()
    assert is_signed("12345", configured, FIELDS, signature)
    assert not is_signed("12345", configured.replace("/t", "/u"), FIELDS, signature)


@pytest.mark.parametrize("signature", ["", "é", SIGNATURE.lower(), SIGNATURE + "=", SIGNATURE[:-1]])
def test_other_signatures_are_refused(signature: str) -> None:
    assert not is_signed("12345", URL, FIELDS, signature)


def test_senders_are_known_ones_and_twilio_has_its_account() -> None:
    assert load(OtpSettings, "otp", {**GOOD, **TWILIO, "RECAPITO_SMS_SENDERS": "twilio,mail"}).sms_senders == "twilio,mail"
    for senders in ("twilio", "pigeon", "", "mail,mail", "mail, twilio"):
        with pytest.raises(BadSettings, match="RECAPITO_SMS_SENDERS"):
            load(OtpSettings, "otp", {**GOOD, "RECAPITO_SMS_SENDERS": senders})


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"TWILIO_CALLBACK_BIND": "127.0.0.1:1"}, "RECAPITO_TWILIO_CALLBACK_BIND"),
        ({"TWILIO_API_URL": "http://127.0.0.1"}, "RECAPITO_TWILIO_API_URL"),
        ({"OTP_PREFIX_SENDS_AN_HOUR": "0"}, "RECAPITO_OTP_PREFIX_SENDS_AN_HOUR"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(more: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        load(OtpSettings, "otp", {**GOOD, **{f"RECAPITO_{name}": value for name, value in more.items()}})


def test_prefix_is_the_country_and_three_digits_and_visitors_count_apart() -> None:
    assert prefix_of("+393201234519") == "+39320"
    assert [asked_by(purpose) for purpose in ("registration", "recovery", "sign_in")] == ["visitor", "visitor", "customer"]
