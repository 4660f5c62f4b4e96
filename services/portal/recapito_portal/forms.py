"""The forms. They ask whether something is there; what may be taken, the services decide."""

# mypy: allow-subclassing-any

import re
from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, PasswordField, RadioField, SelectChoice, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from recapito_portal import texts

CODE_DIGITS = range(6, 11)  # what the services may be set to
_CODE = re.compile(r"(?<![0-9])[0-9]{6,10}(?![0-9])")
_BETWEEN = re.compile(r"[\s.\u2010-\u2015\u200b\u2060\ufeff-]")


def _there(text: Any) -> list[Any]:
    return [InputRequired(text), Length(max=256, message=_l("Il testo è troppo lungo."))]


def _pasted(typed: str | None) -> str | None:
    """The code alone: without what people put between digits, or out of the whole message, where it stands twice."""
    if not typed:
        return typed
    plain = _BETWEEN.sub("", typed)
    runs = set(_CODE.findall(typed))
    return runs.pop() if not plain.isdecimal() and len(runs) == 1 else plain


def choices(texts_by_value: Mapping[Any, Any]) -> list[SelectChoice]:
    """One of the values that have words."""
    return [SelectChoice(str(value), text) for value, text in texts_by_value.items()]


class ActionForm(FlaskForm):
    """A button: nothing but the CSRF token."""


class PersonTypeForm(FlaskForm):
    """Step 1 of the registration."""

    person_type = RadioField(
        _l("Che persona sei?"),
        choices=choices(texts.PERSON_TYPES),
        validators=[InputRequired(_l("Scegli Persona fisica o Azienda."))],
    )


class PersonNameForm(FlaskForm):
    """Step 2, a natural person."""

    given_name = StringField(_l("Nome"), _there(_l("Scrivi il nome.")), render_kw={"autocomplete": "given-name"})
    family_name = StringField(_l("Cognome"), _there(_l("Scrivi il cognome.")), render_kw={"autocomplete": "family-name"})


class CompanyNameForm(FlaskForm):
    """Step 2, a company."""

    family_name = StringField(
        _l("Ragione sociale"), _there(_l("Scrivi la ragione sociale.")), render_kw={"autocomplete": "organization"}
    )


class ContactForm(FlaskForm):
    """Step 3: the user name."""

    contact = StringField(
        _l("Email o numero di cellulare"),
        _there(_l("Scrivi l'email o il numero di cellulare.")),
        description=_l("Il numero di cellulare va scritto senza punti e senza +39."),
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )


