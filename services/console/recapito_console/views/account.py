"""For every operator: their own password, authenticator app and recovery codes."""

from typing import Final

from flask import Blueprint, flash, g, redirect, render_template, request
from recapito.auth.v1 import operator_pb2
from werkzeug.wrappers import Response

from recapito_console.backend import ask, backend
from recapito_console.qr import image_of
from recapito_console.texts_accounts import password_fault
from recapito_console.translation import _
from recapito_console.views.session import demand_operator, is_first_password, keep
from recapito_servicekit import web
from recapito_servicekit.errors import Kind, Refusal

LONGEST: Final = 100
Page = str | tuple[str, int] | Response

pages = Blueprint("account", __name__)


@pages.before_request
def demand() -> Response | None:
    """An operator, and for a first password the session that changes it."""
    if request.endpoint not in ("account.first", "account.choose"):
        demand_operator()
    elif not is_first_password():
        return web.see("account.show")
    return None


@pages.get("/prima-password")
def first() -> str:
    """The password that a supervisor or a command made must go before anything else is shown."""
    return _first({})


@pages.post("/prima-password")
def choose() -> Page:
    """Takes the operator's own password; from here on the session opens everything."""
    faults, session = _change("")
    if session is None:
        return _first(faults), 422
    response = redirect(web.local_path(request.form.get("back", "")), 303)
    keep(response, session.token)
    return response


@pages.get("/account")
def show() -> str:
    """What an operator can change."""
    return render_template("account/show.html")


@pages.get("/account/password")
def password() -> str:
    """The form."""
    return render_template("account/password.html", faults={})


@pages.post("/account/password")
def change_password() -> Page:
    """Takes another password; every other session of the operator ends."""
    faults, session = _change(_typed_code())
    if session is None:
        return render_template("account/password.html", faults=faults), 422
    flash(_("La password è cambiata e gli altri tuoi accessi sono terminati."), "good")
    response = web.see("account.show")
    keep(response, session.token)
    return response


@pages.get("/account/app")
def app() -> str:
    """What another authenticator app takes."""
    return render_template("account/app.html", fault="")


@pages.post("/account/app")
def start_app() -> Page:
    """A new secret, shown once; the app in use stays until the new one has shown a code."""
    try:
        started: operator_pb2.StartTotpChangeResponse = ask(
            backend().operators.StartTotpChange, operator_pb2.StartTotpChangeRequest(totp=_typed_code())
        )
    except Refusal as refusal:
        fault, status = _code_fault(refusal, _("Il codice non è giusto, oppure è già stato usato: aspetta il prossimo."))
        return render_template("account/app.html", fault=fault), status
    return render_template(
        "account/new_app.html",
        enrolment_id=started.enrolment_id,
        uri=started.otpauth_uri,
        image=image_of(started.otpauth_uri),
        fault="",
    )


@pages.post("/account/app/conferma")
def confirm_app() -> Page:
    """Puts the new app in the place of the old one, for a code that it shows."""
    enrolment_id = request.form.get("enrolment_id", "")[:LONGEST]
    message = operator_pb2.CompleteTotpChangeRequest(enrolment_id=enrolment_id, totp=_typed_code())
    try:
        done: operator_pb2.CompleteTotpChangeResponse = ask(backend().operators.CompleteTotpChange, message)
    except Refusal as refusal:
        if refusal.kind is Kind.NOT_FOUND:
            flash(_("È passato troppo tempo, oppure la nuova app è già confermata. Se serve, ricomincia."), "error")
            return web.see("account.app")
        fault, status = _code_fault(refusal, _("Non è il codice che mostra la nuova app. Aspetta il prossimo e riprova."))
        return render_template("account/new_app.html", enrolment_id=enrolment_id, uri="", image="", fault=fault), status
    flash(_("Da ora vale la nuova app. Gli altri tuoi accessi sono terminati."), "good")
    response = web.see("account.show")
    keep(response, done.session.token)
    return response


@pages.get("/account/app/conferma")
def confirm_again() -> Response:
    """Where the browser's own buttons lead: the secret is shown once."""
    return web.see("account.app")


@pages.get("/codici-di-recupero")
def codes() -> str:
    """What recovery codes are, and the button for new ones."""
    return render_template("account/codes.html", codes=[], fault="")


@pages.post("/codici-di-recupero")
def renew() -> Page:
    """New codes, shown once, for a code of the app."""
    message = operator_pb2.RenewRecoveryCodesRequest(totp=_typed_code())
    try:
        made: operator_pb2.RenewRecoveryCodesResponse = ask(backend().operators.RenewRecoveryCodes, message)
    except Refusal as refusal:
        fault, status = _code_fault(refusal, _("Il codice non è giusto, oppure è già stato usato: aspetta il prossimo."))
        return render_template("account/codes.html", codes=[], fault=fault), status
    return render_template("account/codes.html", codes=made.recovery_codes)


def _first(faults: dict[str, str]) -> str:
    back = web.local_path(request.values.get("back", ""))
    return render_template("account/first.html", name=g.operator_name, back=back, faults=faults)


def _change(code: str) -> tuple[dict[str, str], operator_pb2.OperatorSession | None]:
    """What is wrong with the form, by field; or the new session. Raises Refusal for everything else."""
    new = request.form.get("new_password", "")
    if new != request.form.get("repeated", ""):
        return {"repeated": _("Le due password non sono uguali: riscrivile.")}, None
    message = operator_pb2.OperatorServiceChangePasswordRequest(
        old_password=request.form.get("old_password", ""), new_password=new, totp=code
    )
    try:
        done: operator_pb2.OperatorServiceChangePasswordResponse = ask(backend().operators.ChangePassword, message)
    except Refusal as refusal:
        if refusal.kind is Kind.RESOURCE_EXHAUSTED:
            return {"new_password": _too_many()}, None
        if refusal.kind is not Kind.INVALID_ARGUMENT:
            raise
        return {each.field: password_fault(each.field, each.reason) for each in refusal.violations}, None
    return {}, done.session


def _typed_code() -> str:
    return "".join(request.form.get("totp", "").split())[:LONGEST]


def _code_fault(refusal: Refusal, wrong: str) -> tuple[str, int]:
    if refusal.kind is Kind.INVALID_ARGUMENT:
        return wrong, 422
    if refusal.kind is Kind.RESOURCE_EXHAUSTED:
        return _too_many(), 429
    raise refusal


def _too_many() -> str:
    return _("Troppi tentativi. Riprova tra qualche minuto.")
