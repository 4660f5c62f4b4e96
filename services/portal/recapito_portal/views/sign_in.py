"""Accedi: user name and password, then "Conferma che sei tu" or, without a mobile on file, "Richiedi assistenza".

A device that is trusted is in after the password.
"""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, session
from recapito.auth.v1 import authentication_pb2

from recapito_portal import browser, codes, faults, texts
from recapito_portal.forms import ActionForm, CodeForm, SignInCodeForm, SignInForm
from recapito_portal.services import end_session, services
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web import call, client, local_path, see

pages = Blueprint("sign_in", __name__, url_prefix="/accedi")
JOURNEY: Final = "sign_in"
ASSISTANCE: Final = "assistance"
WHY: Final = ("SESSION_ENDED", "SESSION_ENDED_KEPT", "SIGN_IN_FIRST")


@pages.route("", methods=["GET", "POST"])
def start() -> browser.Page:
    """User name and password. Wrong, unknown and locked look the same."""
    form = SignInForm()
    if form.validate_on_submit():
        message = authentication_pb2.SignInRequest(
            username=form.username.data,
            password=form.password.data,
            client=client(),
            device_token=browser.device_token(),
        )
        try:
            found = call(services().authentication.SignIn, message)
        except Refusal as refusal:
            if refusal.kind is Kind.RESOURCE_EXHAUSTED:
                faults.tell(form, refusal)
            elif refusal.kind in (Kind.UNAUTHENTICATED, Kind.INVALID_ARGUMENT):
                faults.add(form, "", texts.of("SIGN_IN_FAILED"))
            else:
                raise
        else:
            return _after_password(found)
    why = request.args.get("perche", "")
    return render_template("sign_in/start.html", form=form, why=texts.of(why) if why in WHY else ""), 422 if form.errors else 200


def _after_password(found: authentication_pb2.SignInResponse) -> browser.Page:
    step = found.WhichOneof("next")
    if step == "session":
        return _entered(found.session.token)
    browser.forget_journeys()
    if step == "contact_change_only":
        session["change_token"] = found.contact_change_only.contact_change_token
        browser.keep("change", has_no_mobile=not found.contact_change_only.has_mobile)
        return see("sign_in.contact_change_only")
    if step == "mobile_missing":
        missing = found.mobile_missing
        browser.keep(ASSISTANCE, id=missing.sign_in_id, masked_email=missing.masked_email)
        return see("sign_in.no_mobile")
    needed = found.code_required
    browser.keep(JOURNEY, id=needed.sign_in_id, reasons=list(needed.reasons))
    codes.sent(JOURNEY, needed.masked_destination, needed.expires_at, needed.resend_available_at)
    session["change_token"] = needed.contact_change_token
    return see("sign_in.code")


@pages.route("/codice", methods=["GET", "POST"])
def code() -> browser.Page:
    """ "Conferma che sei tu": the code that went to the mobile on file. A reload asks how far it came and costs nothing."""
    found = browser.journey(JOURNEY)
    if "id" not in found:
        return see("sign_in.start")
    form = SignInCodeForm(data={"trust_device": found.get("trust_device", False)})
    if form.validate_on_submit():
        browser.keep(JOURNEY, trust_device=form.trust_device.data)
        message = authentication_pb2.CompleteSignInRequest(
            sign_in_id=found["id"], code=form.code.data, trust_device=form.trust_device.data
        )
        try:
            checked = call(services().authentication.CompleteSignIn, message)
        except Refusal as refusal:
            return see("sign_in.code") if codes.is_for_later(refusal) else _begin_again(refusal)
        if not codes.is_approved(JOURNEY, checked):
            return see("sign_in.code")
        if checked.device_token:
            browser.trust_device(checked.device_token)
        return _entered(checked.session.token)
    try:
        delivery = _followed(JOURNEY)
    except Refusal as refusal:
        return _begin_again(refusal)
    return codes.page("sign_in/code.html", JOURNEY, form, delivery, reasons=found["reasons"])


