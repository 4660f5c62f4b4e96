"""The console as a Flask app."""

from typing import Final

from flask import Flask, g
from werkzeug.wrappers import Response

from recapito_console import texts, texts_accounts
from recapito_console.backend import EXTENSION, Backend, NotAllowed, PasswordChangeRequired, SessionEnded
from recapito_console.settings import ConsoleSettings
from recapito_console.translation import _
from recapito_console.views import account, case, customers, documents, operators, progress, queue, session
from recapito_servicekit import logs, management, web
from recapito_servicekit.clock import system_clock
from recapito_servicekit.settings import load
from recapito_servicekit.web_door import Door

MOST_BYTES: Final = 64 * 1024  # no page takes a file


def create() -> Door:
    """The app that serves, with its channels and its management port; called in the process that serves."""
    settings = load(ConsoleSettings, "console")
    web.end_with_parent()
    logs.configure(settings, "console")
    auth = web.open_channel(settings.auth_address, settings)
    contact_change = web.open_channel(settings.contact_change_address, settings)
    management.serve_plain(settings.metrics_bind, web.answering(auth, contact_change))
    return web.behind_door(build(settings, Backend.over(auth, contact_change, system_clock)), settings)


def build(settings: ConsoleSettings, backend: Backend) -> Flask:
    """The app over a backend."""
    app = web.create_app("recapito_console", settings, MOST_BYTES)
    app.extensions[EXTENSION] = backend
    of_cases = (session.pages, queue.pages, case.pages, documents.pages, progress.pages)
    for blueprint in (*of_cases, account.pages, customers.pages, operators.pages):
        app.register_blueprint(blueprint)
    texts.add_to(app)
    texts_accounts.add_to(app)

    @app.context_processor
    def operator() -> dict[str, object]:
        return {"operator": g.get("operator"), "now": backend.clock()}

    @app.get("/")
    def home() -> Response:
        return web.see("queue.show")

    @app.errorhandler(SessionEnded)
    def ended(error: SessionEnded) -> Response:
        return session.to_sign_in()

    @app.errorhandler(PasswordChangeRequired)
    def password_change_required(error: PasswordChangeRequired) -> Response:
        return web.see("account.first")

    @app.errorhandler(NotAllowed)
    def not_allowed(error: NotAllowed) -> tuple[str, int]:
        return web.page(403, _("Non consentito"), _("Il tuo ruolo non permette questa operazione."))

    return app
