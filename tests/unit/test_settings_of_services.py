"""What every service's settings hold: the policy's bounds, no development secret in production, a page that tells of each."""

import base64
import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from recapito_auth.settings import AuthSettings
from recapito_claims.settings import ClaimsSettings
from recapito_console.settings import ConsoleSettings
from recapito_contact_change.settings import ContactChangeSettings
from recapito_embedded import environment
from recapito_embedded.layout import Layout
from recapito_otp.settings import OtpSettings
from recapito_portal.settings import PortalSettings
from recapito_servicekit.settings import BadSettings, load

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, type[Any]] = {
    "auth": AuthSettings,
    "otp": OtpSettings,
    "contact-change": ContactChangeSettings,
    "claims": ClaimsSettings,
    "portal": PortalSettings,
    "console": ConsoleSettings,
}
# policy.md: what is refused just outside of its bound
OUTSIDE = [
    ("otp", "OTP_LENGTH", "5"),
    ("otp", "OTP_LENGTH", "11"),
    ("otp", "OTP_LIFETIME_SECONDS", "601"),
    ("otp", "OTP_ATTEMPTS", "6"),
    ("auth", "WRONG_CODES_LOCK", "101"),
    ("auth", "WRONG_CODES_DISABLE", "101"),
    ("auth", "PASSWORD_LEAST", "7"),
    ("auth", "PASSWORD_LEAST", "65"),
    ("auth", "ARGON2_MEMORY_KIB", "19455"),
    ("auth", "ARGON2_PASSES", "1"),
    ("auth", "SESSION_IDLE_MINUTES", "61"),
    ("auth", "SESSION_HOURS", "25"),
    ("auth", "OPERATOR_IDLE_MINUTES", "16"),
    ("auth", "OPERATOR_SESSION_HOURS", "13"),
    ("auth", "CONTACT_CHANGE_MINUTES", "31"),
    ("auth", "CLAIMS_HOLD_HOURS", "23"),
    ("auth", "TRUSTED_DEVICE_DAYS", "31"),
    ("auth", "STEP_UP_MINUTES", "11"),
    ("claims", "STEP_UP_MINUTES", "0"),
    ("auth", "CALL_SECONDS", "11"),
    ("claims", "STREAM_SECONDS", "601"),
    ("contact-change", "DELIVERY_TRIES", "0"),
]


@pytest.fixture
def embedded(tmp_path: Path) -> Mapping[str, Mapping[str, str]]:
    """What ``make up`` tells each service."""
    layout = Layout.read({"RECAPITO_EMBEDDED_VAR": str(tmp_path)})
    layout.make_folders()
    return environment.of_services(layout, environment.read_secrets(tmp_path / "secrets"))


@pytest.mark.parametrize("service", SERVICES)
def test_settings_of_the_embedded_default_are_taken(service: str, embedded: Mapping[str, Mapping[str, str]]) -> None:
    load(SERVICES[service], service, embedded[service])


@pytest.mark.parametrize("service", SERVICES)
def test_production_refuses_every_secret_of_the_embedded_default(service: str, embedded: Mapping[str, Mapping[str, str]]) -> None:
    with pytest.raises(BadSettings) as caught:
        load(SERVICES[service], service, {**embedded[service], "RECAPITO_ENVIRONMENT": "production"})
    names = [item.metadata["name"] for item in dataclasses.fields(SERVICES[service]) if item.metadata["secret"]]
    # a SQLite file needs no secret; the inbox takes no password
    given = {name for name in names if name in embedded[service]} - {"RECAPITO_DATABASE_URL"}
    refused = {fault.partition(":")[0] for fault in caught.value.faults if "a development secret" in fault}
    assert refused == given
    text = str(caught.value)
    if service in {"portal", "console"}:
        assert "RECAPITO_COOKIE_SECURE: production needs 1" in text
    if service in {"otp", "contact-change"}:
        assert "RECAPITO_SMTP_STARTTLS: production needs 1, or RECAPITO_SMTP_LOCAL_RELAY=1" in text
    if service in {"otp", "auth"}:
        assert "RECAPITO_LIMIT_EXEMPT_LOOPBACK: production needs 0" in text


@pytest.mark.parametrize(("service", "name", "value"), OUTSIDE)
def test_bound_of_the_policy_is_held(service: str, name: str, value: str, embedded: Mapping[str, Mapping[str, str]]) -> None:
    with pytest.raises(BadSettings, match=f"RECAPITO_{name}: "):
        load(SERVICES[service], service, {**embedded[service], f"RECAPITO_{name}": value})


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://area.example", True),
        ("http://localhost:8080", True),
        ("http://area.example", False),
        ("http://localhost.area.example", False),
    ],
)
def test_links_of_mails_are_https_in_production_but_for_ones_own_machine(
    url: str, is_taken: bool, embedded: Mapping[str, Mapping[str, str]]
) -> None:
    told = {**embedded["contact-change"], "RECAPITO_ENVIRONMENT": "production", "RECAPITO_PORTAL_URL": url}
    secrets = {
        "RECAPITO_BROKER_URL": "amqp://a:b@localhost//",
        "RECAPITO_DOCUMENT_KEYS": f"k1:{base64.b64encode(bytes(range(32))).decode()}",
        "RECAPITO_SMTP_LOCAL_RELAY": "1",
    }
    if is_taken:
        assert load(ContactChangeSettings, "contact-change", told | secrets).portal_url == url
    else:
        with pytest.raises(BadSettings, match="production needs https"):
            load(ContactChangeSettings, "contact-change", told | secrets)


def test_page_of_the_settings_is_what_the_code_says() -> None:
    command = [sys.executable, str(ROOT / "deploy" / "make" / "settings_doc.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
