"""Aggiungi recapito: notice, new mobile, its code, the identity document, done; and where each request stands.

Opened by a contact_change_token (after the password) or by a session.
"""

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, flash, render_template, request, session
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from recapito.contact_change.v1 import contact_change_pb2

from recapito_portal import browser, codes, faults, texts, uploads
from recapito_portal.forms import CodeForm, DocumentTypeForm, IdentityForm, NewMobileForm
from recapito_portal.services import services
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.ids import new_id
from recapito_servicekit.web import call, client, see

pages = Blueprint("contact_change", __name__, url_prefix="/recapito")
JOURNEY: Final = "change"
CANCELLABLE: Final = (
    contact_change_pb2.CHANGE_STATE_SUBMITTED,
    contact_change_pb2.CHANGE_STATE_IN_REVIEW,
    contact_change_pb2.CHANGE_STATE_SECOND_REVIEW,
    contact_change_pb2.CHANGE_STATE_WAITING_FOR_CUSTOMER,
    contact_change_pb2.CHANGE_STATE_APPROVED,
)
OPEN: Final = (*CANCELLABLE, contact_change_pb2.CHANGE_STATE_FROZEN)
LONGEST_ID: Final = 64
SIDES: Final = ("front", "back")
NUMBER_FIELDS: Final = ("new_mobile", "mobile_proof", "reason")


def acting_token() -> str:
    """The token of whoever acts: a contact_change_token, or else a session's; empty: nobody."""
    return str(session.get("change_token") or browser.token())


@pages.before_request
def opened() -> browser.Page | None:
    """Nobody comes here without a token of either kind."""
    return None if acting_token() else browser.ask_to_sign_in("SIGN_IN_FIRST")


@pages.get("")
def start() -> browser.Page:
    """What happens with the documents and what to have ready, before anything is asked."""
    changes = call(services().changes.ListChanges, contact_change_pb2.ListChangesRequest(), acting_token()).changes
    return render_template("contact_change/start.html", is_open=any(change.state in OPEN for change in changes))


@pages.route("/numero", methods=["GET", "POST"])
def number() -> browser.Page:
    """The wished mobile. How it was understood is shown on the next page."""
    found = browser.journey(JOURNEY)
    form = NewMobileForm(data=found)
    if found.get("has_no_mobile"):
        del form.reason
    faults.show_stashed(form)
    if form.validate_on_submit():
        message = contact_change_pb2.StartMobileConfirmationRequest(new_mobile=form.new_mobile.data, client=client())
        try:
            started = call(services().changes.StartMobileConfirmation, message, acting_token())
        except Refusal as refusal:
            if refusal.reason == "CHANGE_OPEN":
                return _already_open()
            if refusal.kind not in (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED):
                raise
            faults.tell(form, refusal)
        else:
            reason = str(contact_change_pb2.REASON_NO_MOBILE) if form.reason is None else form.reason.data
            browser.keep(JOURNEY, reason=reason, new_mobile=started.new_mobile, proof="")
            codes.sent_challenge(JOURNEY, started.challenge, challenge_id=started.challenge.challenge_id)
            return see("contact_change.code")
    return render_template("contact_change/number.html", form=form), 422 if form.errors else 200


@pages.route("/codice", methods=["GET", "POST"])
def code() -> browser.Page:
    """The code that went to the new mobile."""
    found = browser.journey(JOURNEY)
    if "challenge_id" not in found:
        return see("contact_change.number")
    form = CodeForm()
    if form.validate_on_submit():
        message = contact_change_pb2.ConfirmMobileRequest(challenge_id=found["challenge_id"], code=form.code.data)
        try:
            checked = call(services().changes.ConfirmMobile, message, acting_token())
        except Refusal as refusal:
            return see("contact_change.code") if codes.is_for_later(refusal) else _number_again(refusal)
        if not codes.is_approved(JOURNEY, checked):
            return see("contact_change.code")
        browser.keep(JOURNEY, proof=checked.mobile_proof)
        return see("contact_change.document")
    asked = contact_change_pb2.GetMobileConfirmationRequest(challenge_id=found["challenge_id"])
    try:
        delivery = codes.follow(JOURNEY, lambda: call(services().changes.GetMobileConfirmation, asked, acting_token()).challenge)
    except Refusal as refusal:
        return _number_again(refusal)
    return codes.page("contact_change/code.html", JOURNEY, form, delivery, new_mobile=found["new_mobile"])


