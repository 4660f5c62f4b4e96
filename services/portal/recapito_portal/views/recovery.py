"""Password dimenticata: the user name, its code, the code of the second contact where there is one, a new password.

Every page is the same for a user name that nobody has.
"""

from typing import Final

from flask import Blueprint, flash, render_template
from flask_babel import get_locale
from recapito.auth.v1 import recovery_pb2

from recapito_portal import browser, codes, faults, texts
from recapito_portal.forms import CodeForm, NewPasswordForm, UsernameForm
from recapito_portal.services import services
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web import call, client, see

pages = Blueprint("recovery", __name__, url_prefix="/password-dimenticata")
JOURNEY: Final = "recovery"


@pages.route("", methods=["GET", "POST"])
def start() -> browser.Page:
    """Step 1, the user name. The same page follows whether or not it is one."""
    form = UsernameForm(data=browser.journey(JOURNEY))
    if form.validate_on_submit():
        message = recovery_pb2.StartRecoveryRequest(username=form.username.data, client=client(), locale=str(get_locale()))
        try:
            started = call(services().recovery.StartRecovery, message)
        except Refusal as refusal:
            if refusal.kind not in (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED):
                raise
            faults.tell(form, refusal)
        else:
            browser.drop(JOURNEY)
            browser.keep(JOURNEY, id=started.recovery_id, username=form.username.data, first=started.masked_contact)
            codes.sent(JOURNEY, started.masked_contact, started.expires_at, started.resend_available_at)
            return see("recovery.code")
    return render_template("recovery/start.html", form=form), 422 if form.errors else 200


@pages.route("/codice", methods=["GET", "POST"])
def code() -> browser.Page:
    """Step 2, the code that is awaited: the user name's, then the one of the second contact on file."""
    found = browser.journey(JOURNEY)
    if "id" not in found:
        return see("recovery.start")
    form = CodeForm()
    if form.validate_on_submit():
        message = recovery_pb2.VerifyRecoveryRequest(recovery_id=found["id"], code=form.code.data, client=client())
        try:
            checked = call(services().recovery.VerifyRecovery, message)
        except Refusal as refusal:
            if refusal.reason == "NO_CODE_SENT":
                faults.stash(code=texts.of(refusal.reason))
                return see("recovery.code")
            return see("recovery.code") if codes.is_for_later(refusal) else _begin_again(refusal)
        if not codes.is_approved(JOURNEY, checked):
            return see("recovery.code")
        if checked.HasField("second"):
            second = checked.second
            codes.sent(JOURNEY, second.masked_contact, second.expires_at, second.resend_available_at)
            return see("recovery.code")
        browser.keep(JOURNEY, verified=True)
        return see("recovery.password")
    return codes.page("recovery/code.html", JOURNEY, form, is_second=found["masked"] != found["first"])


@pages.post("/codice/nuovo")
def resend() -> browser.Page:
    """Asks for the awaited code again."""
    found = browser.journey(JOURNEY)
    if "id" in found:
        message = recovery_pb2.ResendRecoveryCodeRequest(recovery_id=found["id"], client=client())
        try:
            again = call(services().recovery.ResendRecoveryCode, message)
            codes.sent(JOURNEY, again.masked_contact, again.expires_at, again.resend_available_at)
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
                return _begin_again(refusal)
            codes.told_refused(refusal)
    return see("recovery.code")


@pages.route("/password", methods=["GET", "POST"])
def password() -> browser.Page:
    """Step 3, the new password."""
    found = browser.journey(JOURNEY)
    if not found.get("verified"):
        return see("recovery.code")
    form = NewPasswordForm()
    if form.validate_on_submit():
        message = recovery_pb2.CompleteRecoveryRequest(recovery_id=found["id"], password=form.password.data)
        try:
            call(services().recovery.CompleteRecovery, message)
        except Refusal as refusal:
            if refusal.kind not in (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED):
                return _begin_again(refusal)
            faults.tell(form, refusal)
        else:
            browser.drop(JOURNEY)
            browser.trust_device("")  # all have ended
            return see("recovery.done")
    return render_template("recovery/password.html", form=form, username=found["username"]), 422 if form.errors else 200


@pages.get("/fatto")
def done() -> browser.Page:
    """Step 4, the password is set. Nobody is signed in by it."""
    return render_template("recovery/done.html")


def _begin_again(refusal: Refusal) -> browser.Page:
    """Back to the user name where the recovery is too old or over; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
        raise refusal
    browser.drop(JOURNEY)
    flash(texts.of("START_AGAIN"), "error")
    return see("recovery.start")
