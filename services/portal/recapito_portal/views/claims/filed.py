"""The claims: the list, one that was filed with its timeline, its questions, its receipt, and taking it back."""

from flask import flash, request
from flask_babel import get_locale
from recapito.claims.v1 import claims_pb2
from werkzeug.wrappers import Response

from recapito_portal import browser, claim_texts, faults, texts, typed
from recapito_portal.claim_forms import AttachmentForm, ClaimAnswerForm
from recapito_portal.forms import ActionForm
from recapito_portal.services import services
from recapito_portal.views.claims import shared
from recapito_portal.views.claims.shared import pages
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.ids import new_id
from recapito_servicekit.web import call, see

OVER = (claims_pb2.CLAIM_STATE_CLOSED, claims_pb2.CLAIM_STATE_WITHDRAWN)


@pages.get("")
@browser.signed_in
def list_claims() -> browser.Page:
    """The customer's claims and drafts, the newest first."""
    message = claims_pb2.ListClaimsRequest(page_token=request.args.get("page", ""))
    found = call(services().claims.ListClaims, message, browser.token())
    return shared.page("list", claims=found.claims, next_page=found.next_page_token)


@pages.get("/<claim_id>")
@browser.signed_in
def claim(claim_id: str) -> browser.Page:
    """One claim; a draft goes on where it can be checked and sent."""
    found = shared.get(claim_id)
    if found.state == claims_pb2.CLAIM_STATE_DRAFT:
        return see("claims.check", claim_id=claim_id)
    suspended = any(expense.state == claims_pb2.EXPENSE_STATE_SUSPENDED for expense in found.expenses)
    paid = any(expense.state == claims_pb2.EXPENSE_STATE_PAID for expense in found.expenses)
    is_over = found.state in OVER
    return shared.page(
        "claim",
        claim=found,
        question=_open_question(found),
        takes_documents=suspended and not is_over,
        may_be_withdrawn=not is_over and not paid,
        told=claim_texts.steps(found),
        next_steps=claim_texts.NEXT_STEPS,
    )


@pages.route("/<claim_id>/domanda", methods=["GET", "POST"])
@browser.signed_in
def answer(claim_id: str) -> browser.Page:
    """The question that is open, and its answer."""
    found = shared.get(claim_id)
    question = _open_question(found)
    if question is None:
        return see("claims.claim", claim_id=claim_id)
    kept = typed.given_back()
    form = ClaimAnswerForm(data={"request_id": new_id(), **kept})
    shared.tell_given_back(kept)
    if form.validate_on_submit():
        files = shared.chosen(form)
        if not files and not (form.text.data or "").strip():
            faults.add(form, "text", texts.of("ANSWER_REQUIRED"))
        if not form.errors and shared.attach(form, claim_id, claims_pb2.ATTACHMENT_KIND_OTHER, files):
            message = claims_pb2.AnswerQuestionRequest(
                request_id=form.request_id.data, claim_id=claim_id, question_id=question.question_id, text=form.text.data
            )
            try:
                call(services().claims.AnswerQuestion, message, browser.token())
            except Refusal as refusal:
                if refusal.reason == "NO_QUESTION":
                    flash(texts.of("NO_QUESTION"), "error")
                    return see("claims.claim", claim_id=claim_id)
                shared.tell(form, refusal)
            else:
                return see("claims.claim", claim_id=claim_id)
    return shared.page("answer", claim=found, question=question, form=form), 422 if form.errors else 200


@pages.route("/<claim_id>/altri-documenti", methods=["GET", "POST"])
@browser.signed_in
def more_documents(claim_id: str) -> browser.Page:
    """Documents for an expense that is suspended."""
    found = shared.get(claim_id)
    form = AttachmentForm()
    if form.validate_on_submit():
        files = shared.chosen(form)
        try:
            if files and shared.attach(form, claim_id, int(form.kind.data), files):
                return see("claims.claim", claim_id=claim_id)
        except Refusal as refusal:
            if refusal.kind is not Kind.FAILED_PRECONDITION:
                raise
            flash(texts.of(refusal.reason), "error")
            return see("claims.claim", claim_id=claim_id)
        if not form.document.errors:
            form.document.errors = [texts.of("MISSING_FILE")]
    return shared.page("more_documents", claim=found, form=form), 422 if form.errors else 200


@pages.route("/<claim_id>/ritira", methods=["GET", "POST"])
@browser.signed_in
def withdraw(claim_id: str) -> browser.Page:
    """Takes the claim back, once that is confirmed."""
    form = ActionForm()
    if form.validate_on_submit():
        try:
            call(services().claims.WithdrawClaim, claims_pb2.WithdrawClaimRequest(claim_id=claim_id), browser.token())
        except Refusal as refusal:
            if refusal.kind is not Kind.FAILED_PRECONDITION:
                raise
            flash(texts.of(refusal.reason), "error")
        return see("claims.claim", claim_id=claim_id)
    found = shared.get(claim_id)
    if not found.claim_number:
        return see("claims.discard", claim_id=claim_id)
    return shared.page("withdraw", claim=found, form=form)


@pages.get("/<claim_id>/ricevuta")
@browser.signed_in
def receipt(claim_id: str) -> browser.Page:
    """The receipt with the claim's number."""
    found = shared.get(claim_id)
    return see("claims.check", claim_id=claim_id) if not found.claim_number else shared.page("receipt", claim=found)


@pages.get("/<claim_id>/ricevuta.pdf")
@browser.signed_in
def receipt_pdf(claim_id: str) -> browser.Page:
    """The same as a file."""
    message = claims_pb2.GetReceiptRequest(claim_id=claim_id, language=str(get_locale()))
    try:
        found = call(services().claims.GetReceipt, message, browser.token())
    except Refusal as refusal:
        if refusal.reason == "NOT_FILED":
            return see("claims.check", claim_id=claim_id)
        raise
    answer: Response = Response(found.pdf, mimetype="application/pdf")
    answer.headers.set("Content-Disposition", "attachment", filename=found.name)
    return answer


def _open_question(found: claims_pb2.Claim) -> claims_pb2.Question | None:
    waiting = (one for one in found.questions if not one.HasField("answered_at") and not one.expired)
    return next(waiting, None)
