"""What all pages of claims share."""

import re
from typing import Any, Final

from flask import Blueprint, flash, render_template
from flask_wtf import FlaskForm
from recapito.auth.v1 import session_pb2
from recapito.claims.v1 import claims_pb2
from werkzeug.datastructures import FileStorage

from recapito_portal import browser, claim_parts, claim_texts, faults, texts, uploads
from recapito_portal.services import services
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.web import call

pages = Blueprint("claims", __name__, url_prefix="/denunce")
# 1234 or 1.234 or 1 234, and cents behind a comma; or 1234.50, as other countries write it
_AMOUNT: Final = re.compile(r"(?P<whole>[0-9]{1,3}(?:[. ][0-9]{3})+(?=,)|[0-9]+)(?:[,.](?P<rest>[0-9]{1,2}))?", re.ASCII)
TOLD: Final = (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED, Kind.ABORTED)


def page(name: str, **values: Any) -> str:
    """A page of a claim, with what the enumerations say."""
    return render_template(
        f"claims/{name}.html",
        kinds=claim_texts.CLAIM_KINDS,
        states=claim_texts.CLAIM_STATES,
        expense_states=claim_texts.EXPENSE_STATES,
        attachment_kinds=claim_texts.ATTACHMENT_KINDS,
        kinships=claim_texts.KINSHIPS,
        answers=claim_texts.ANSWERS,
        categories=claim_texts.CATEGORIES,
        events=claim_texts.EVENTS,
        pb=claims_pb2,
        **values,
    )


def step_page(name: str, step: str, claim: claims_pb2.Claim | None, **values: Any) -> str:
    """A page of a draft's journey, with its steps."""
    details = claim.details if claim else claims_pb2.ClaimDetails()
    steps = claim_parts.journey(details)
    now = [named for named, _ in steps].index(step) + 1 if step in dict(steps) else 1
    back = claim_parts.neighbour(details, step, -1)
    return page(name, claim=claim, step_names=[heading for _, heading in steps], now=now, back=back, **values)


def get(claim_id: str) -> claims_pb2.Claim:
    """One of the customer's claims. Raises NOT_FOUND."""
    message = claims_pb2.GetClaimRequest(claim_id=claim_id)
    found: claims_pb2.Claim = call(services().claims.GetClaim, message, browser.token()).claim
    return found


def customer_id() -> str:
    """Who is signed in."""
    found = call(services().sessions.Introspect, session_pb2.IntrospectRequest(token=browser.token()))
    return str(found.customer_id)


def tell_given_back(kept: dict[str, str]) -> None:
    """Says on the page that it shows what was typed before the session ended."""
    if kept:
        flash(texts.of("GIVEN_BACK"))


def policies() -> list[str]:
    """The customer's own policies."""
    found = call(services().claims.ListPolicies, claims_pb2.ListPoliciesRequest(), browser.token())
    return list(found.policy_numbers)


def draft(claim_id: str) -> claims_pb2.Claim:
    """The draft. Raises NOT_FOUND for a claim that was filed: its steps are no pages any more."""
    found = get(claim_id)
    if found.state != claims_pb2.CLAIM_STATE_DRAFT:
        raise not_found("draft")
    return found


def prepare(found: claims_pb2.Claim) -> claims_pb2.PrepareSubmissionResponse:
    """What a code must confirm. Raises Refusal with all that is missing."""
    message = claims_pb2.PrepareSubmissionRequest(claim_id=found.claim_id, expected_version=found.version)
    prepared: claims_pb2.PrepareSubmissionResponse = call(services().claims.PrepareSubmission, message, browser.token())
    return prepared


def missing(found: claims_pb2.Claim) -> list[Any]:
    """The violations that keep the draft from being filed."""
    try:
        prepare(found)
    except Refusal as refusal:
        if refusal.kind is not Kind.INVALID_ARGUMENT:
            raise
        return list(refusal.violations)
    return []


def tell(form: FlaskForm, refusal: Refusal, found: claims_pb2.Claim | None = None) -> None:
    """Tells on the form what it can; the version of ``found`` is the one that is seen from now on."""
    if refusal.kind not in TOLD:
        raise refusal
    faults.tell(form, refusal)
    if named := claim_texts.changed(refusal.metadata.get("changed", "")):
        form.form_errors.append(texts.changed_meanwhile(named))
    if found is not None:
        form.version.data = found.version


def version(form: FlaskForm) -> int:
    """The version that the page showed; 0: none that can be."""
    typed = str(form.version.data or "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 18 else 0


def attach(form: FlaskForm, claim_id: str, kind: int, files: list[FileStorage]) -> bool:
    """Sends the files one after another; False: one couldn't be taken, and the form says which and why. The others were."""
    for file in files:
        try:
            pieces = uploads.attachment(file, claim_id, claims_pb2.AttachmentKind.ValueType(kind))
            call(services().claims.AttachDocument, pieces, browser.token())
        except Refusal as refusal:
            if refusal.kind not in uploads.TOLD:
                raise
            told = [texts.of(violation.reason) for violation in refusal.violations] or [texts.of_refusal(refusal)]
            for text in told:
                faults.add(form, "document", f"{uploads.name_of(file)}: {text}")
    return not form.errors


def chosen(form: FlaskForm) -> list[FileStorage]:
    """The files that were chosen, at most as many as one form may hold; the form says where there were more."""
    files = [file for file in form.document.data or [] if uploads.is_there(file)]
    if len(files) > uploads.FILES:
        faults.add(form, "document", texts.of("TOO_MANY_AT_ONCE"))
        return []
    return files


def decimal(typed: str) -> str:
    """An amount as people write it here ("1.234,5", "12 €") as a decimal; what isn't surely one goes on as it was typed.

    A point parts thousands only where it parts all of them, so that no slip of a finger makes another amount of one.
    """
    bare = typed.replace("\u00a0", " ").strip().removeprefix("€").removesuffix("€").strip()
    found = _AMOUNT.fullmatch(bare)
    if found is None:
        return typed.strip()
    whole = re.sub(r"[. ]", "", found["whole"])
    return f"{whole}.{found['rest']}" if found["rest"] else whole