@pages.post("/codice/nuovo")
def resend() -> browser.Page:
    """Asks for a new code to the new mobile."""
    found = browser.journey(JOURNEY)
    if "challenge_id" in found:
        message = contact_change_pb2.ResendMobileCodeRequest(challenge_id=found["challenge_id"], client=client())
        try:
            codes.sent_challenge(JOURNEY, call(services().changes.ResendMobileCode, message, acting_token()).challenge)
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
                return _number_again(refusal)
            codes.told_refused(refusal)
    return see("contact_change.code")


@pages.route("/documento", methods=["GET", "POST"])
def document() -> browser.Page:
    """Which identity document. Another one than before forgets the pictures of the first."""
    found = browser.journey(JOURNEY)
    if not found.get("proof"):
        return see("contact_change.code")
    form = DocumentTypeForm(data=found)
    if form.validate_on_submit():
        files = found.get("files", {}) if form.type.data == found.get("type") else {}
        browser.keep(JOURNEY, type=form.type.data, files=files)
        return see("contact_change.identity")
    return render_template("contact_change/document.html", form=form), 422 if form.errors else 200


@pages.route("/dati", methods=["GET", "POST"])
def identity() -> browser.Page:
    """The document's data and pictures and the email to tell; files the request. Pictures that arrived stay."""
    found = browser.journey(JOURNEY)
    if "type" not in found or not found.get("proof"):
        return see("contact_change.document")
    form = IdentityForm(data={"request_id": new_id()})
    document_type = contact_change_pb2.DocumentType.ValueType(int(found["type"]))
    if document_type == contact_change_pb2.DOCUMENT_TYPE_PASSPORT:
        del form.back
    if form.is_submitted():
        is_complete = form.validate()
        take_files(form, JOURNEY, SIDES)
        files = browser.journey(JOURNEY)["files"]
        if "front" not in files and not form.front.errors:
            faults.add(form, "front", texts.of("MISSING_FILE"))
        if is_complete and not form.errors:
            filed = _file(form, document_type)
            if filed is not None:
                return filed
    values = {"files": browser.journey(JOURNEY)["files"], "type_name": texts.DOCUMENT_TYPES[document_type]}
    return render_template("contact_change/identity.html", form=form, **values), 422 if form.errors else 200


def take_files(form: FlaskForm, journey: str, fields: Sequence[str]) -> None:
    """Uploads what the form's file fields brought and notes it in the journey; what is wrong is told at the field."""
    for name in fields:
        file = form[name].data if name in form else None
        if not uploads.is_there(file):
            continue
        try:
            taken = call(services().changes.UploadDocument, uploads.document(file), acting_token())
        except Refusal as refusal:
            if refusal.kind not in uploads.TOLD:
                raise
            faults.tell_file(form, name, refusal)
        else:
            files = browser.journey(journey)["files"]
            browser.keep(journey, files={**files, name: {"id": taken.document_id, "name": uploads.name_of(file)}})


