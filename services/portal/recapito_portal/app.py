"""The portal's app: shared defaults, the stubs, the journeys' pages."""

from typing import Any, Final

from flask import Flask

from recapito_portal import browser, texts, typed
from recapito_portal.services import Services
from recapito_portal.settings import PortalSettings
from recapito_portal.uploads import FILE_BYTES, FILES
from recapito_portal.views import (
    account,
    claims,
    contact_change,
    credentials,
    home,
    question,
    recovery,
    registration,
    repudiation,
    sign_in,
    step_up,
)
from recapito_servicekit import logs, management, settings, web
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web_door import Door

FORM_BYTES: Final = 256 * 1024
# where files come in; nothing large is read for any other page
OF_CHANGES: Final = ("contact_change.identity", "question.answer")
OF_CLAIMS: Final = ("claims.attachments", "claims.answer", "claims.more_documents")


def create() -> Door:
    """What granian serves: settings from the environment, channels and the management port in the serving process."""
    told = settings.load(PortalSettings, "portal")
    web.end_with_parent()
    logs.configure(told, "portal")
    addresses = (told.auth_address, told.contact_change_address, told.claims_address)
    auth, contact_change, claims_channel = (web.open_channel(address, told) for address in addresses)
    management.serve_plain(told.metrics_bind, web.answering(auth, contact_change, claims_channel))
    return web.behind_door(build(told, Services.over(auth, contact_change, claims_channel)), told)


def build(told: PortalSettings, services: Services) -> Flask:
    """The app over given stubs."""
    document_bytes = told.document_mib * 1024 * 1024
    app = web.create_app("recapito_portal", told, FORM_BYTES, uploads_of(document_bytes))
    app.config["OTP_LENGTH"] = told.otp_length
    app.config["TRUSTED_DEVICE_DAYS"] = told.trusted_device_days
    app.extensions["services"] = services
    browser.install(app)
    typed.install(app)
    journeys = (
        home,
        registration,
        sign_in,
        recovery,
        step_up,
        account,
        credentials,
        contact_change,
        question,
        repudiation,
        claims,
    )
    for module in journeys:
        app.register_blueprint(module.pages)
    app.register_error_handler(Refusal, _refused)
    app.jinja_env.filters.update(moment=texts.moment, day=texts.day, mobile=texts.mobile, money=texts.money)

    @app.context_processor
    def shared() -> dict[str, Any]:
        figures = {name: getattr(told, name) for name in ("document_mib", "document_days", "repudiation_hours")}
        return {"is_signed_in": bool(browser.token()), **figures}

    return app


def uploads_of(document_bytes: int) -> dict[str, int]:
    """The largest request of each page that takes files. ``document_bytes``: of an identity document."""
    changes = dict.fromkeys(OF_CHANGES, FILES * document_bytes + FORM_BYTES)
    return {**changes, **dict.fromkeys(OF_CLAIMS, FILES * FILE_BYTES + FORM_BYTES)}


def _refused(refusal: Refusal) -> browser.Page:
    """A session that isn't fresh enough asks for a code, one that ended for a sign-in; anything else has a page of its own."""
    if refusal.kind is not Kind.UNAUTHENTICATED:
        return web.refused(refusal)
    if refusal.reason == "STEP_UP_REQUIRED" and browser.token():
        return step_up.ask()
    browser.leave()
    return browser.ask_to_sign_in("SESSION_ENDED_KEPT" if typed.keep() else "SESSION_ENDED")
