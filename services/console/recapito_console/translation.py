"""The catalogue's functions, with the types that Flask-Babel doesn't give."""

import flask_babel


def _(text: str, **values: object) -> str:
    """The text in the reader's language."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int) -> str:
    """The text for that number of things, in the reader's language."""
    return str(flask_babel.ngettext(one, many, num))
