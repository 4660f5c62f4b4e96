"""The queue: which cases wait, for how long, in whose hands."""

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, flash, render_template, request
from recapito.contact_change.v1 import contact_change_pb2, review_pb2
from werkzeug.wrappers import Response

from recapito_console.backend import ask, backend
from recapito_console.translation import _
from recapito_console.views.session import demand_operator
from recapito_servicekit import web
from recapito_servicekit.errors import Kind, Refusal

PAGE_SIZE: Final = 25
LOOKED_THROUGH: Final = 100
WAITING: Final = "da-decidere"  # for an operator: the first one or another
STATES: Final = {
    WAITING: contact_change_pb2.CHANGE_STATE_UNSPECIFIED,
    "da-rivalutare": contact_change_pb2.CHANGE_STATE_SECOND_REVIEW,
    "in-attesa": contact_change_pb2.CHANGE_STATE_WAITING_FOR_CUSTOMER,
    "approvati": contact_change_pb2.CHANGE_STATE_APPROVED,
    "registrati": contact_change_pb2.CHANGE_STATE_APPLIED,
    "respinti": contact_change_pb2.CHANGE_STATE_REJECTED,
    "bloccati": contact_change_pb2.CHANGE_STATE_FROZEN,
    "tutti": contact_change_pb2.CHANGE_STATE_UNSPECIFIED,
}
ORDERS: Final = {"vecchi": review_pb2.CASE_ORDER_OLDEST_FIRST, "nuovi": review_pb2.CASE_ORDER_NEWEST_FIRST}

pages = Blueprint("queue", __name__)
pages.before_request(demand_operator)


@pages.get("/casi")
def show() -> str | Response:
    """A page of cases. A page token that is no longer good leads to the first page."""
    state = _choice("stato", STATES)
    order = _choice("ordine", ORDERS)
    mine = request.args.get("miei") == "1"
    token = request.args.get("da", "")
    try:
        answer: review_pb2.ListCasesResponse = ask(
            backend().reviews.ListCases,
            review_pb2.ListCasesRequest(
                filter=review_pb2.CaseFilter(state=STATES[state], mine=mine, waiting=state == WAITING),
                order=ORDERS[order],
                page_size=PAGE_SIZE,
                page_token=token,
            ),
        )
    except Refusal as refusal:
        if refusal.kind is Kind.INVALID_ARGUMENT and token:
            return web.see("queue.show", **_place(state, order, mine))
        raise
    return render_template(
        "queue.html",
        cases=answer.cases,
        next_page=answer.next_page_token,
        is_first=not token,
        states=list(STATES),
        state=state,
        order=order,
        mine=mine,
        place=_place,
    )


@pages.get("/casi/<case_id>/<any(precedente, seguente):way>")
def beside(case_id: str, way: str) -> Response:
    """The case before or after that one among those that anybody may take, the oldest first; the queue where there is none."""
    answer: review_pb2.ListCasesResponse = ask(
        backend().reviews.ListCases,
        review_pb2.ListCasesRequest(
            filter=review_pb2.CaseFilter(waiting=True), order=review_pb2.CASE_ORDER_OLDEST_FIRST, page_size=LOOKED_THROUGH
        ),
    )
    free = [one.case_id for one in answer.cases if one.case_id == case_id or not one.holder]
    here = free.index(case_id) if case_id in free else -1
    there = here - 1 if way == "precedente" else here + 1
    if 0 <= there < len(free):
        return web.see("case.show", case_id=free[there])
    flash(_("Non ci sono altri casi da prendere."), "info")
    return web.see("queue.show")


def _choice(name: str, choices: Mapping[str, int]) -> str:
    chosen = request.args.get(name, "")
    return chosen if chosen in choices else next(iter(choices))


def _place(state: str, order: str, mine: bool, token: str = "") -> dict[str, str]:
    """The address of a page of the queue, without what is the default anyway."""
    place = {"stato": state, "ordine": order, "miei": "1" if mine else "", "da": token}
    default = {"stato": next(iter(STATES)), "ordine": next(iter(ORDERS))}
    return {name: value for name, value in place.items() if value and value != default.get(name)}
