"""A draft, a page at a time: its details, expenses, documents. Each page is saved when it is left, and as it is filled."""

from collections.abc import Callable
from typing import Final

from flask import abort, request, url_for
from flask_wtf import FlaskForm
from recapito.claims.v1 import claims_pb2
from werkzeug.wrappers import Response

from recapito_portal import browser, claim_parts, claim_texts, faults, texts, typed
from recapito_portal.claim_forms import AttachmentForm, ExpenseForm
from recapito_portal.claim_parts import Part
from recapito_portal.forms import ActionForm
from recapito_portal.services import services
from recapito_portal.views.claims import shared
from recapito_portal.views.claims.shared import pages
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.ids import new_id
from recapito_servicekit.web import call, see

FIRST: Final = claim_parts.PARTS[0]
AUTOSAVE: Final = "X-Autosave"
CHECK: Final = "riepilogo"


@pages.route("/nuova", methods=["GET", "POST"])
@browser.signed_in
def new() -> browser.Page:
    """Step 1, what happened: opens a draft."""
    policies = shared.policies()
    owner = shared.customer_id() if request.method == "GET" else ""
    kept = typed.given_back(owner) if owner else {}
    form = FIRST.form(data={"request_id": new_id(), "policy_number": _only(policies), **kept, "owner": typed.owner(owner)})
    shared.tell_given_back(kept)
    form.policy_number.choices = policies
    details = claims_pb2.ClaimDetails()
    claim_parts.write(FIRST, details, form.data)
    if AUTOSAVE in request.headers and form.is_submitted():
        return _saved(_save_what_can_be(lambda said: _open(form, said), details), FIRST)
    if not policies:
        return shared.page("no_policy")
    if form.validate_on_submit():
        try:
            made = _open(form, details)
            # the browser's Back, or a draft that was kept while its first page was written: it is there, and says something else
            said = claims_pb2.ClaimDetails()
            said.CopyFrom(made.details)
            claim_parts.write(FIRST, said, form.data)
            claim_parts.settle(said)
            if claim_parts.values(FIRST, said) != claim_parts.values(FIRST, made.details):
                made = _update(made, made.version, said)
        except Refusal as refusal:
            shared.tell(form, refusal)
        else:
            return _on(made, FIRST)
    return shared.step_page("part", FIRST.name, None, form=form, part=FIRST), 422 if form.errors else 200


@pages.route("/<claim_id>/<any(dati, persona, infortunio, ricovero, rimborso):name>", methods=["GET", "POST"])
@browser.signed_in
def details(claim_id: str, name: str) -> browser.Page:
    """A page of details of a draft that is there."""
    part = claim_parts.BY_NAME[name]
    found = shared.draft(claim_id)
    kept = typed.given_back()
    form = part.form(data={**claim_parts.values(part, found.details), "version": found.version, **kept})
    shared.tell_given_back(kept)
    if part is FIRST:
        form.policy_number.choices = policies = shared.policies()
        form.policy_number.data = form.policy_number.data or _only(policies)
    said = claims_pb2.ClaimDetails()
    said.CopyFrom(found.details)
    claim_parts.write(part, said, form.data)
    claim_parts.settle(said)
    if AUTOSAVE in request.headers and form.is_submitted():
        return _saved(_save_what_can_be(lambda typed: _update(found, shared.version(form), typed), said), part)
    faults.show_stashed(form)
    if form.validate_on_submit():
        try:
            made = _update(found, shared.version(form), said)
        except Refusal as refusal:
            shared.tell(form, refusal, found)
        else:
            return _on(made, part)
    return shared.step_page("part", name, found, form=form, part=part), 422 if form.errors else 200


def _only(policies: list[str]) -> str:
    """The policy where there is no choice."""
    return policies[0] if len(policies) == 1 else ""


def _on(made: claims_pb2.Claim, part: Part) -> browser.Page:
    """On to the next step, or back to this one where a check of the whole says that its data can't be filed like this."""
    wrong: dict[str, str] = {}
    field_of = {f"details.{path}": field for field, path in part.paths.items()}
    for violation in shared.missing(made):
        if violation.field in field_of:
            own = claim_texts.REQUIRED.get(violation.field) if violation.reason == "REQUIRED" else None
            wrong[field_of[violation.field]] = str(own) if own else texts.of(violation.reason)
    if wrong:
        faults.stash(**wrong)
        return see("claims.details", claim_id=made.claim_id, name=part.name, **_return())
    if _return():
        return see("claims.check", claim_id=made.claim_id)
    following = claim_parts.neighbour(made.details, part.name, 1)
    if following in claim_parts.BY_NAME:
        return see("claims.details", claim_id=made.claim_id, name=following)
    return see("claims.check" if following == CHECK else "claims.expenses", claim_id=made.claim_id)


def _return() -> dict[str, str]:
    """Where the check's page sent somebody to mend one thing, they go back to it."""
    return {"torna": CHECK} if request.args.get("torna") == CHECK else {}


def _open(form: FlaskForm, said: claims_pb2.ClaimDetails) -> claims_pb2.Claim:
    message = claims_pb2.CreateDraftRequest(request_id=form.request_id.data, details=said)
    made: claims_pb2.Claim = call(services().claims.CreateDraft, message, browser.token()).claim
    return made


