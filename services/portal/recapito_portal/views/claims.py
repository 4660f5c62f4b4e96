"""Denuncia Online: the claims, and a new one step by step: data, expenses, documents, check, code, receipt."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import Blueprint, flash, render_template, request
from recapito.auth.v1 import authentication_pb2, session_pb2
from recapito.claims.v1 import claims_pb2

from recapito_portal import browser, codes, faults, texts, uploads
from recapito_portal.forms import ActionForm, AttachmentForm, ClaimForm, CodeForm, ExpenseForm
from recapito_portal.services import services
from recapito_portal.views import step_up
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.ids import new_id
from recapito_servicekit.web import call, client, see

pages = Blueprint("claims", __name__, url_prefix="/denunce")
JOURNEY: Final = "claim"
DETAILS: Final = ("event_date", "policy_number", "description", "iban", "iban_holder")
TOLD: Final = (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED, Kind.ABORTED)


@pages.get("")
@browser.signed_in
def list_claims() -> browser.Page:
    """The customer's claims and drafts, the newest first."""
    message = claims_pb2.ListClaimsRequest(page_token=request.args.get("page", ""))
    found = call(services().claims.ListClaims, message, browser.token())
    return _page("list", claims=found.claims, next_page=found.next_page_token)


@pages.get("/<claim_id>")
@browser.signed_in
def claim(claim_id: str) -> browser.Page:
    """One claim; a draft goes on where it can be checked and sent."""
    found = _get(claim_id)
    if found.state == claims_pb2.CLAIM_STATE_DRAFT:
        return see("claims.check", claim_id=claim_id)
    return _page("claim", claim=found)


@pages.route("/nuova", methods=["GET", "POST"])
@browser.signed_in
def new() -> browser.Page:
    """Step 1, what happened: opens a draft."""
    form = ClaimForm(data={"request_id": new_id()})
    if form.validate_on_submit():
        message = claims_pb2.CreateDraftRequest(request_id=form.request_id.data, details=_details(form))
        try:
            made = call(services().claims.CreateDraft, message, browser.token()).claim
        except Refusal as refusal:
            _tell(form, refusal)
        else:
            return _after_details(made)
    return _page("details", form=form, claim=None), 422 if form.errors else 200


@pages.route("/<claim_id>/dati", methods=["GET", "POST"])
@browser.signed_in
def details(claim_id: str) -> browser.Page:
    """Step 1 again, for a draft that is there."""
    found = _draft(claim_id)
    kept = {name: getattr(found.details, name) for name in DETAILS}
    form = ClaimForm(data={**kept, "kind": str(found.details.kind or ""), "version": found.version})
    faults.show_stashed(form)
    if form.validate_on_submit():
        message = claims_pb2.UpdateDraftRequest(claim_id=claim_id, expected_version=_version(form), details=_details(form))
        try:
            made = call(services().claims.UpdateDraft, message, browser.token()).claim
        except Refusal as refusal:
            _tell(form, refusal, found)
        else:
            return _after_details(made)
    return _page("details", form=form, claim=found), 422 if form.errors else 200


def _after_details(made: claims_pb2.Claim) -> browser.Page:
    """On to the expenses, or back to the data where a check of the whole says that they can't be filed like this."""
    try:
        _prepare(made)
    except Refusal as refusal:
        prefix = "details."
        wrong = {v.field.removeprefix(prefix): texts.of(v.reason) for v in refusal.violations if v.field.startswith(prefix)}
        if wrong:
            faults.stash(**wrong)
            return see("claims.details", claim_id=made.claim_id)
    return see("claims.expenses", claim_id=made.claim_id)


