"""For supervisors: who the operators are, a new one, one who lost the credentials, one who leaves."""

from typing import Final

from flask import Blueprint, flash, g, render_template, request
from recapito.auth.v1 import operator_pb2
from werkzeug.wrappers import Response

from recapito_console.backend import ask, backend
from recapito_console.qr import image_of
from recapito_console.translation import _
from recapito_console.views.session import demand_supervisor
from recapito_servicekit import web
from recapito_servicekit.errors import Kind, Refusal

ROLES: Final = ("reviewer", "supervisor", "auditor")
LONGEST: Final = 100
Page = str | tuple[str, int] | Response

pages = Blueprint("operators", __name__, url_prefix="/operatori")
pages.before_request(demand_supervisor)


@pages.get("")
def show() -> str:
    """The operators."""
    return _list()


@pages.post("")
def create() -> Page:
    """Enrols an operator, and shows once what they need. Loading the page again enrols nobody: the name is taken then."""
    form = {name: request.form.get(name, "").strip() for name in ("name", "role", "customer_id")}
    faults = {}
    if not 1 <= len(form["name"]) <= LONGEST:
        faults["name"] = _("Scrivi un nome utente, al massimo 100 caratteri.")
    if form["role"] not in ROLES:
        faults["role"] = _("Scegli un ruolo.")
    if faults:
        return _list(form, faults), 422
    try:
        made: operator_pb2.CreateOperatorResponse = ask(
            backend().operators.CreateOperator, operator_pb2.CreateOperatorRequest(**form)
        )
    except Refusal as refusal:
        if refusal.kind is Kind.ALREADY_EXISTS:
            return _list(form, {"name": _("C'è già un operatore con questo nome utente.")}), 409
        if refusal.kind is Kind.INVALID_ARGUMENT:
            return _list(form, {violation.field: _("Controlla questo campo.") for violation in refusal.violations}), 422
        raise
    return render_template(
        "operators/enrolled.html", name=form["name"].casefold(), made=made, image=image_of(made.otpauth_uri), is_new=True
    )


@pages.route("/disabilita", methods=["GET", "POST"])
def disable() -> Page:
    """Asks first, then disables: nobody is enabled again."""
    name = request.form.get("name", "")
    if not name:
        return web.see("operators.show")
    if request.form.get("step") != "confirm":
        return render_template("operators/disable.html", name=name)
    try:
        ask(backend().operators.DisableOperator, operator_pb2.DisableOperatorRequest(name=name))
    except Refusal as refusal:
        if refusal.reason != "OWN_ACCOUNT":
            raise
        flash(_("Non puoi disabilitare te stesso: lo fa un altro supervisore."), "error")
    else:
        flash(_("%(name)s è disabilitato e le sue sessioni sono terminate.", name=name), "good")
    return web.see("operators.show")


@pages.route("/credenziali", methods=["GET", "POST"])
def reset() -> Page:
    """Asks first, then shows once what the colleague needs."""
    name = request.form.get("name", "")
    if not name:
        return web.see("operators.show")
    if request.form.get("step") != "confirm":
        return render_template("operators/reset.html", name=name)
    try:
        made: operator_pb2.ResetOperatorResponse = ask(
            backend().operators.ResetOperator, operator_pb2.ResetOperatorRequest(name=name)
        )
    except Refusal as refusal:
        if refusal.kind is not Kind.FAILED_PRECONDITION:
            raise
        text = _("Le tue le cambi dal tuo account; altrimenti lo fa un altro supervisore.")
        flash(text if refusal.reason == "OWN_ACCOUNT" else _("Chi è disabilitato resta disabilitato."), "error")
        return web.see("operators.show")
    return render_template("operators/enrolled.html", name=name, made=made, image=image_of(made.otpauth_uri), is_new=False)


def _list(form: dict[str, str] | None = None, faults: dict[str, str] | None = None) -> str:
    found: operator_pb2.ListOperatorsResponse = ask(backend().operators.ListOperators, operator_pb2.ListOperatorsRequest())
    listed = sorted(found.operators, key=lambda one: one.HasField("disabled_at"))
    return render_template(
        "operators/list.html", operators=listed, roles=ROLES, form=form or {}, faults=faults or {}, me=g.operator.name
    )
