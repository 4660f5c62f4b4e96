"""What the service refuses to start with."""

import base64

import pytest

from recapito_otp.settings import OtpSettings
from recapito_servicekit.settings import BadSettings, load

GOOD = {
    "RECAPITO_TLS_CA_FILE": "ca.pem",
    "RECAPITO_TLS_CERT_FILE": "otp.pem",
    "RECAPITO_TLS_KEY_FILE": "otp-key.pem",
    "RECAPITO_GRPC_BIND": "127.0.0.1:1",
    "RECAPITO_CALLERS_FILE": "callers.toml",
    "RECAPITO_REDIS_URL": "redis://127.0.0.1:1",
    "RECAPITO_OTP_PEPPER": "p" * 32,
    "RECAPITO_OTP_SEAL_KEY": base64.b64encode(bytes(range(32))).decode(),
}


def test_settings_have_the_policy_s_numbers() -> None:
    rules = load(OtpSettings, "otp", GOOD).rules()
    assert (rules.code_length, rules.lifetime.total_seconds(), rules.attempts) == (6, 300, 5)
    assert (rules.resend_after.total_seconds(), rules.proof_lifetime.total_seconds()) == (60, 1800)
    assert [(limit.most, limit.window.total_seconds()) for limit in rules.per_destination] == [(3, 600), (10, 86400)]
    assert (rules.per_client.most, rules.per_client.window.total_seconds()) == (20, 600)
    assert not rules.exempt_loopback


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTP_LENGTH", "5"),
        ("OTP_LENGTH", "11"),
        ("OTP_LIFETIME_SECONDS", "601"),
        ("OTP_ATTEMPTS", "6"),
        ("OTP_PROOF_SECONDS", "1801"),
        ("OTP_SEAL_KEY", "c2hvcnQ="),
        ("OTP_PEPPER", "short"),
        ("OTP_SEAL_KEY", base64.b64encode(b"0" * 32).decode()),
    ],
)
def test_settings_out_of_bounds_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=f"RECAPITO_{name}") as raised:
        load(OtpSettings, "otp", {**GOOD, f"RECAPITO_{name}": value})
    assert value not in str(raised.value) or len(value) < 5


def test_settings_of_development_take_a_short_pepper() -> None:
    assert load(OtpSettings, "otp", {**GOOD, "RECAPITO_ENVIRONMENT": "development", "RECAPITO_OTP_PEPPER": "short"})
