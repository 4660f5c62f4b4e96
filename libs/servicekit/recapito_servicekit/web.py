"""What the two front ends share: a Flask app with safe defaults, one look, one way to call services and to tell of errors."""

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import grpc
from flask import Flask, Response, current_app, g, redirect, render_template, request, send_from_directory, session, url_for
from flask_babel import Babel, get_locale
from flask_babel import gettext as _
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader
from prometheus_client import Counter, Histogram
from recapito.common.v1 import client_pb2
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RoutingException
from werkzeug.wrappers import Response as BaseResponse

from recapito_servicekit import keylists, lines, logs, traces
from recapito_servicekit.calling import channel
from recapito_servicekit.csrf import RotatedCSRFProtect
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.status import refusal_from
from recapito_servicekit.tls import Identity
from recapito_servicekit.web_door import Door
from recapito_servicekit.web_serving import WebSettings

log = logs.get(__name__)

PAGES = Counter("recapito_pages", "Pages answered", ["page", "status"])
SECONDS = Histogram("recapito_page_seconds", "Seconds a page took", ["page"])

HERE: Final = Path(__file__).parent
LANGUAGES: Final = {"it": "Italiano", "en": "English"}
DEVICE_COOKIE: Final = "device"
UPLOADS: Final = "recapito_uploads"
HEALTH_SECONDS: Final = 1.0
PARENT_SECONDS: Final = 0.5
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(name: str, settings: WebSettings, most_bytes: int, uploads: Mapping[str, int] = MappingProxyType({})) -> Flask:
    """An app with cookies, CSRF, languages, headers and error pages.

    ``most_bytes``: the largest request that is read; ``uploads``: where it is another figure, by endpoint.
    """
    app = Flask(name)
    current, *older = keylists.listed(settings.secret_key)
    app.config.update(
        SECRET_KEY=current,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME=_named(name.removeprefix("recapito_"), secure=settings.cookie_secure),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=most_bytes,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        MAX_FORM_PARTS=200,
        TRUSTED_HOSTS=[host.strip() for host in settings.trusted_hosts.split(",")],
        BOOTSTRAP_SERVE_LOCAL=True,
        BABEL_DEFAULT_LOCALE="it",
        BABEL_TRANSLATION_DIRECTORIES=f"translations;{HERE / 'translations'}",
        BABEL_DEFAULT_TIMEZONE="Europe/Rome",
        WTF_CSRF_TIME_LIMIT=None,
    )
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies, x_host=0)  # type: ignore[method-assign]
    app.extensions[UPLOADS] = uploads

    @app.url_value_preprocessor  # before CSRFProtect, which reads the form
    def bound(endpoint: str | None, _values: object) -> None:
        request.max_content_length = uploads.get(endpoint or "", most_bytes)

    Bootstrap5(app)
    RotatedCSRFProtect(app)
    Babel(app, locale_selector=_language)
    _add_shared(app, settings)
    _add_headers(app, settings)
    _add_errors(app)
    return app


def behind_door(app: Flask, settings: WebSettings) -> Door:
    """The app as granian serves it."""
    uploads: Mapping[str, int] = app.extensions[UPLOADS]
    addresses = app.url_map.bind("localhost")

    def most_bytes(path: str) -> int:
        try:
            endpoint, _ = addresses.match(path.encode("latin-1").decode("utf-8", "replace"), "POST")
        except (HTTPException, RoutingException):
            endpoint = ""
        return uploads.get(endpoint, app.config["MAX_CONTENT_LENGTH"])

    return Door(app.wsgi_app, settings.blocking_threads, most_bytes)


def _language() -> str:
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(LANGUAGES), default="it") if request.accept_languages else "it"


def _add_shared(app: Flask, settings: WebSettings) -> None:
    app.jinja_loader = _loader(app)

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {
            "company": settings.company,
            "help_contact": settings.help_contact,
            "password_least": settings.password_least,
            "languages": LANGUAGES,
            "language": str(get_locale()),
            "page_url": request.full_path.rstrip("?"),
        }

    @app.before_request
    def identify() -> None:
        lines.clear()  # the thread's last page left its own
        g.started = time.perf_counter()
        g.span = traces.enter(f"{request.method} {_page_name()}", traces.Kind.SERVER)
        g.request_id = lines.bound()["request_id"]
        g.device_id = cookie(DEVICE_COOKIE) or secrets.token_urlsafe(16)

    @app.post("/lingua/<code>")
    def choose_language(code: str) -> BaseResponse:
        if code in LANGUAGES:
            session["language"] = code
        return redirect(local_path(request.form.get("back", "")), 303)

    @app.get("/shared/<path:filename>")
    def shared_static(filename: str) -> Response:
        return send_from_directory(HERE / "static", filename, max_age=3600)

    @app.get("/healthz")
    def healthz() -> str:
        return "alive\n"


def _page_name() -> str:
    """The page's name: as many as there are pages, whatever address somebody types."""
    return request.endpoint or "unknown"


def _loader(app: Flask) -> BaseLoader:
    own = app.jinja_loader
    return ChoiceLoader([*([own] if own else []), FileSystemLoader(HERE / "templates")])


def _add_headers(app: Flask, settings: WebSettings) -> None:
    @app.after_request
    def headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.cookie_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if not request.path.startswith(("/static", "/shared", "/bootstrap")):
            response.headers["Cache-Control"] = "no-store"
        _count(response.status_code)
        if not cookie(DEVICE_COOKIE) and "device_id" in g:
            set_cookie(response, DEVICE_COOKIE, g.device_id, life=timedelta(days=400))
        return response


