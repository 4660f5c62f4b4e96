"""Answering what an operator asks about a request: with words, with up to two files, or with both."""

from typing import Final

from flask import Blueprint, flash, render_template, request, session
from flask_babel import gettext as _
from recapito.contact_change.v1 import contact_change_pb2

from recapito_portal import browser, faults
from recapito_portal.forms import AnswerForm
from recapito_portal.services import services
from recapito_portal.views import step_up
from recapito_portal.views.contact_change import LONGEST_ID, acting_token, opened, take_files
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.ids import new_id
from recapito_servicekit.web import call, see

pages = Blueprint("question", __name__, url_prefix="/recapito")
pages.before_request(opened)
JOURNEY: Final = "answer"
FILES: Final = ("first", "second")
ANSWER: Final = "/recapito.contact_change.v1.ContactChangeService/AnswerQuestion"


@pages.route("/rispondi", methods=["GET", "POST"])
def answer() -> browser.Page:
    """The question and the form of its answer. Files that arrived stay. Where no question waits: to the requests."""
    message = contact_change_pb2.GetChangeRequest(change_id=request.args.get("richiesta", "-")[:LONGEST_ID])
    change = call(services().changes.GetChange, message, acting_token()).change
    if change.state != contact_change_pb2.CHANGE_STATE_WAITING_FOR_CUSTOMER:
        return _no_question()
    if browser.journey(JOURNEY).get("change_id") != change.change_id:
        browser.keep(JOURNEY, change_id=change.change_id, files={})
    form = AnswerForm(data={"request_id": new_id()})
    if form.is_submitted():
        is_complete = form.validate()
        take_files(form, JOURNEY, FILES)
        if not (form.text.data or "").strip() and not browser.journey(JOURNEY)["files"] and not form.errors:
            faults.add(form, "text", _("Scrivi una risposta o allega un file."))
        if is_complete and not form.errors:
            answered = _send(form, change.change_id)
            if answered is not None:
                return answered
    elif not session.get("change_token"):
        step_up.demand(ANSWER)
    files = browser.journey(JOURNEY)["files"]
    page = render_template("contact_change/answer.html", form=form, question=change.question, files=files)
    return page, 422 if form.errors else 200


def _send(form: AnswerForm, change_id: str) -> browser.Page | None:
    """Sends the answer; None where the form says what is wrong."""
    files = browser.journey(JOURNEY)["files"]
    message = contact_change_pb2.AnswerQuestionRequest(
        request_id=form.request_id.data,
        change_id=change_id,
        text=(form.text.data or "").replace("\r\n", "\n").strip(),
        document_ids=[files[name]["id"] for name in FILES if name in files],
    )
    try:
        call(services().changes.AnswerQuestion, message, acting_token())
    except Refusal as refusal:
        if refusal.reason == "NO_QUESTION":
            return _no_question()
        if refusal.kind not in (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED):
            raise
        if any(violation.field == "document_ids" for violation in refusal.violations):
            browser.keep(JOURNEY, files={})
        faults.tell(form, refusal, {"document_ids": "first"})
        return None
    browser.drop(JOURNEY)
    flash(_("Grazie, la tua risposta è arrivata: ora una persona la esamina."), "good")
    return see("contact_change.requests")


def _no_question() -> browser.Page:
    browser.drop(JOURNEY)
    flash(_("Nessuna domanda attende una tua risposta: qui sotto vedi a che punto è la richiesta."), "error")
    return see("contact_change.requests")
