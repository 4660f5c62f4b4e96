"""A new password and a new email, from inside. Both need a code of the last ten minutes, asked for before anything is typed."""

from typing import Final

from flask import Blueprint, flash, render_template
from flask_babel import gettext as _
from recapito.auth.v1 import session_pb2

from recapito_portal import browser, codes, faults, texts
from recapito_portal.forms import ChangePasswordForm, CodeForm, NewEmailForm
from recapito_portal.services import services
from recapito_portal.views import step_up
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web import call, client, see

pages = Blueprint("credentials", __name__, url_prefix="/accessi")
JOURNEY: Final = "email"
SERVICE: Final = "/recapito.auth.v1.AccountService"
TOLD: Final = (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED, Kind.FAILED_PRECONDITION)


@pages.route("/password", methods=["GET", "POST"])
@browser.signed_in
def password() -> browser.Page:
    """The old password and the new one. Other sessions and every trusted device end."""
    form = ChangePasswordForm()
    if form.validate_on_submit():
        message = session_pb2.ChangePasswordRequest(old_password=form.old_password.data, new_password=form.new_password.data)
        try:
            changed = call(services().accounts.ChangePassword, message, browser.token())
        except Refusal as refusal:
            if refusal.kind not in TOLD:
                raise
            faults.tell(form, refusal)
        else:
            return _changed(changed.session.token, _("La password è cambiata. Gli altri accessi sono terminati."))
    elif not form.is_submitted():
        step_up.demand(f"{SERVICE}/ChangePassword")
    return render_template("account/password.html", form=form), 422 if form.errors else 200


@pages.route("/email", methods=["GET", "POST"])
@browser.signed_in
def email() -> browser.Page:
    """The new email."""
    form = NewEmailForm(data=browser.journey(JOURNEY))
    if form.validate_on_submit():
        try:
            _send(form.new_email.data)
        except Refusal as refusal:
            if refusal.kind not in TOLD:
                raise
            faults.tell(form, refusal)
        else:
            return see("credentials.email_code")
    elif not form.is_submitted():
        step_up.demand(f"{SERVICE}/StartEmailChange")
    return render_template("account/email.html", form=form), 422 if form.errors else 200


@pages.route("/email/codice", methods=["GET", "POST"])
@browser.signed_in
def email_code() -> browser.Page:
    """The code that went to the new email; the right one changes it. Other sessions and every trusted device end."""
    found = browser.journey(JOURNEY)
    if "challenge_id" not in found:
        return see("credentials.email")
    form = CodeForm()
    if form.validate_on_submit():
        message = session_pb2.CompleteEmailChangeRequest(challenge_id=found["challenge_id"], code=form.code.data)
        try:
            checked = call(services().accounts.CompleteEmailChange, message, browser.token())
        except Refusal as refusal:
            return see("credentials.email_code") if codes.is_for_later(refusal) else _email_again(refusal)
        if not codes.is_approved(JOURNEY, checked):
            return see("credentials.email_code")
        browser.drop(JOURNEY)
        return _changed(checked.session.token, _("L'email è cambiata. Gli altri accessi sono terminati."))
    asked = session_pb2.GetEmailChangeRequest(challenge_id=found["challenge_id"])
    try:
        delivery = codes.follow(JOURNEY, lambda: call(services().accounts.GetEmailChange, asked, browser.token()).challenge)
    except Refusal as refusal:
        return _email_again(refusal)
    return codes.page("account/email_code.html", JOURNEY, form, delivery)


@pages.post("/email/codice/nuovo")
@browser.signed_in
def resend() -> browser.Page:
    """Asks for another code to the new email."""
    found = browser.journey(JOURNEY)
    if "challenge_id" in found:
        message = session_pb2.ResendEmailChangeCodeRequest(challenge_id=found["challenge_id"], client=client())
        try:
            codes.sent_challenge(JOURNEY, call(services().accounts.ResendEmailChangeCode, message, browser.token()).challenge)
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
                return _email_again(refusal)
            codes.told_refused(refusal)
    return see("credentials.email_code")


def _send(new_email: str) -> None:
    message = session_pb2.StartEmailChangeRequest(new_email=new_email, client=client())
    challenge = call(services().accounts.StartEmailChange, message, browser.token()).challenge
    codes.sent_challenge(JOURNEY, challenge, challenge_id=challenge.challenge_id, new_email=new_email)


def _changed(token: str, text: str) -> browser.Page:
    """On with the session's new token; this device isn't a trusted one any more either."""
    browser.replace_token(token)
    browser.trust_device("")
    flash(text, "good")
    return see("account.overview")


def _email_again(refusal: Refusal) -> browser.Page:
    """Back to the address where its code no longer stands; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.INVALID_ARGUMENT, Kind.FAILED_PRECONDITION):
        raise refusal
    browser.drop(JOURNEY)
    flash(texts.of(refusal.reason if refusal.reason in texts.REASONS else "START_AGAIN"), "error")
    return see("credentials.email")
