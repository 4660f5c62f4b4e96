"""Passwords, TOTP, sealed secrets, settings."""

import base64
from datetime import UTC, datetime

import pyotp
import pytest
from cryptography.exceptions import InvalidTag

from recapito_auth.domain import passwords, totp
from recapito_auth.domain.passwords import Weakness
from recapito_auth.settings import AuthSettings, EnrolmentSettings
from recapito_auth.store import hashes, sealing
from recapito_servicekit.settings import BadSettings, load

PERSONAL = ("Nicolò Maria", "D’Angelo", "nico.dangelo@example.com", "+393201234519")
SERVICE = ("recapito", "Assicurazioni Esempio")
KEY = bytes(range(32))
SETTINGS = {
    "RECAPITO_TLS_CA_FILE": "ca.pem",
    "RECAPITO_TLS_CERT_FILE": "auth.pem",
    "RECAPITO_TLS_KEY_FILE": "auth-key.pem",
    "RECAPITO_GRPC_BIND": "127.0.0.1:1",
    "RECAPITO_CALLERS_FILE": "callers.toml",
    "RECAPITO_REDIS_URL": "redis://127.0.0.1:1",
    "RECAPITO_DATABASE_URL": "sqlite:///x.db",
    "RECAPITO_OTP_ADDRESS": "localhost:1",
    "RECAPITO_TOTP_KEY": base64.b64encode(KEY).decode(),
}
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("password", "weakness"),
    [
        ("1234567", Weakness.TOO_SHORT),
        ("è" * 7, Weakness.TOO_SHORT),
        ("e\u0300" * 7, Weakness.TOO_SHORT),
        ("12345678", Weakness.TOO_COMMON),
        ("PassWord1", Weakness.TOO_COMMON),
        ("èèèèèèèè", Weakness.TOO_COMMON),
        ("Nicolo2026!", Weakness.CONTAINS_PERSONAL),
        ("d'ANGELO-2026", Weakness.CONTAINS_PERSONAL),
        ("x3201234519", Weakness.CONTAINS_PERSONAL),
        ("nico.dangelo!", Weakness.CONTAINS_PERSONAL),
        ("Recapito2026", Weakness.CONTAINS_SERVICE),
        ("assicurazioni7", Weakness.CONTAINS_SERVICE),
        ("x" * 257, Weakness.TOO_LONG),
        ("xy" * 128, None),
        ("tre cavalli blu", None),
        ("🐎🐎🐎🐎🐎🐎🐎🐂", None),
    ],
)
def test_weakness_of_a_password(password: str, weakness: Weakness | None) -> None:
    assert passwords.weakness(password, PERSONAL, SERVICE, 8) is weakness


def test_short_name_is_no_part_that_matters() -> None:
    assert passwords.weakness("bowling verde", ("Bo", "Wu", "", ""), SERVICE, 8) is None


def test_password_fits_in_either_normal_form_and_nobodys_never() -> None:
    hasher = hashes.Hasher(19_456, 2)
    kept = hasher.hash("perche\u0301 no?")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.fits(kept, "perché no?")
    assert not hasher.fits(kept, "perche no?")
    assert not hasher.fits(None, "perché no?")
    assert not hasher.outgrown(kept)
    assert hashes.Hasher(20_000, 2).outgrown(kept)


@pytest.mark.parametrize(("offset", "found"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_totp_is_taken_one_step_early_or_late(offset: int, found: bool) -> None:
    secret = totp.new_secret()
    step = totp.matching_step(secret, pyotp.TOTP(secret).at(NOW, counter_offset=offset), NOW)
    assert step == (int(NOW.timestamp()) // 30 + offset if found else None)


@pytest.mark.parametrize("code", ["", "12345", "１２３４５６", "abcdef"])
def test_totp_of_another_form_is_wrong(code: str) -> None:
    assert totp.matching_step(totp.new_secret(), code, NOW) is None


def test_sealed_secret_opens_for_its_operator_alone() -> None:
    sealed = sealing.seal(KEY, "one", "SECRET")
    assert b"SECRET" not in sealed
    assert sealing.open_sealed([KEY], "one", sealed) == "SECRET"
    with pytest.raises(InvalidTag):
        sealing.open_sealed([KEY], "two", sealed)


def test_settings_have_the_policy_s_numbers() -> None:
    found = load(AuthSettings, "auth", SETTINGS)
    assert (found.sign_ins_per_username, found.sign_ins_per_address) == (10, 30)
    assert (found.wrong_codes_lock, found.codes_lock_minutes, found.wrong_codes_disable) == (20, 60, 100)
    assert (found.password_least, found.argon2_memory_kib, found.argon2_passes) == (8, 19_456, 2)
    assert (found.session_idle_minutes, found.session_hours) == (30, 12)
    assert (found.operator_idle_minutes, found.operator_session_hours) == (15, 12)
    assert (found.trusted_device_days, found.contact_change_minutes, found.claims_hold_hours) == (30, 30, 24)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PASSWORD_LEAST", "7"),
        ("ARGON2_MEMORY_KIB", "19455"),
        ("ARGON2_PASSES", "1"),
        ("WRONG_CODES_DISABLE", "101"),
        ("TRUSTED_DEVICE_DAYS", "31"),
        ("SESSION_IDLE_MINUTES", "61"),
        ("SESSION_HOURS", "25"),
        ("OPERATOR_IDLE_MINUTES", "16"),
        ("OPERATOR_SESSION_HOURS", "13"),
        ("CONTACT_CHANGE_MINUTES", "31"),
        ("CLAIMS_HOLD_HOURS", "23"),
    ],
)
def test_settings_beyond_the_policy_s_bounds_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=f"RECAPITO_{name}"):
        load(AuthSettings, "auth", {**SETTINGS, f"RECAPITO_{name}": value})


def test_settings_out_of_bounds_are_named_together() -> None:
    with pytest.raises(BadSettings) as raised:
        load(
            AuthSettings, "auth", {"RECAPITO_ARGON2_MEMORY_KIB": "8", "RECAPITO_TOTP_KEY": "abc", "RECAPITO_SESSION_HOURS": "25"}
        )
    message = str(raised.value)
    names = ("ARGON2_MEMORY_KIB", "TOTP_KEY", "SESSION_HOURS", "REDIS_URL", "OTP_ADDRESS", "DATABASE_URL")
    assert all(f"RECAPITO_{name}" in message for name in names)


def test_totp_key_may_come_from_a_file(tmp_path: pytest.TempPathFactory) -> None:
    file = f"{tmp_path}/key"
    with open(file, "wb") as out:
        out.write(base64.b64encode(KEY) + b"\n")
    read = load(EnrolmentSettings, "auth", {"RECAPITO_DATABASE_URL": "sqlite://", "RECAPITO_TOTP_KEY_FILE": file})
    assert read.totp_keys == (KEY,)