@pages.post("/codice/nuovo")
def resend() -> browser.Page:
    """Asks for a new code to the mobile on file."""
    found = browser.journey(JOURNEY)
    if "id" in found:
        message = authentication_pb2.ResendSignInCodeRequest(sign_in_id=found["id"], client=client())
        try:
            codes.sent_challenge(JOURNEY, call(services().authentication.ResendSignInCode, message).challenge)
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.UNAUTHENTICATED, Kind.FAILED_PRECONDITION):
                return _begin_again(refusal)
            codes.told_refused(refusal)
    return see("sign_in.code")


@pages.get("/solo-recapito")
def contact_change_only() -> browser.Page:
    """The password was recovered with one contact only: why it opens a contact change and nothing else for now."""
    return render_template("sign_in/contact_change_only.html") if session.get("change_token") else see("sign_in.start")


@pages.route("/senza-cellulare", methods=["GET", "POST"])
def no_mobile() -> browser.Page:
    """No mobile on file: a message and "Richiedi assistenza", which sends a code to the email on file."""
    found = browser.journey(ASSISTANCE)
    if "id" not in found:
        return see("sign_in.start")
    form = ActionForm()
    if form.validate_on_submit():
        try:
            _send_assistance(found["id"])
        except Refusal as refusal:
            if refusal.reason != "NO_EMAIL_ON_FILE" and refusal.kind is not Kind.RESOURCE_EXHAUSTED:
                return _begin_again(refusal)
            faults.tell(form, refusal)
        else:
            return see("sign_in.assistance")
    return render_template("sign_in/no_mobile.html", form=form, masked_email=found["masked_email"]), 422 if form.errors else 200


@pages.route("/assistenza", methods=["GET", "POST"])
def assistance() -> browser.Page:
    """The code that went to the email on file; the right one opens the contact change."""
    found = browser.journey(ASSISTANCE)
    if "masked" not in found:
        return see("sign_in.no_mobile")
    form = CodeForm()
    if form.validate_on_submit():
        message = authentication_pb2.CompleteAssistanceRequest(sign_in_id=found["id"], code=form.code.data)
        try:
            checked = call(services().authentication.CompleteAssistance, message)
        except Refusal as refusal:
            return see("sign_in.assistance") if codes.is_for_later(refusal) else _begin_again(refusal)
        if not codes.is_approved(ASSISTANCE, checked):
            return see("sign_in.assistance")
        browser.forget_journeys()
        session["change_token"] = checked.contact_change_token
        browser.keep("change", has_no_mobile=True)
        return see("contact_change.start")
    try:
        delivery = _followed(ASSISTANCE)
    except Refusal as refusal:
        return _begin_again(refusal)
    return codes.page("sign_in/assistance.html", ASSISTANCE, form, delivery)


@pages.post("/assistenza/nuovo")
def resend_assistance() -> browser.Page:
    """Asks for a new code to the email on file."""
    found = browser.journey(ASSISTANCE)
    if "id" in found:
        try:
            _send_assistance(found["id"])
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.UNAUTHENTICATED, Kind.FAILED_PRECONDITION):
                return _begin_again(refusal)
            codes.told_refused(refusal)
    return see("sign_in.assistance")


def _followed(journey: str) -> str:
    message = authentication_pb2.GetSignInRequest(sign_in_id=browser.journey(journey)["id"])
    return codes.follow(journey, lambda: call(services().authentication.GetSignIn, message).challenge)


def _send_assistance(sign_in_id: str) -> None:
    message = authentication_pb2.StartAssistanceRequest(sign_in_id=sign_in_id, client=client())
    started = call(services().authentication.StartAssistance, message)
    codes.sent(ASSISTANCE, started.masked_destination, started.expires_at, started.resend_available_at)


def _entered(token: str) -> browser.Page:
    """A session: the one before it in this browser ends, and the customer goes where they wanted to go."""
    before = browser.token()
    browser.enter(token)
    if before:
        end_session(before)
    return redirect(local_path(session.pop("next", ""), "/area"), 303)


def _begin_again(refusal: Refusal) -> browser.Page:
    """Back to the password where the sign-in is too old or over; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.UNAUTHENTICATED, Kind.FAILED_PRECONDITION):
        raise refusal
    browser.drop(JOURNEY, ASSISTANCE, "change_token")
    flash(texts.of(refusal.reason if refusal.reason in texts.REASONS else "START_AGAIN"), "error")
    return see("sign_in.start")
