"""What was typed on a page of a claim when its session had ended: shown again after the sign-in, to its customer alone.

Where scripts run, a draft saves itself as it is typed. Without them the form would be lost with the session, and nobody here
may keep it: the portal has no store, and the session is dead. So the browser keeps it, sealed with the portal's key, sent to
claims' pages alone, for half an hour and once. It is shown on the very page that it was typed on: a draft's page is its owner's
(claims says NOT_FOUND to anybody else before it is opened), the page of a draft that is none yet carries a sealed owner.
"""

import base64
import json
import zlib
from datetime import timedelta
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, Response, current_app, g, request

COOKIE: Final = "typed"
PATH: Final = "/denunce"
LIFE: Final = timedelta(minutes=30)
MOST: Final = 3_900  # of a cookie's 4,096 bytes; a full page of text is half of it, for it is packed
PAGES: Final = ("claims.new", "claims.details", "claims.expenses", "claims.answer")
NOT_KEPT: Final = ("csrf_token", "owner")


def install(app: Flask) -> None:
    """Has the cookie set or dropped with the answer to the request that asked for it."""

    @app.after_request
    def write(response: Response) -> Response:
        options = {"path": PATH, "secure": app.config["SESSION_COOKIE_SECURE"], "httponly": True, "samesite": "Lax"}
        if g.get("typed"):
            response.set_cookie(COOKIE, g.typed, max_age=LIFE, **options)
        elif "typed" in g:
            response.delete_cookie(COOKIE, **options)
        return response


def keep() -> bool:
    """Keeps the form of this request, where it is one of a claim's. False: it isn't, or it is too long."""
    if request.method != "POST" or request.endpoint not in PAGES or "X-Autosave" in request.headers:
        return False
    fields = {name: value for name, value in request.form.items() if name not in NOT_KEPT}
    said = json.dumps([request.path, request.form.get("owner", ""), fields], ensure_ascii=False)
    sealed = _seal().encrypt(zlib.compress(said.encode(), 9)).decode()
    if len(sealed) > MOST:
        return False
    g.typed = sealed
    return True


def forget() -> None:
    """Drops what is kept."""
    g.typed = ""


def given_back(customer_id: str = "") -> dict[str, str]:
    """What was typed on this page, once; else nothing. ``customer_id``: whose it must be, where the page itself is nobody's."""
    sealed = request.cookies.get(COOKIE, "")
    if not sealed or request.method != "GET":
        return {}
    path, owner, fields = _opened(sealed)
    if path != request.path or (customer_id and owner_of(owner) != customer_id):
        return {}
    forget()
    return fields


def owner(customer_id: str) -> str:
    """A customer's id, sealed, for a hidden field."""
    return _seal().encrypt(customer_id.encode()).decode()


def owner_of(sealed: str) -> str:
    """The id again; empty: it isn't one that we sealed within the session's longest life."""
    try:
        return _seal().decrypt(sealed.encode(), ttl=12 * 3600).decode()
    except InvalidToken:
        return ""


def _opened(sealed: str) -> tuple[str, str, dict[str, str]]:
    try:
        path, owner, fields = json.loads(zlib.decompress(_seal().decrypt(sealed.encode(), ttl=int(LIFE.total_seconds()))))
    except InvalidToken:
        return "", "", {}
    return path, owner, fields


def _seal() -> MultiFernet:
    keys = [current_app.secret_key, *(current_app.config["SECRET_KEY_FALLBACKS"] or ())]
    return MultiFernet([Fernet(_derived(str(key))) for key in keys])


def _derived(key: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"recapito typed forms 1").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
