"""For supervisors (auditors read along): what waits and for how long, how cases ended, who is frozen, what gave up."""

from typing import Final

from flask import Blueprint, flash, g, render_template, request
from recapito.contact_change.v1 import contact_change_pb2, dead_letter_pb2, review_pb2
from werkzeug.wrappers import Response

from recapito_console.backend import NotAllowed, ask, backend
from recapito_console.translation import _
from recapito_console.views.session import demand_operator
from recapito_servicekit import web
from recapito_servicekit.errors import Kind, Refusal

MOST_FROZEN: Final = 50
LONGEST_ID: Final = 64

pages = Blueprint("progress", __name__, url_prefix="/andamento")


@pages.before_request
def demand_reader() -> None:
    """Raises SessionEnded, and NotAllowed for reviewers."""
    demand_operator()
    if not g.operator.may_see_load:
        raise NotAllowed


@pages.get("")
def show() -> str:
    """The load, frozen customers, dead letters."""
    load: review_pb2.GetLoadResponse = ask(backend().reviews.GetLoad, review_pb2.GetLoadRequest())
    frozen = review_pb2.CaseFilter(state=contact_change_pb2.CHANGE_STATE_FROZEN)
    cases: review_pb2.ListCasesResponse = ask(
        backend().reviews.ListCases, review_pb2.ListCasesRequest(filter=frozen, page_size=MOST_FROZEN)
    )
    letters: list[dead_letter_pb2.DeadLetter] = []
    if g.operator.may_supervise:
        answer: dead_letter_pb2.DeadLetterServiceListResponse = ask(
            backend().letters.List, dead_letter_pb2.DeadLetterServiceListRequest()
        )
        letters = list(answer.letters)
    return render_template("load/show.html", load=load, frozen=cases.cases, letters=letters)


@pages.post("/reinvio")
def resend() -> Response:
    """Sends a dead letter again. One that somebody sent again meanwhile is told."""
    letter_id = request.form.get("letter_id", "")[:LONGEST_ID]
    try:
        ask(backend().letters.Resend, dead_letter_pb2.DeadLetterServiceResendRequest(letter_id=letter_id))
    except Refusal as refusal:
        if refusal.kind is not Kind.NOT_FOUND:
            raise
        flash(_("Qualcuno l'ha già rinviato."), "info")
    else:
        flash(_("Rinviato: se non riesce nemmeno ora, torna in questo elenco."), "info")
    return web.see("progress.show")
