"""Non sono stato io: the page behind a notice's link, for whoever has that contact. It changes nothing, its button acts."""

from typing import Final

from flask import Blueprint, render_template, request
from recapito.contact_change.v1 import contact_change_pb2

from recapito_portal import browser
from recapito_portal.services import services
from recapito_portal.views.contact_change import CANCELLABLE
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web import call

pages = Blueprint("repudiation", __name__, url_prefix="/non-sono-stato-io")
LONGEST_TOKEN: Final = 100
STOPPED: Final = (contact_change_pb2.CHANGE_STATE_REPUDIATED, contact_change_pb2.CHANGE_STATE_FROZEN)
STOPPABLE: Final = (*CANCELLABLE, contact_change_pb2.CHANGE_STATE_APPLIED)


@pages.get("")
def ask() -> browser.Page:
    """Says what was asked for, and what the button does."""
    token = request.args.get("t", "")[:LONGEST_TOKEN]
    try:
        found = call(services().changes.PreviewRepudiation, contact_change_pb2.PreviewRepudiationRequest(token=token))
    except Refusal as refusal:
        return _gone(refusal)
    if found.state in STOPPED:
        return _stopped(found.state)
    if found.state not in STOPPABLE:
        return render_template("repudiation/over.html")
    is_applied = found.state == contact_change_pb2.CHANGE_STATE_APPLIED
    return render_template("repudiation/ask.html", found=found, token=token, is_applied=is_applied)


@pages.post("")
def act() -> browser.Page:
    """It wasn't them."""
    token = request.form.get("token", "")[:LONGEST_TOKEN]
    try:
        answer = call(services().changes.Repudiate, contact_change_pb2.RepudiateRequest(token=token))
    except Refusal as refusal:
        if refusal.kind is Kind.FAILED_PRECONDITION:
            return render_template("repudiation/over.html")
        return _gone(refusal)
    return _stopped(answer.state)


def _stopped(state: contact_change_pb2.ChangeState.ValueType) -> browser.Page:
    return render_template("repudiation/stopped.html", is_frozen=state == contact_change_pb2.CHANGE_STATE_FROZEN)


def _gone(refusal: Refusal) -> browser.Page:
    if refusal.kind is not Kind.NOT_FOUND:
        raise refusal
    return render_template("repudiation/gone.html"), 404
