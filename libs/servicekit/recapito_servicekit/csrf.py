"""Forms' tokens under a key that is being rotated: Flask-WTF knows one key alone, Flask's cookies know older ones as well."""

from flask import current_app
from flask_wtf import CSRFProtect
from itsdangerous import BadData, URLSafeTimedSerializer

_SALT = "wtf-csrf-token"  # Flask-WTF's own


class RotatedCSRFProtect(CSRFProtect):  # type: ignore[misc]
    """Takes a form that was signed with a key of ``SECRET_KEY_FALLBACKS``, so that nobody's form is lost when the key changes."""

    def _get_csrf_token(self) -> str | None:
        token: str | None = super()._get_csrf_token()
        for key in current_app.config["SECRET_KEY_FALLBACKS"] or ():
            try:
                inner = URLSafeTimedSerializer(key, salt=_SALT).loads(token or "")
            except BadData:
                continue
            return str(URLSafeTimedSerializer(str(current_app.secret_key), salt=_SALT).dumps(inner))
        return token
