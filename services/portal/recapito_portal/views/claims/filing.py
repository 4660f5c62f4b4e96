"""A draft's end: the check of everything, the code that confirms it, the filing."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flask import flash, request
from recapito.auth.v1 import authentication_pb2, session_pb2
from recapito.claims.v1 import claims_pb2

from recapito_portal import browser, claim_parts, codes, faults, texts
from recapito_portal.claim_forms import DeclarationForm
from recapito_portal.forms import CodeForm
from recapito_portal.services import services
from recapito_portal.views import step_up
from recapito_portal.views.claims import shared
from recapito_portal.views.claims.shared import pages
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.ids import new_id
from recapito_servicekit.web import call, client, see

JOURNEY: Final = "claim"
HELD: Final = ("CLAIMS_HELD", "CUSTOMER_FROZEN")
DECLARATIONS: Final = {
    "truthful": claims_pb2.DECLARATION_TRUTHFUL,
    "health_data": claims_pb2.DECLARATION_HEALTH_DATA,
}
ITALY: Final = ZoneInfo("Europe/Rome")
NOTICE: Final = timedelta(days=3)


@pages.route("/<claim_id>/riepilogo", methods=["GET", "POST"])
@browser.signed_in
def check(claim_id: str) -> browser.Page:
    """Everything at a glance, and what is declared; sends the code that confirms exactly this."""
    found = shared.draft(claim_id)
    declared = set(found.details.declarations)
    form = DeclarationForm(data={"version": found.version, **{name: one in declared for name, one in DECLARATIONS.items()}})
    if form.validate_on_submit():
        try:
            confirmed = _declare(found, form)
            prepared = shared.prepare(confirmed)
            message = authentication_pb2.StartStepUpRequest(
                purpose="claim", transaction_hash=prepared.transaction_hash, summary=prepared.summary, client=client()
            )
            challenge = call(services().authentication.StartStepUp, message, browser.token()).challenge
        except Refusal as refusal:
            if refusal.reason in HELD:
                return _held(claim_id)
            if not refusal.violations:
                shared.tell(form, refusal, found)
        else:
            browser.drop(JOURNEY)
            codes.sent_challenge(
                JOURNEY,
                challenge,
                challenge_id=challenge.challenge_id,
                claim_id=claim_id,
                version=confirmed.version,
                request_id=new_id(),
                summary=prepared.summary,
            )
            return see("claims.code", claim_id=claim_id)
        found = shared.draft(claim_id)
        form.version.data = found.version
    wrong = shared.missing(found)
    if form.is_submitted():
        for violation in wrong:
            if violation.reason == "DECLARATIONS_REQUIRED":
                left = [name for name in DECLARATIONS if not form[name].data]
                faults.add(form, left[0] if left else "", texts.of(violation.reason))
    places = [_place(one.field, one.reason) for one in wrong if one.reason != "DECLARATIONS_REQUIRED"]
    late = is_late(found)
    html = shared.step_page("check", "riepilogo", found, form=form, missing=list(dict.fromkeys(places)), late=late)
    return html, 422 if form.is_submitted() else 200


def _declare(found: claims_pb2.Claim, form: DeclarationForm) -> claims_pb2.Claim:
    """The draft with what is declared. The version is the one that the page showed, so what was seen is what is confirmed."""
    said = claims_pb2.ClaimDetails()
    said.CopyFrom(found.details)
    said.ClearField("declarations")
    said.declarations.extend(one for name, one in DECLARATIONS.items() if form[name].data)
    message = claims_pb2.UpdateDraftRequest(claim_id=found.claim_id, expected_version=shared.version(form), details=said)
    made: claims_pb2.Claim = call(services().claims.UpdateDraft, message, browser.token()).claim
    return made


def is_late(found: claims_pb2.Claim) -> bool:
    """Whether a notice now comes more than three days after the event."""
    try:
        event = date.fromisoformat(found.details.event_date)
    except ValueError:
        return False
    return datetime.now(ITALY).date() - event > NOTICE


@pages.route("/<claim_id>/codice", methods=["GET", "POST"])
@browser.signed_in
def code(claim_id: str) -> browser.Page:
    """Step 5, the code; the right one files the claim. If only the filing failed, the same code counts when it is tried again."""
    found = browser.journey(JOURNEY)
    if found.get("claim_id") != claim_id:
        return see("claims.check", claim_id=claim_id)
    if found.get("proof") and request.method == "POST":
        return _submit(claim_id)
    form = CodeForm()
    if form.validate_on_submit():
        message = authentication_pb2.CompleteStepUpRequest(challenge_id=found["challenge_id"], code=form.code.data)
        try:
            checked = call(services().authentication.CompleteStepUp, message, browser.token())
        except Refusal as refusal:
            return see("claims.code", claim_id=claim_id) if codes.is_for_later(refusal) else _check_again(claim_id, refusal)
        if not codes.is_approved(JOURNEY, checked):
            return see("claims.code", claim_id=claim_id)
        browser.replace_token(checked.session.token)
        browser.keep(JOURNEY, proof=checked.proof)
        return _submit(claim_id)
    steps = claim_parts.journey(shared.get(claim_id).details)
    values = {"claim_id": claim_id, "summary": found["summary"], "is_confirmed": "proof" in found}
    values |= {"step_names": [heading for _, heading in steps], "now": len(steps)}
    try:
        delivery = "" if values["is_confirmed"] else step_up.followed(JOURNEY)
    except Refusal as refusal:
        return _check_again(claim_id, refusal)
    return codes.page("claims/code.html", JOURNEY, form, delivery, **values)


@pages.post("/<claim_id>/codice/nuovo")
@browser.signed_in
def resend(claim_id: str) -> browser.Page:
    """Asks for a new code."""
    found = browser.journey(JOURNEY)
    if found.get("claim_id") == claim_id:
        message = authentication_pb2.ResendStepUpCodeRequest(challenge_id=found["challenge_id"], client=client())
        try:
            codes.sent_challenge(JOURNEY, call(services().authentication.ResendStepUpCode, message, browser.token()).challenge)
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
                return _check_again(claim_id, refusal)
            codes.told_refused(refusal)
    return see("claims.code", claim_id=claim_id)


def _submit(claim_id: str) -> browser.Page:
    found = browser.journey(JOURNEY)
    message = claims_pb2.SubmitClaimRequest(
        request_id=found["request_id"], claim_id=claim_id, expected_version=found["version"], proof=found["proof"]
    )
    try:
        call(services().claims.SubmitClaim, message, browser.token())
    except Refusal as refusal:
        if refusal.reason in HELD:
            return _held(claim_id)
        if refusal.kind in (Kind.INVALID_ARGUMENT, Kind.FAILED_PRECONDITION, Kind.ABORTED, Kind.NOT_FOUND):
            return _check_again(claim_id, refusal)
        raise
    browser.drop(JOURNEY)
    return see("claims.receipt", claim_id=claim_id)


def _held(claim_id: str) -> browser.Page:
    """Why no claim is taken now, and from when on; the draft stays."""
    browser.drop(JOURNEY)
    found = call(services().sessions.Introspect, session_pb2.IntrospectRequest(token=browser.token()))
    held = found.claims_held_until if found.HasField("claims_held_until") else None
    frozen = texts.of("CUSTOMER_FROZEN") if found.frozen else ""
    return shared.page("held", claim_id=claim_id, held=held, frozen=frozen)


def _check_again(claim_id: str, refusal: Refusal) -> browser.Page:
    """Back to the check where the code or its proof no longer stands; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION, Kind.INVALID_ARGUMENT, Kind.ABORTED):
        raise refusal
    browser.drop(JOURNEY)
    flash(texts.of(refusal.reason if refusal.reason in texts.REASONS else "PROOF_NOT_VALID"), "error")
    return see("claims.check", claim_id=claim_id)


def _place(path: str, reason: str) -> tuple[str, str]:
    """The step that mends a fault of the whole claim, and the fault in words."""
    step = claim_parts.step_of(path)
    text = texts.of("EXPENSE_REQUIRED" if reason == "REQUIRED" and step == "spese" else reason)
    if reason == "REQUIRED" and step in claim_parts.BY_NAME:
        text = texts.incomplete(claim_parts.BY_NAME[step].heading)
    return step, text