def _named(name: str, *, secure: bool) -> str:
    """A cookie's name. Over HTTPS a browser believes ``__Host-`` of this very host alone: no neighbour under the same domain, and
    nobody on its plain HTTP, puts one of theirs in its place.
    """
    return f"__Host-{name}" if secure else name


def cookie(name: str) -> str:
    """The value of a cookie that ``set_cookie`` gave; empty: there is none."""
    return request.cookies.get(_named(name, secure=current_app.config["SESSION_COOKIE_SECURE"]), "")


def set_cookie(
    response: BaseResponse, name: str, value: str, *, life: timedelta | None = None, samesite: Literal["Lax", "Strict"] = "Lax"
) -> None:
    """Gives the browser a cookie that no script reads; an empty value takes it away. ``life``: None ends it with the browser."""
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    options: dict[str, Any] = {"secure": secure, "httponly": True, "samesite": samesite}
    if value:
        response.set_cookie(_named(name, secure=secure), value, max_age=life, **options)
    else:
        response.delete_cookie(_named(name, secure=secure), **options)


def _count(status: int) -> None:
    if "span" not in g:
        return  # a host that isn't ours: nothing was begun
    page_name = _page_name()
    PAGES.labels(page_name, str(status)).inc()
    SECONDS.labels(page_name).observe(time.perf_counter() - g.started)
    g.span.end(str(status) if status >= 500 else "")
    log.debug("page answered", page=page_name, status=status)


def _add_errors(app: Flask) -> None:
    @app.errorhandler(CSRFError)
    def csrf(error: CSRFError) -> tuple[str, int]:
        return page(400, _("La pagina è scaduta"), _("Torna indietro, ricarica la pagina e riprova."))

    @app.errorhandler(SecurityError)
    def foreign_host(error: SecurityError) -> Response:
        # a page cannot be built: for a host that isn't ours there are no addresses
        return Response("unknown host\n", 400, mimetype="text/plain")

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> tuple[str, int]:
        texts = {
            404: (_("Pagina non trovata"), _("L'indirizzo non porta a nessuna pagina.")),
            405: (_("Pagina non trovata"), _("L'indirizzo non porta a nessuna pagina.")),
            413: (_("I file sono troppo grandi"), _("Scegline di più piccoli e riprova.")),
        }
        title, text = texts.get(error.code or 500, (_("Richiesta non valida"), _("Torna indietro e riprova.")))
        return page(error.code or 500, title, text)

    app.register_error_handler(Refusal, refused)

    @app.errorhandler(grpc.RpcError)
    def failed(error: grpc.RpcError) -> tuple[str, int]:
        return refused(refusal_from(error))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> tuple[str, int]:
        log.error("page failed", exc_info=error)
        return page(500, _("Qualcosa è andato storto"), _("Non è colpa tua. Riprova tra qualche minuto."))


def page(status: int, title: str, text: str) -> tuple[str, int]:
    """The page of an error: what happened and what to do, with the request's id for whoever helps."""
    return render_template("recapito/error.html", title=title, text=text, request_id=g.get("request_id", "")), status


def refused(refusal: Refusal) -> tuple[str, int]:
    """The page of a refusal that no view told of in words of its own."""
    log.info("refused", reason=refusal.reason, kind=refusal.kind.value)
    if refusal.kind is Kind.NOT_FOUND:
        return page(404, _("Pagina non trovata"), _("L'indirizzo non porta a nessuna pagina."))
    if refusal.kind is Kind.INVALID_ARGUMENT:  # an address that nobody was given: a form tells of its own fields
        return page(400, _("Richiesta non valida"), _("Torna indietro e riprova."))
    if refusal.kind is Kind.RESOURCE_EXHAUSTED:
        return page(429, _("Troppe richieste"), _("Attendi qualche minuto e riprova."))
    return page(503, _("Servizio non disponibile"), _("Non è colpa tua. Riprova tra qualche minuto."))


def local_path(path: str, default: str = "/") -> str:
    """``path`` if it leads to a page of ours, else ``default``: nothing that a browser would read as another host."""
    own = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if own else default


def client() -> client_pb2.Client:
    """The person's device, for the services."""
    return client_pb2.Client(ip=request.remote_addr or "", device_id=g.device_id, user_agent=request.user_agent.string[:512])


def call(method: Callable[..., Any], message: Any, token: str = "", timeout: float | None = None) -> Any:
    """Calls an RPC for the page; with ``token`` its person acts. Raises Refusal, whatever went wrong."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        return method(message, metadata=metadata, timeout=timeout)
    except grpc.RpcError as error:
        raise refusal_from(error) from None


def open_channel(address: str, settings: WebSettings) -> grpc.Channel:
    """A channel to a service; opened in the process that serves, never before a fork."""
    return channel(address, Identity.read(settings))


def answering(*channels: grpc.Channel) -> Callable[[], bool]:
    """What says for /readyz whether the service behind every channel is SERVING. It raises RpcError where one isn't there."""
    stubs = [health_pb2_grpc.HealthStub(each) for each in channels]

    def answer() -> bool:
        answers = (stub.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_SECONDS) for stub in stubs)
        return all(each.status == health_pb2.HealthCheckResponse.SERVING for each in answers)

    return answer


def see(endpoint: str, **values: Any) -> BaseResponse:
    """Sends the browser on after a form, so that a reload repeats nothing."""
    return redirect(url_for(endpoint, **values), 303)


def end_with_parent() -> None:
    """Ends this process when the one that started it is gone: a worker that outlives a killed master would keep the port."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()
