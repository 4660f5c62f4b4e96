"""Every reason has words, and every text its English."""

from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages import extract, mofile, pofile
from flask import Flask
from recapito.claims.v1 import claims_pb2
from recapito.contact_change.v1 import contact_change_pb2
from recapito.otp.v1 import otp_pb2

import recapito_portal
import recapito_servicekit
from recapito_auth.domain.passwords import Weakness
from recapito_documents.errors import Reason as DocumentReason
from recapito_portal import claim_texts, texts
from recapito_servicekit.contacts import Fault
from tests.unit.portal.conftest import Browser

# What the services' flows and rules refuse customers with, beside the enumerations that they have.
REFUSALS = (
    "SIGN_IN_FAILED",
    "CONTACT_NOT_VERIFIED",
    "MOBILE_ON_FILE",
    "NO_EMAIL_ON_FILE",
    "CHANGE_OPEN",
    "CHALLENGE_CLOSED",
    "PROOF_USED",
    "PROOF_NOT_VALID",
    "VERSION_CHANGED",
    "NO_MOBILE_ON_FILE",
    "NO_CODE_SENT",
    "CUSTOMER_FROZEN",
    "TOO_MANY_DOCUMENTS",
    "TOO_MANY_DRAFTS",
    "TOO_MANY_MOBILES",
    "TOO_MANY_EXPENSES",
    "CLEANING_UNAVAILABLE",
    "DOCUMENTS_BUSY",
    "NOT_A_DRAFT",
    "NOT_FILED",
    "NO_QUESTION",
    "CLAIM_OVER",
    "EXPENSE_PAID",
)
FIELD_REASONS = (
    *("EMPTY", "MISSING", "REQUIRED", "LENGTH", "WRONG_LENGTH", "WRONG_FORMAT", "TOO_LONG", "CHARACTERS_NOT_ALLOWED", "UNKNOWN"),
    *("SAME_AS_ON_FILE", "SHAPE", "NOT_A_DATE", "DATE_INVALID", "IN_FUTURE", "DATE_IN_FUTURE", "BEFORE_ISSUE", "EXPIRED"),
    *("MISSING_SIDE", "TOO_MANY", "TIME_BARRED", "POLICY_UNKNOWN", "IBAN_INVALID", "AMOUNT_INVALID", "INVOICE_REQUIRED"),
    *("WRONG", "UNCHANGED", "BEFORE_ADMISSION", "CODICE_FISCALE_INVALID", "CODICE_FISCALE_OF_INSURED", "KIND_UNKNOWN"),
    *("OUT_OF_RANGE", "PRESCRIPTION_REQUIRED", "CLINICAL_RECORD_REQUIRED", "ACCIDENT_REPORT_REQUIRED"),
    *("DECLARATIONS_REQUIRED", "EXPENSE_REQUIRED"),
)
ROOTS = [Path(module.__file__ or "").parent for module in (recapito_portal, recapito_servicekit)]


@pytest.mark.parametrize("reason", [*REFUSALS, *FIELD_REASONS, *Weakness, *DocumentReason, *Fault])
def test_every_reason_has_a_text(reason: str) -> None:
    assert reason in texts.REASONS


def test_every_enum_value_has_a_text() -> None:
    outcomes = set(otp_pb2.Outcome.values()) - {otp_pb2.OUTCOME_UNSPECIFIED, otp_pb2.OUTCOME_APPROVED, otp_pb2.OUTCOME_INCORRECT}
    assert set(texts.OUTCOMES) == outcomes
    for known, enum in (
        (texts.DELIVERIES, otp_pb2.Delivery),
        (texts.CHANGE_STATES, contact_change_pb2.ChangeState),
        (texts.DOCUMENT_TYPES, contact_change_pb2.DocumentType),
        (claim_texts.CLAIM_KINDS, claims_pb2.ClaimKind),
        (claim_texts.CLAIM_STATES, claims_pb2.ClaimState),
        (claim_texts.ATTACHMENT_KINDS, claims_pb2.AttachmentKind),
        (claim_texts.EXPENSE_STATES, claims_pb2.ExpenseState),
        (claim_texts.KINSHIPS, claims_pb2.Kinship),
        (claim_texts.ANSWERS, claims_pb2.Answer),
        (claim_texts.CATEGORIES, claims_pb2.ExpenseCategory),
        (claim_texts.EVENTS, claims_pb2.ClaimEvent),
    ):
        assert set(known) == set(enum.values()) - {0}


def test_reason_that_nobody_knows_still_has_words(app: Flask) -> None:
    with app.test_request_context("/", base_url="http://localhost"):
        assert texts.of("SOMETHING_NEW") == "Controlla questo dato."


@pytest.mark.parametrize(
    ("time", "text"), [(0.2, "1 secondo"), (42, "42 secondi"), (119.5, "2 minuti"), (121, "3 minuti"), (3600, "60 minuti")]
)
def test_time_to_wait_is_rounded_up(app: Flask, time: float, text: str) -> None:
    with app.test_request_context("/", base_url="http://localhost"):
        assert texts.duration(timedelta(seconds=time)) == text


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)
def test_every_text_has_its_english(root: Path) -> None:
    folder = root / "translations/en/LC_MESSAGES"
    catalogue = pofile.read_po((folder / "messages.po").open("rb"), locale="en")
    keywords = {**extract.DEFAULT_KEYWORDS, "_l": None}
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    wanted = {found[2] for found in extract.extract_from_dir(root, methods, keywords=keywords)}
    for message in wanted:
        found = catalogue.get(message if isinstance(message, str) else message[0])
        assert found is not None, message
        assert found.id == message, message
        assert all(found.string if isinstance(found.string, tuple) else (found.string,)), message
        assert not found.fuzzy, message
    assert {found.id for found in catalogue if found.id} == wanted
    compiled = mofile.read_mo((folder / "messages.mo").open("rb"))
    for found in catalogue:
        if found.id:
            again = compiled.get(found.id[0] if isinstance(found.id, (list, tuple)) else found.id)
            assert again is not None
            assert list(again.string or ()) == list(found.string or ())


def test_english_is_chosen_and_kept(browser: Browser) -> None:
    form = browser.form("/accedi", back="/accedi")
    browser.client.post("/lingua/en", data=form)
    page = browser.get("/accedi")
    assert '<html lang="en">' in page.text
    assert "Sign in" in page.text
    assert "Skip to content" in page.text
    assert "Conferma" not in browser.give_password().text
    assert '<html lang="en">' in browser.sign_in().text