def _file(form: IdentityForm, document_type: contact_change_pb2.DocumentType.ValueType) -> browser.Page | None:
    """Files the request; None where the form says what is wrong."""
    found = browser.journey(JOURNEY)
    message = contact_change_pb2.SubmitRequestRequest(
        request_id=form.request_id.data,
        reason=contact_change_pb2.Reason.ValueType(int(found["reason"])),
        new_mobile=found["new_mobile"],
        mobile_proof=found["proof"],
        notify_email=form.notify_email.data,
        identity_document=contact_change_pb2.IdentityDocument(
            type=document_type,
            number=form.number.data,
            issuer=form.issuer.data,
            issued_on=form.issued_on.data,
            expires_on=form.expires_on.data,
        ),
        document_ids=[found["files"][side]["id"] for side in SIDES if side in found["files"]],
    )
    try:
        change = call(services().changes.SubmitRequest, message, acting_token()).change
    except Refusal as refusal:
        if refusal.reason == "CHANGE_OPEN":
            return _already_open()
        if refusal.reason in ("PROOF_NOT_VALID", "PROOF_USED") or any(v.field in NUMBER_FIELDS for v in refusal.violations):
            told = {v.field: texts.of(v.reason) for v in refusal.violations if v.field == "new_mobile"}
            faults.stash(**(told or {"": texts.of("CONFIRM_AGAIN")}))
            browser.keep(JOURNEY, proof="")
            return see("contact_change.number")
        if refusal.kind not in (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED):
            raise
        if any(v.field == "document_ids" and v.reason == "UNKNOWN" for v in refusal.violations):
            browser.keep(JOURNEY, files={})
        faults.tell(form, refusal, {"document_ids": "back" if form.back is not None and found["files"] else "front"})
        return None
    browser.drop(JOURNEY)
    browser.keep("filed", change_id=change.change_id, email=form.notify_email.data)
    return see("contact_change.done")


@pages.get("/inviata")
def done() -> browser.Page:
    """What happens next, and by when."""
    filed = browser.journey("filed")
    if not filed:
        return see("contact_change.requests")
    message = contact_change_pb2.GetChangeRequest(change_id=filed["change_id"])
    change = call(services().changes.GetChange, message, acting_token()).change
    return render_template("contact_change/done.html", change=change, email=filed["email"])


@pages.get("/richieste")
def requests() -> browser.Page:
    """Where the customer's requests stand, the newest first."""
    changes = call(services().changes.ListChanges, contact_change_pb2.ListChangesRequest(), acting_token()).changes
    return render_template(
        "contact_change/requests.html",
        changes=changes,
        states=texts.CHANGE_STATES,
        rejections=texts.REJECTIONS,
        State=contact_change_pb2.ChangeState,
        can_begin=not any(change.state in OPEN for change in changes),
        cancellable=CANCELLABLE,
    )


@pages.get("/annulla")
def cancelling() -> browser.Page:
    """Asks whether to cancel a request."""
    message = contact_change_pb2.GetChangeRequest(change_id=request.args.get("richiesta", "-")[:LONGEST_ID])
    change = call(services().changes.GetChange, message, acting_token()).change
    if change.state not in CANCELLABLE:
        return see("contact_change.requests")
    return render_template("contact_change/cancel.html", change=change)


@pages.post("/annulla")
def cancel() -> browser.Page:
    """Cancels a request. One that is over, or just being applied, is told."""
    message = contact_change_pb2.CancelChangeRequest(change_id=request.form.get("change_id", "-")[:LONGEST_ID])
    try:
        call(services().changes.CancelChange, message, acting_token())
    except Refusal as refusal:
        if refusal.kind is not Kind.FAILED_PRECONDITION:
            raise
        flash(_("Non si può più annullare: la richiesta è conclusa, o i sistemi stanno registrando il numero."), "error")
    else:
        flash(_("La richiesta è stata annullata: il tuo recapito resta com'era."), "good")
    return see("contact_change.requests")


def _already_open() -> browser.Page:
    browser.drop(JOURNEY)
    flash(texts.of("CHANGE_OPEN"), "error")
    return see("contact_change.requests")


def _number_again(refusal: Refusal) -> browser.Page:
    """Back to the number where its code is too old or over; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
        raise refusal
    faults.stash(**{"": texts.of("CONFIRM_AGAIN")})
    return see("contact_change.number")
