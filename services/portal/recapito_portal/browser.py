"""What the customer's browser keeps for us: the session's token, a trusted device's, and where each journey stands.

Each token has an opaque cookie of its own. The rest lies in Flask's signed cookie, readable by the customer alone: ids, tokens
and contacts, never a password, a code or a document's data.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final, ParamSpec

from flask import Flask, Response, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from recapito_servicekit import web

TOKEN_COOKIE: Final = "session"
DEVICE_TOKEN_COOKIE: Final = "trusted_device"
KEPT: Final = ("language", "next")  # what outlives a sign-in
P = ParamSpec("P")
Page = str | tuple[str, int] | BaseResponse


def install(app: Flask) -> None:
    """Has the tokens' cookies set or dropped with the answer to the request that asked for it."""

    @app.after_request
    def write(response: Response) -> Response:
        trusted = timedelta(days=app.config["TRUSTED_DEVICE_DAYS"])
        for name, noted, life in ((TOKEN_COOKIE, "new_token", None), (DEVICE_TOKEN_COOKIE, "new_device_token", trusted)):
            if noted in g:
                web.set_cookie(response, name, g.get(noted), life=life)
        return response


def token() -> str:
    """The session's token; empty: nobody is signed in."""
    return str(g.get("new_token", web.cookie(TOKEN_COOKIE)))


def device_token() -> str:
    """The token of this device, where it is a trusted one; empty: it isn't."""
    return web.cookie(DEVICE_TOKEN_COOKIE)


def trust_device(new_token: str) -> None:
    """Takes the token of a device that is trusted from now on; empty: it is trusted no more."""
    g.new_device_token = new_token


def enter(new_token: str) -> None:
    """Takes the token of a new session, and forgets all journeys and forms that were begun before it."""
    forget_journeys()
    g.new_token = new_token


def replace_token(new_token: str) -> None:
    """Takes the new token of the same session; journeys go on."""
    g.new_token = new_token


def leave() -> None:
    """Forgets the session and all journeys."""
    forget_journeys()
    session.pop("next", None)
    g.new_token = ""


def forget_journeys() -> None:
    """Empties the signed cookie but for the language and the page to return to; forms get a new CSRF token with it."""
    kept = {name: session[name] for name in KEPT if name in session}
    session.clear()
    session.update(kept)


def journey(name: str) -> dict[str, Any]:
    """Where a journey stands; empty: it wasn't begun."""
    return dict(session.get(name, {}))


def keep(name: str, **values: Any) -> None:
    """Notes more of a journey."""
    session[name] = {**session.get(name, {}), **values}


def drop(*names: str) -> None:
    """Ends journeys."""
    for name in names:
        session.pop(name, None)


def signed_in(view: Callable[P, Page]) -> Callable[P, Page]:
    """Sends whoever has no session to sign in first, and back here afterwards."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Page:
        return view(*args, **kwargs) if token() else ask_to_sign_in("SIGN_IN_FIRST")

    return guarded


def ask_to_sign_in(why: str) -> BaseResponse:
    """To the sign-in page, which says why, and afterwards back here."""
    session["next"] = this_page()
    return redirect(url_for("sign_in.start", perche=why), 303)


def this_page() -> str:
    """The path that shows what this request is about; where that is a mere button, the page that holds it."""
    is_page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    return request.full_path.rstrip("?") if is_page else request.path.rpartition("/")[0]
