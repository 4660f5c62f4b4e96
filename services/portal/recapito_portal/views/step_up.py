"""Conferma che sei tu, within a session: a code to the mobile on file, then back to the page that needs it."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template
from recapito.auth.v1 import authentication_pb2, session_pb2
from werkzeug.wrappers import Response

from recapito_portal import browser, codes, faults, texts
from recapito_portal.forms import ActionForm, CodeForm
from recapito_portal.services import services
from recapito_servicekit import gate, persons
from recapito_servicekit.clock import system_clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web import call, client, local_path, see

pages = Blueprint("step_up", __name__, url_prefix="/conferma")
JOURNEY: Final = "step_up"


def ask() -> Response:
    """To the page that says why a code is needed; after the code, back to this one."""
    browser.drop(JOURNEY)
    browser.keep(JOURNEY, next=browser.this_page())
    return see("step_up.start")


def demand(rpc: str) -> None:
    """Asks for the code before a form is filled that only ``rpc`` ("/package.Service/Method") would refuse without one.

    Raises UNAUTHENTICATED: what the rpc's own service would say of the session now.
    """
    found = call(services().sessions.Introspect, session_pb2.IntrospectRequest(token=browser.token()))
    persons.demand(gate.access_of(rpc), persons.person_of(browser.token(), found), system_clock)


@pages.route("", methods=["GET", "POST"])
@browser.signed_in
def start() -> browser.Page:
    """Why a code is needed; the button has it sent."""
    form = ActionForm()
    if form.validate_on_submit():
        message = authentication_pb2.StartStepUpRequest(purpose="step_up", client=client())
        try:
            challenge = call(services().authentication.StartStepUp, message, browser.token()).challenge
        except Refusal as refusal:
            if refusal.kind not in (Kind.RESOURCE_EXHAUSTED, Kind.FAILED_PRECONDITION):
                raise
            faults.tell(form, refusal)
        else:
            codes.sent_challenge(JOURNEY, challenge, challenge_id=challenge.challenge_id)
            return see("step_up.code")
    return render_template("step_up/start.html", form=form), 422 if form.errors else 200


@pages.route("/codice", methods=["GET", "POST"])
@browser.signed_in
def code() -> browser.Page:
    """The code; the right one leads back, with a fresh session."""
    found = browser.journey(JOURNEY)
    if "challenge_id" not in found:
        return see("step_up.start")
    form = CodeForm()
    if form.validate_on_submit():
        message = authentication_pb2.CompleteStepUpRequest(challenge_id=found["challenge_id"], code=form.code.data)
        try:
            checked = call(services().authentication.CompleteStepUp, message, browser.token())
        except Refusal as refusal:
            return see("step_up.code") if codes.is_for_later(refusal) else _begin_again(refusal)
        if not codes.is_approved(JOURNEY, checked):
            return see("step_up.code")
        browser.replace_token(checked.session.token)
        back = _back()
        browser.drop(JOURNEY)
        return redirect(back, 303)
    try:
        delivery = followed(JOURNEY)
    except Refusal as refusal:
        return _begin_again(refusal)
    return codes.page("step_up/code.html", JOURNEY, form, delivery)


def followed(journey: str) -> str:
    """How far the code of a journey's step-up came, in words. Raises Refusal."""
    message = authentication_pb2.GetStepUpRequest(challenge_id=browser.journey(journey)["challenge_id"])
    return codes.follow(journey, lambda: call(services().authentication.GetStepUp, message, browser.token()).challenge)


@pages.post("/codice/nuovo")
@browser.signed_in
def resend() -> browser.Page:
    """Asks for a new code."""
    found = browser.journey(JOURNEY)
    if "challenge_id" in found:
        message = authentication_pb2.ResendStepUpCodeRequest(challenge_id=found["challenge_id"], client=client())
        try:
            codes.sent_challenge(JOURNEY, call(services().authentication.ResendStepUpCode, message, browser.token()).challenge)
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
                return _begin_again(refusal)
            codes.told_refused(refusal)
    return see("step_up.code")


def _back() -> str:
    return local_path(browser.journey(JOURNEY).get("next", ""), "/area")


def _begin_again(refusal: Refusal) -> browser.Page:
    """Back to the button where the code no longer stands; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
        raise refusal
    back = _back()
    browser.drop(JOURNEY)
    browser.keep(JOURNEY, next=back)
    flash(texts.of(refusal.reason if refusal.reason in texts.REASONS else "START_AGAIN"), "error")
    return see("step_up.start")