@pages.route("/<claim_id>/spese", methods=["GET", "POST"])
@browser.signed_in
def expenses(claim_id: str) -> browser.Page:
    """Step 2, the expenses, one at a time."""
    found = _draft(claim_id)
    form = ExpenseForm(data={"request_id": new_id(), "version": found.version})
    if form.validate_on_submit():
        expense = claims_pb2.Expense(
            provider=form.provider.data,
            document_number=form.document_number.data,
            document_date=form.document_date.data,
            amount=_decimal(form.amount.data),
        )
        message = claims_pb2.AddExpenseRequest(
            request_id=form.request_id.data, claim_id=claim_id, expected_version=_version(form), expense=expense
        )
        try:
            call(services().claims.AddExpense, message, browser.token())
        except Refusal as refusal:
            _tell(form, refusal, found)
        else:
            return see("claims.expenses", claim_id=claim_id)
    is_asked = not found.expenses or "altra" in request.args or form.is_submitted()
    return _page("expenses", form=form, claim=found, is_asked=is_asked), 422 if form.errors else 200


@pages.route("/<claim_id>/documenti", methods=["GET", "POST"])
@browser.signed_in
def attachments(claim_id: str) -> browser.Page:
    """Step 3, the documents, one at a time."""
    found = _draft(claim_id)
    form = AttachmentForm()
    if form.is_submitted():
        is_complete = form.validate()
        if not uploads.is_there(form.document.data):
            faults.add(form, "document", texts.of("MISSING_FILE"))
        elif is_complete:
            kind = claims_pb2.AttachmentKind.ValueType(int(form.kind.data))
            try:
                pieces = uploads.attachment(form.document.data, claim_id, kind)
                call(services().claims.AttachDocument, pieces, browser.token())
            except Refusal as refusal:
                if refusal.kind not in uploads.TOLD:
                    raise
                faults.tell_file(form, "document", refusal)
            else:
                return see("claims.attachments", claim_id=claim_id)
    is_asked = not found.attachments or "altro" in request.args or form.is_submitted()
    return _page("attachments", form=form, claim=found, is_asked=is_asked), 422 if form.errors else 200


@pages.route("/<claim_id>/riepilogo", methods=["GET", "POST"])
@browser.signed_in
def check(claim_id: str) -> browser.Page:
    """Step 4, everything at a glance; sends the code that confirms exactly this."""
    found = _draft(claim_id)
    form = ActionForm()
    missing: list[tuple[str, str]] = []
    if form.validate_on_submit():
        try:
            prepared = _prepare(found)
            message = authentication_pb2.StartStepUpRequest(
                purpose="claim", transaction_hash=prepared.transaction_hash, summary=prepared.summary, client=client()
            )
            challenge = call(services().authentication.StartStepUp, message, browser.token()).challenge
        except Refusal as refusal:
            if refusal.reason == "CLAIMS_HELD":
                return _held(claim_id)
            if refusal.kind in TOLD:
                missing = [_place(v.field, v.reason) for v in refusal.violations]
                if not missing:
                    faults.tell(form, refusal)
            else:
                raise
        else:
            browser.drop(JOURNEY)
            codes.sent_challenge(
                JOURNEY,
                challenge,
                challenge_id=challenge.challenge_id,
                claim_id=claim_id,
                version=found.version,
                request_id=new_id(),
                summary=prepared.summary,
            )
            return see("claims.code", claim_id=claim_id)
    return _page("check", form=form, claim=found, missing=missing), 422 if missing or form.errors else 200


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
    values = {"claim_id": claim_id, "summary": found["summary"], "is_confirmed": "proof" in found}
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
        if refusal.reason == "CLAIMS_HELD":
            return _held(claim_id)
        if refusal.kind in (Kind.INVALID_ARGUMENT, Kind.FAILED_PRECONDITION, Kind.ABORTED, Kind.NOT_FOUND):
            return _check_again(claim_id, refusal)
        raise
    browser.drop(JOURNEY)
    return see("claims.receipt", claim_id=claim_id)


