"""What a service found wrong, told next to the fields of a form."""

from collections.abc import Mapping
from typing import Any

from flask import session
from flask_wtf import FlaskForm
from wtforms import HiddenField

from recapito_portal import texts
from recapito_servicekit.errors import Refusal


def tell(form: FlaskForm, refusal: Refusal, names: Mapping[str, str] | None = None) -> None:
    """Adds the refusal's texts to the form: by field where it names one, on top where it doesn't.

    ``names``: the form's field for a path in the request, where it isn't the path's last part.
    """
    if not refusal.violations:
        add(form, "", texts.of_refusal(refusal))
    for violation in refusal.violations:
        field = (names or {}).get(violation.field, violation.field.rpartition(".")[2])
        add(form, field, texts.of(violation.reason))


def tell_file(form: FlaskForm, field: str, refusal: Refusal) -> None:
    """Adds what is wrong with a file to its own field, whatever the services call it."""
    found = [texts.of(violation.reason) for violation in refusal.violations] or [texts.of_refusal(refusal)]
    for text in found:
        add(form, field, text)


def add(form: FlaskForm, field: str, text: str) -> None:
    """Adds one text; to the top where the form has no such field, or none that is seen."""
    if field in form and not isinstance(form[field], HiddenField):
        form[field].errors = [*form[field].errors, text]
    else:
        form.form_errors.append(text)


def stash(**texts_by_field: str) -> None:
    """Keeps texts for the form of another page, which the browser is sent to next."""
    session["faults"] = texts_by_field


def show_stashed(form: FlaskForm) -> None:
    """Adds the kept texts to the form that they were kept for."""
    stashed: dict[str, Any] = session.pop("faults", {})
    for field, text in stashed.items():
        add(form, field, text)
