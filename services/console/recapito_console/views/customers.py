"""For supervisors: why a customer can't get in, and the key to it."""

from typing import Final

from flask import Blueprint, flash, g, render_template, request
from recapito.auth.v1 import operator_pb2
from werkzeug.wrappers import Response

from recapito_console.backend import NotAllowed, ask, backend
from recapito_console.translation import _
from recapito_console.views.session import demand_supervisor
from recapito_servicekit import web
from recapito_servicekit.errors import Kind, Refusal

LIFTED: Final = frozenset({"USERNAME_LOCKED", "CODES_LOCKED"})
"""The obstacles that a supervisor can lift."""
LONGEST: Final = 254
Page = str | tuple[str, int] | Response

pages = Blueprint("customers", __name__, url_prefix="/clienti")
pages.before_request(demand_supervisor)


@pages.get("")
def find() -> str:
    """The search. What is searched for is never part of an address: addresses are logged."""
    return render_template("customers/find.html", typed="", fault="")


@pages.post("")
def search() -> Page:
    """Whom the contact, the user name or the customer's id stands for."""
    typed = request.form.get("who", "").strip()[:LONGEST]
    if not typed:
        return _fault(typed, _("Scrivi un recapito o il codice cliente."))
    by_contact = "@" in typed or typed.replace(" ", "").lstrip("+").isdigit()
    message = operator_pb2.ExplainSignInRequest(**{"contact" if by_contact else "customer_id": typed})
    try:
        found: operator_pb2.ExplainSignInResponse = ask(backend().operators.ExplainSignIn, message)
    except Refusal as refusal:
        if refusal.kind is Kind.NOT_FOUND:
            return _fault(typed, _("Nessun cliente ha questo recapito o codice."))
        if refusal.reason == "SEVERAL_CUSTOMERS":
            return _fault(typed, _("Più clienti hanno questo recapito: cerca con il codice cliente."))
        if refusal.kind is Kind.INVALID_ARGUMENT:
            return _fault(typed, _("Non è un cellulare italiano né un'email."))
        raise
    return _shown(found)


@pages.get("/<customer_id>")
def show(customer_id: str) -> str:
    """What stands in the customer's way, and what happened lately. The service records the look."""
    message = operator_pb2.ExplainSignInRequest(customer_id=customer_id)
    return _shown(ask(backend().operators.ExplainSignIn, message))


@pages.post("/<customer_id>/sblocco")
def unlock(customer_id: str) -> Response:
    """Lifts the locks of user name and codes."""
    try:
        ask(backend().operators.UnlockCustomer, operator_pb2.UnlockCustomerRequest(customer_id=customer_id))
    except NotAllowed:  # the role was enough to get here: the customer is the operator
        flash(_("Questo cliente sei tu: lo deve sbloccare un collega."), "error")
    except Refusal as refusal:
        if refusal.reason != "CODES_DISABLED":
            raise
        flash(_("I codici sono disattivati: il cellulare va abbinato di nuovo con un cambio di recapito."), "error")
    else:
        flash(_("Blocchi tolti: il cliente può riprovare subito."), "good")
    return web.see("customers.show", customer_id=customer_id)


@pages.get("/<customer_id>/sblocco")
def back(customer_id: str) -> Response:
    """The address of the form, opened as a page: the customer."""
    return web.see("customers.show", customer_id=customer_id)


def _shown(found: operator_pb2.ExplainSignInResponse) -> str:
    liftable = any(obstacle.code in LIFTED for obstacle in found.obstacles)
    disabled = any(obstacle.code == "CODES_DISABLED" for obstacle in found.obstacles)
    return render_template(
        "customers/customer.html", found=found, may_unlock=liftable and not disabled and g.operator.may_supervise
    )


def _fault(typed: str, text: str) -> tuple[str, int]:
    return render_template("customers/find.html", typed=typed, fault=text), 422
