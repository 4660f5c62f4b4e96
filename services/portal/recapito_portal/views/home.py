"""The way in: what the area is, the signed-in customer's start page, the app's manifest, signing out."""

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, session, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from recapito.auth.v1 import session_pb2

from recapito_portal import browser, texts, typed
from recapito_portal.services import end_session, services
from recapito_servicekit.web import call, see

pages = Blueprint("home", __name__)


@pages.get("/")
def start() -> browser.Page:
    """What the area is for; who is signed in goes on to their own start page."""
    return see("home.area") if browser.token() else render_template("home/start.html")


@pages.get("/denuncia-online")
def online_claim() -> browser.Page:
    """The entry for those who come to file a claim: what they need first. After signing in they go on to it."""
    if browser.token():
        return see("claims.new")
    session["next"] = url_for("claims.new")
    return render_template("home/online_claim.html")


@pages.get("/area")
@browser.signed_in
def area() -> browser.Page:
    """The signed-in customer's start page. A session that ended is noticed here."""
    found = call(services().sessions.Introspect, session_pb2.IntrospectRequest(token=browser.token()))
    if not found.active:
        browser.leave()
        return browser.ask_to_sign_in("SESSION_ENDED")
    held = found.claims_held_until if found.HasField("claims_held_until") else None
    frozen = texts.of("CUSTOMER_FROZEN") if found.frozen else ""
    return render_template("home/area.html", held=held, frozen=frozen)


@pages.post("/esci")
def sign_out() -> browser.Page:
    """Ends the session there and here."""
    if browser.token():
        end_session(browser.token())
    browser.leave()
    typed.forget()
    flash(_("Sei uscito dall'Area Clienti."), "good")
    return redirect("/", 303)


@pages.get("/manifest.webmanifest")
def manifest() -> FlaskResponse:
    """What a phone needs to put the area among its apps."""
    icon: dict[str, Any] = {"src": url_for("static", filename="icon.svg"), "sizes": "any", "type": "image/svg+xml"}
    response = jsonify(
        id="/",
        name=_("Area Clienti"),
        short_name=_("Area Clienti"),
        start_url="/",
        scope="/",
        display="standalone",
        background_color="#f3f6f8",
        theme_color="#083f4a",
        icons=[icon, {**icon, "purpose": "maskable"}],
    )
    response.mimetype = "application/manifest+json"
    return response