def _update(found: claims_pb2.Claim, version: int, said: claims_pb2.ClaimDetails) -> claims_pb2.Claim:
    message = claims_pb2.UpdateDraftRequest(claim_id=found.claim_id, expected_version=version, details=said)
    made: claims_pb2.Claim = call(services().claims.UpdateDraft, message, browser.token()).claim
    return made


def _save_what_can_be(
    send: Callable[[claims_pb2.ClaimDetails], claims_pb2.Claim], said: claims_pb2.ClaimDetails
) -> claims_pb2.Claim:
    """Saves what was typed so far; what can't be read yet, and half a date is enough for that, is left out."""
    try:
        return _sent(send, said)
    except Refusal as refusal:
        unread = [one.field.removeprefix("details.") for one in refusal.violations if one.field.startswith("details.")]
        if not unread:
            raise
        for path in unread:
            claim_parts.clear(said, path)
        return _sent(send, said)


def _sent(send: Callable[[claims_pb2.ClaimDetails], claims_pb2.Claim], said: claims_pb2.ClaimDetails) -> claims_pb2.Claim:
    try:
        return send(said)
    except Refusal as refusal:
        if refusal.kind is Kind.ABORTED:  # another page was first; this one learns of it when it is left
            abort(409)
        raise


def _saved(made: claims_pb2.Claim, part: Part) -> browser.Page:
    action = url_for("claims.details", claim_id=made.claim_id, name=part.name)
    answer: Response = Response(status=204)
    answer.headers["X-Draft-Version"] = str(made.version)
    answer.headers["X-Draft-Action"] = action
    return answer


@pages.route("/<claim_id>/spese", methods=["GET", "POST"])
@browser.signed_in
def expenses(claim_id: str) -> browser.Page:
    """The expenses, one at a time."""
    found = shared.draft(claim_id)
    kept = typed.given_back()
    form = ExpenseForm(data={"request_id": new_id(), "version": found.version, **kept})
    shared.tell_given_back(kept)
    if form.validate_on_submit():
        expense = claims_pb2.Expense(
            category=claims_pb2.ExpenseCategory.ValueType(int(form.category.data)),
            provider=form.provider.data,
            document_number=form.document_number.data,
            document_date=form.document_date.data,
            amount=shared.decimal(form.amount.data),
        )
        message = claims_pb2.AddExpenseRequest(
            request_id=form.request_id.data, claim_id=claim_id, expected_version=shared.version(form), expense=expense
        )
        try:
            call(services().claims.AddExpense, message, browser.token())
        except Refusal as refusal:
            shared.tell(form, refusal, found)
        else:
            return see("claims.expenses", claim_id=claim_id)
    is_asked = not found.expenses or "altra" in request.args or form.is_submitted() or bool(kept)
    return shared.step_page("expenses", "spese", found, form=form, is_asked=is_asked), 422 if form.errors else 200


@pages.post("/<claim_id>/spese/<expense_id>/togli")
@browser.signed_in
def remove_expense(claim_id: str, expense_id: str) -> browser.Page:
    """Takes an expense out."""
    found = shared.draft(claim_id)
    message = claims_pb2.RemoveExpenseRequest(claim_id=claim_id, expected_version=found.version, expense_id=expense_id)
    call(services().claims.RemoveExpense, message, browser.token())
    return see("claims.expenses", claim_id=claim_id)


@pages.route("/<claim_id>/documenti", methods=["GET", "POST"])
@browser.signed_in
def attachments(claim_id: str) -> browser.Page:
    """The documents, several of a kind at once."""
    found = shared.draft(claim_id)
    form = AttachmentForm()
    if form.is_submitted():
        is_complete = form.validate()
        files = shared.chosen(form)
        if not files and not form.document.errors:
            faults.add(form, "document", texts.of("MISSING_FILE"))
        elif is_complete and shared.attach(form, claim_id, int(form.kind.data), files):
            return see("claims.attachments", claim_id=claim_id)
        found = shared.draft(claim_id)
    wanted = [texts.of(one.reason) for one in shared.missing(found) if one.field == "attachments"]
    is_asked = bool(wanted) or not found.attachments or "altro" in request.args or form.is_submitted()
    html = shared.step_page("attachments", "documenti", found, form=form, is_asked=is_asked, wanted=wanted)
    return html, 422 if form.errors else 200


@pages.post("/<claim_id>/documenti/<attachment_id>/togli")
@browser.signed_in
def remove_attachment(claim_id: str, attachment_id: str) -> browser.Page:
    """Takes a document out."""
    found = shared.draft(claim_id)
    message = claims_pb2.RemoveAttachmentRequest(claim_id=claim_id, expected_version=found.version, attachment_id=attachment_id)
    call(services().claims.RemoveAttachment, message, browser.token())
    return see("claims.attachments", claim_id=claim_id)


@pages.route("/<claim_id>/elimina", methods=["GET", "POST"])
@browser.signed_in
def discard(claim_id: str) -> browser.Page:
    """Throws the draft away, once that is confirmed."""
    form = ActionForm()
    if form.validate_on_submit():
        try:
            call(services().claims.DiscardDraft, claims_pb2.DiscardDraftRequest(claim_id=claim_id), browser.token())
        except Refusal as refusal:
            if refusal.kind is Kind.FAILED_PRECONDITION:
                raise not_found("draft") from None
            raise
        return see("claims.list_claims")
    return shared.page("discard", claim=shared.draft(claim_id), form=form)
