"""I tuoi accessi: where the customer is signed in and which devices they trust, and an end to each."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from recapito.auth.v1 import session_pb2

from recapito_portal import browser
from recapito_portal.services import services
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web import call, see

pages = Blueprint("account", __name__, url_prefix="/accessi")
LONGEST_ID: Final = 64


@pages.get("")
@browser.signed_in
def overview() -> browser.Page:
    """Sessions and trusted devices, the last used first."""
    sessions = call(services().accounts.ListSessions, session_pb2.ListSessionsRequest(), browser.token()).sessions
    devices = call(services().accounts.ListDevices, session_pb2.ListDevicesRequest(), browser.token()).devices
    return render_template("account/overview.html", sessions=sessions, devices=devices)


@pages.post("/sessione")
@browser.signed_in
def end_session() -> browser.Page:
    """Ends one session. One that ended by itself meanwhile is no fault."""
    message = session_pb2.EndSessionRequest(session_id=request.form.get("session_id", "-")[:LONGEST_ID])
    try:
        call(services().accounts.EndSession, message, browser.token())
    except Refusal as refusal:
        if refusal.kind is not Kind.NOT_FOUND:
            raise
    flash(_("Quell'accesso è terminato."), "good")
    return see("account.overview")


@pages.post("/dispositivo")
@browser.signed_in
def forget_device() -> browser.Page:
    """Trusts a device no more. One that was forgotten already is no fault."""
    message = session_pb2.ForgetDeviceRequest(device_id=request.form.get("device_id", "")[:LONGEST_ID])
    try:
        call(services().accounts.ForgetDevice, message, browser.token())
    except Refusal as refusal:
        if refusal.kind is not Kind.NOT_FOUND:
            raise
    flash(_("Quel dispositivo non è più riconosciuto: al prossimo accesso chiederemo un codice."), "good")
    return see("account.overview")


@pages.post("/ovunque")
@browser.signed_in
def end_all() -> browser.Page:
    """Ends all sessions, this one too."""
    call(services().accounts.EndAllSessions, session_pb2.EndAllSessionsRequest(), browser.token())
    browser.leave()
    flash(_("Sei uscito dall'Area Clienti su tutti i dispositivi."), "good")
    return redirect("/", 303)
