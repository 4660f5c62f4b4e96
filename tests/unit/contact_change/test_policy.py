"""The policy's numbers are settings with bounds, and the defaults are the policy's."""

from pathlib import Path

import pytest

from recapito_contact_change.domain import DEFAULTS
from recapito_contact_change.settings import ContactChangeSettings
from recapito_documents.limits import Limits
from recapito_servicekit.settings import BadSettings, load

ENVIRONMENT = {
    "RECAPITO_ENVIRONMENT": "development",
    "RECAPITO_DATABASE_URL": "sqlite:///x",
    "RECAPITO_BROKER_URL": "redis://localhost",
    "RECAPITO_BLOB_DIR": "blobs",
    "RECAPITO_DOCUMENT_KEYS": "test:" + "A" * 43 + "=",
    "RECAPITO_AUTH_ADDRESS": "localhost:1",
    "RECAPITO_OTP_ADDRESS": "localhost:2",
    "RECAPITO_GRPC_BIND": "localhost:3",
    **{f"RECAPITO_{name}_FILE": str(Path(__file__)) for name in ("TLS_CA", "TLS_CERT", "TLS_KEY", "CALLERS")},
}
BOUNDS = {
    "REVIEW_TARGET_HOURS": (1, 72),
    "FIRST_LOOK_HOURS": (1, 24),
    "LEASE_MINUTES": (5, 60),
    "NEW_MOBILES_A_DAY": (1, 10),
    "REPUDIATION_HOURS": (24, 72),
    "INTAKE_THREADS": (1, 16),
    "MAILER_THREADS": (1, 16),
    "ANSWER_DAYS": (1, 30),
    "DOCUMENTS_A_REQUEST": (2, 8),
    "DOCUMENTS_A_DAY": (4, 50),
    "DOCUMENT_MIB": (1, 16),
    "DOCUMENT_MEGAPIXELS": (5, 60),
    "DOCUMENT_PAGES": (2, 20),
    "DOCUMENT_DAYS": (1, 30),
    "SECOND_REVIEW_PERCENT": (0, 100),
    "TEAM_EMAIL_MINUTES": (5, 1440),
}


def settings(**other: str) -> ContactChangeSettings:
    return load(ContactChangeSettings, "contact-change", {**ENVIRONMENT, **{f"RECAPITO_{k}": v for k, v in other.items()}})


def test_the_defaults_are_the_policys() -> None:
    assert (settings().policy, settings().limits, settings().second_review_percent) == (DEFAULTS, Limits(), 5.0)


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_outside_its_bound_is_refused_at_start(name: str) -> None:
    low, high = BOUNDS[name]
    for value in (low, high):
        assert settings(**{name: str(value)})
    for value in (low - 1, high + 1):
        with pytest.raises(BadSettings, match=name):
            settings(**{name: str(value)})


def test_what_is_set_is_what_holds() -> None:
    made = settings(LEASE_MINUTES="20", DOCUMENT_MIB="2", REVIEW_TARGET_HOURS="8")
    assert (made.policy.lease.total_seconds(), made.policy.review_target.total_seconds()) == (1200, 28_800)
    assert made.limits.max_bytes == 2 * 1024 * 1024