class CodeForm(FlaskForm):
    """A code that was sent. Pasted as it stands in the message it is fine, too; a wrong number of digits is told here, so that
    it costs no attempt.
    """

    code = StringField(
        _l("Codice di verifica"),
        [InputRequired(_l("Inserisci il codice di verifica."))],
        filters=[_pasted],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code-input", "spellcheck": "false"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.code.description = gettext("%(digits)d cifre.", digits=current_app.config["OTP_LENGTH"])

    def validate_code(self, field: StringField) -> None:
        """Raises ValidationError where it can't be a code at all."""
        typed = field.data or ""
        if len(typed) not in CODE_DIGITS or not typed.isdecimal() or not typed.isascii():
            raise ValidationError(gettext("Il codice è composto da %(digits)d cifre.", digits=current_app.config["OTP_LENGTH"]))


class SignInCodeForm(CodeForm):
    """The code of a sign-in, and whether this device is to be trusted."""

    trust_device = BooleanField(_l("Ricorda questo dispositivo"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trust_device.description = ngettext(
            "Per un giorno, su questo browser, di norma ti basterà la password. Non sceglierlo su un dispositivo condiviso.",
            "Per %(num)d giorni, su questo browser, di norma ti basterà la password. Non sceglierlo su un dispositivo condiviso.",
            current_app.config["TRUSTED_DEVICE_DAYS"],
        )


class NewPasswordForm(FlaskForm):
    """A password that is chosen: in a registration, or where the old one is lost."""

    password = PasswordField(
        _l("Password"), [InputRequired(_l("Scegli una password."))], render_kw={"autocomplete": "new-password"}
    )


class UsernameForm(FlaskForm):
    """Whose password is lost."""

    username = StringField(
        _l("Nome utente"),
        _there(_l("Scrivi il nome utente.")),
        description=_l("L'email o il numero di cellulare con cui ti sei registrato."),
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )


class SignInForm(UsernameForm):
    """User name and password."""

    password = PasswordField(
        _l("Password"), [InputRequired(_l("Scrivi la password."))], render_kw={"autocomplete": "current-password"}
    )


class ChangePasswordForm(FlaskForm):
    """The password now, and the one that is chosen."""

    old_password = PasswordField(
        _l("Password attuale"),
        [InputRequired(_l("Scrivi la password attuale."))],
        render_kw={"autocomplete": "current-password"},
    )
    new_password = PasswordField(
        _l("Nuova password"), [InputRequired(_l("Scegli una password."))], render_kw={"autocomplete": "new-password"}
    )


class NewEmailForm(FlaskForm):
    """The new email."""

    new_email = StringField(
        _l("Nuova email"),
        _there(_l("Scrivi un'email.")),
        render_kw={"type": "email", "autocomplete": "email", "spellcheck": "false"},
    )


class NewMobileForm(FlaskForm):
    """The wished mobile, and why; where no mobile is on file, the reason is known and its field is taken out."""

    reason = RadioField(
        _l("Perché vuoi aggiornare il recapito?"),
        choices=choices(texts.CHANGE_REASONS),
        validators=[InputRequired(_l("Scegli un motivo."))],
    )
    new_mobile = StringField(
        _l("Recapito cellulare che desideri"),
        _there(_l("Scrivi il numero di cellulare.")),
        description=_l("Inserisci il numero senza punti e senza +39, per esempio 3201234519."),
        render_kw={"type": "tel", "autocomplete": "tel-national"},
    )


class DocumentTypeForm(FlaskForm):
    """Which identity document."""

    type = RadioField(
        _l("Quale documento alleghi?"),
        choices=choices(texts.DOCUMENT_TYPES),
        validators=[InputRequired(_l("Scegli un documento."))],
    )


class IdentityForm(FlaskForm):
    """The document's data and pictures, and the email that is told."""

    request_id = HiddenField()
    number = StringField(
        _l("Numero del documento"),
        _there(_l("Scrivi il numero del documento.")),
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    issuer = StringField(
        _l("Rilasciato da"),
        _there(_l("Scrivi chi ha rilasciato il documento.")),
        description=_l("Per esempio: Comune di Roma, Ministero dell'Interno, Questura di Milano, MIT-UCO."),
        render_kw={"autocomplete": "off"},
    )
    issued_on = StringField(
        _l("Data di rilascio"), _there(_l("Scrivi la data di rilascio.")), render_kw={"type": "date", "autocomplete": "off"}
    )
    expires_on = StringField(
        _l("Data di scadenza"), _there(_l("Scrivi la data di scadenza.")), render_kw={"type": "date", "autocomplete": "off"}
    )
    front = FileField(_l("Fronte"))
    back = FileField(_l("Retro"))
    notify_email = StringField(
        _l("Email a cui avvisarti"),
        _there(_l("Scrivi un'email.")),
        description=_l("Ti scriveremo qui l'esito. Non sostituisce l'email registrata sui nostri sistemi."),
        render_kw={"type": "email", "autocomplete": "email", "spellcheck": "false"},
    )


class AnswerForm(FlaskForm):
    """The answer to an operator's question."""

    request_id = HiddenField()
    text = TextAreaField(
        _l("La tua risposta"),
        [Length(max=2000, message=_l("Scrivi al massimo 2.000 caratteri."))],
        description=_l("Al massimo 2.000 caratteri; non serve se basta un file."),
        render_kw={"rows": 5},
    )
    first = FileField(_l("Primo file (facoltativo)"))
    second = FileField(_l("Secondo file (facoltativo)"))