@pages.get("/<claim_id>/ricevuta")
@browser.signed_in
def receipt(claim_id: str) -> browser.Page:
    """Step 6, the receipt with the claim's number."""
    found = _get(claim_id)
    return see("claims.check", claim_id=claim_id) if not found.claim_number else _page("receipt", claim=found)


def _page(name: str, **values: Any) -> str:
    return render_template(
        f"claims/{name}.html",
        kinds=texts.CLAIM_KINDS,
        states=texts.CLAIM_STATES,
        attachment_kinds=texts.ATTACHMENT_KINDS,
        DRAFT=claims_pb2.CLAIM_STATE_DRAFT,
        **values,
    )


def _draft(claim_id: str) -> claims_pb2.Claim:
    """The draft. Raises NOT_FOUND for a claim that was filed: its steps are no pages any more."""
    found = _get(claim_id)
    if found.state != claims_pb2.CLAIM_STATE_DRAFT:
        raise not_found("draft")
    return found


def _get(claim_id: str) -> claims_pb2.Claim:
    found: claims_pb2.Claim = call(
        services().claims.GetClaim, claims_pb2.GetClaimRequest(claim_id=claim_id), browser.token()
    ).claim
    return found


def _prepare(found: claims_pb2.Claim) -> claims_pb2.PrepareSubmissionResponse:
    message = claims_pb2.PrepareSubmissionRequest(claim_id=found.claim_id, expected_version=found.version)
    prepared: claims_pb2.PrepareSubmissionResponse = call(services().claims.PrepareSubmission, message, browser.token())
    return prepared


def _held(claim_id: str) -> browser.Page:
    """Why no claim is taken now, and from when on; the draft stays."""
    browser.drop(JOURNEY)
    found = call(services().sessions.Introspect, session_pb2.IntrospectRequest(token=browser.token()))
    held = found.claims_held_until if found.HasField("claims_held_until") else None
    frozen = texts.of("CUSTOMER_FROZEN") if found.frozen else ""
    return _page("held", claim_id=claim_id, held=held, frozen=frozen)


def _check_again(claim_id: str, refusal: Refusal) -> browser.Page:
    """Back to the check where the code or its proof no longer stands; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION, Kind.INVALID_ARGUMENT, Kind.ABORTED):
        raise refusal
    browser.drop(JOURNEY)
    flash(texts.of(refusal.reason if refusal.reason in texts.REASONS else "PROOF_NOT_VALID"), "error")
    return see("claims.check", claim_id=claim_id)


def _details(form: ClaimForm) -> claims_pb2.ClaimDetails:
    kind = claims_pb2.ClaimKind.ValueType(int(form.kind.data))
    return claims_pb2.ClaimDetails(kind=kind, **{name: form[name].data for name in DETAILS})


def _version(form: ClaimForm | ExpenseForm) -> int:
    typed = str(form.version.data or "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 18 else 0


def _tell(form: ClaimForm | ExpenseForm, refusal: Refusal, found: claims_pb2.Claim | None = None) -> None:
    """Tells on the form what it can; the version of ``found`` is the one that is seen from now on."""
    if refusal.kind not in TOLD:
        raise refusal
    faults.tell(form, refusal)
    if found is not None:
        form.version.data = found.version


def _place(field: str, reason: str) -> tuple[str, str]:
    """The step that mends a fault of the whole claim, and the fault in words."""
    step = {"details": "claims.details", "attachments": "claims.attachments"}.get(field.partition(".")[0], "claims.expenses")
    text = texts.of(reason)
    if reason == "REQUIRED" and step == "claims.expenses":
        text = texts.of("EXPENSE_REQUIRED")
    return step, text


def _decimal(typed: str) -> str:
    """An amount as people write it here ("1.234,5", "12 €") as a decimal; what can't be read goes on as it was typed."""
    text = typed.replace("€", "").replace("\u00a0", "").replace(" ", "")
    if "," in text:
        text = text.replace(".", "").replace(",", ".")
    try:
        Decimal(text)
    except InvalidOperation:
        return typed
    return text
