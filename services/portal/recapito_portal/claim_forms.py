"""The forms of Denuncia Online, a page each. They ask whether something is there; what may be taken, claims decides."""

# mypy: allow-subclassing-any

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from recapito_portal import claim_texts
from recapito_portal.forms import choices

_DATE = {"type": "date"}
_CODE = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}


def _there(text: Any) -> list[Any]:
    return [InputRequired(text), _short()]


def _maybe() -> list[Any]:
    return [Optional(), _short()]


def _short() -> Length:
    return Length(max=256, message=_l("Il testo è troppo lungo."))


class PartForm(FlaskForm):
    """A page of a draft."""

    request_id = HiddenField()
    version = HiddenField()


class EventForm(PartForm):
    """What happened. ``owner``: who opened it, sealed, for a form that outlives its session."""

    owner = HiddenField()

    kind = RadioField(
        _l("Tipo di denuncia"),
        choices=choices(claim_texts.CLAIM_KINDS),
        validators=[InputRequired(_l("Scegli il tipo di denuncia."))],
    )
    event_date = StringField(
        _l("Data dell'evento"),
        _there(_l("Scrivi la data dell'evento.")),
        description=_l("Il giorno della visita, della cura o dell'infortunio."),
        render_kw=_DATE,
    )
    policy_number = RadioField(
        _l("Polizza"),
        validators=[InputRequired(_l("Scegli la polizza."))],
        description=_l("Quella che copre la spesa. Il numero è sul contratto o sulla tessera."),
        validate_choice=False,  # whether it is theirs, claims decides
    )
    description = TextAreaField(
        _l("Che cosa è successo (facoltativo)"),
        [Length(max=1000, message=_l("Scrivi al massimo 1.000 caratteri."))],
        description=_l("Al massimo 1.000 caratteri."),
        render_kw={"rows": 4},
    )


class BeneficiaryForm(PartForm):
    """Who had the care."""

    kinship = RadioField(
        _l("Per chi erano le cure?"),
        choices=choices(claim_texts.KINSHIPS),
        validators=[InputRequired(_l("Scegli per chi erano le cure."))],
    )
    given_name = StringField(_l("Nome del familiare"), _maybe())
    family_name = StringField(_l("Cognome del familiare"), _maybe())
    codice_fiscale = StringField(
        _l("Codice fiscale del familiare"),
        _maybe(),
        description=_l("16 caratteri: lo trovi sulla tessera sanitaria."),
        render_kw=_CODE,
    )


class AccidentForm(PartForm):
    """How an accident happened."""

    place = StringField(
        _l("Dove è successo"), _there(_l("Scrivi dove è successo.")), description=_l("Per esempio: Roma, via Appia, in strada.")
    )
    cause = TextAreaField(
        _l("Che cosa l'ha causato"),
        [InputRequired(_l("Scrivi che cosa l'ha causato.")), Length(max=300, message=_l("Scrivi al massimo 300 caratteri."))],
        description=_l("Al massimo 300 caratteri. Per esempio: una caduta dalla bicicletta."),
        render_kw={"rows": 3},
    )
    third_party = RadioField(
        _l("È responsabile qualcun altro?"),
        choices=choices(claim_texts.ANSWERS),
        validators=[InputRequired(_l("Scegli sì o no."))],
    )
    third_party_name = StringField(_l("Chi, se lo sai (facoltativo)"), _maybe())


class AdmissionForm(PartForm):
    """A stay in a hospital."""

    admitted = RadioField(
        _l("C'è stato un ricovero?"),
        choices=choices(claim_texts.ANSWERS),
        validators=[InputRequired(_l("Scegli sì o no."))],
    )
    provider = StringField(_l("Ospedale o clinica"), _maybe(), description=_l("Come scritto sulla lettera di dimissioni."))
    admitted_on = StringField(_l("Data del ricovero"), _maybe(), render_kw=_DATE)
    discharged_on = StringField(_l("Data delle dimissioni"), _maybe(), render_kw=_DATE)


class PaymentForm(PartForm):
    """Where to pay, and who else pays."""

    iban = StringField(
        _l("IBAN per il rimborso"),
        _there(_l("Scrivi l'IBAN.")),
        description=_l("27 caratteri che iniziano con IT; gli spazi non contano."),
        render_kw=_CODE,
    )
    iban_holder = StringField(
        _l("Intestatario del conto"), _there(_l("Scrivi l'intestatario del conto.")), render_kw={"autocomplete": "name"}
    )
    exists = RadioField(
        _l("Un'altra assicurazione copre le stesse spese?"),
        choices=choices(claim_texts.ANSWERS),
        validators=[InputRequired(_l("Scegli sì o no."))],
    )
    insurer = StringField(_l("Quale assicurazione"), _maybe())


class ExpenseForm(PartForm):
    """One expense."""

    category = SelectField(
        _l("Tipo di spesa"),
        choices=[SelectChoice("", _l("Scegli…")), *choices(claim_texts.CATEGORIES)],
        validators=[InputRequired(_l("Scegli il tipo di spesa."))],
    )
    provider = StringField(
        _l("Chi hai pagato"),
        _there(_l("Scrivi chi hai pagato.")),
        description=_l("Il medico, la struttura o la farmacia, come scritto sulla fattura."),
    )
    document_number = StringField(_l("Numero della fattura"), _there(_l("Scrivi il numero della fattura.")))
    document_date = StringField(_l("Data della fattura"), _there(_l("Scrivi la data della fattura.")), render_kw=_DATE)
    amount = StringField(
        _l("Importo in euro"),
        _there(_l("Scrivi l'importo.")),
        description=_l("Per esempio 123,45."),
        render_kw={"inputmode": "decimal"},
    )


class AttachmentForm(FlaskForm):
    """Attachments of one kind."""

    kind = SelectField(
        _l("Che documento è"),
        choices=[SelectChoice("", _l("Scegli…")), *choices(claim_texts.ATTACHMENT_KINDS)],
        validators=[InputRequired(_l("Scegli che documento è."))],
    )
    document = MultipleFileField(
        _l("File"), description=_l("Scatta una foto o scegli fino a 4 file: JPEG, PNG o PDF, al massimo 8 MB l'uno.")
    )


class DeclarationForm(PartForm):
    """What is declared by filing."""

    truthful = BooleanField(
        _l("Dichiaro che i dati sono veri, che le fatture sono pagate e che conservo gli originali"),
        description=_l("Le dichiarazioni false hanno conseguenze di legge."),
    )
    health_data = BooleanField(
        _l("Ho letto l'informativa sull'uso dei dati sulla salute"),
        description=_l("Servono solo per valutare e pagare questa denuncia."),
    )


class ClaimAnswerForm(FlaskForm):
    """The answer to a question about a claim."""

    request_id = HiddenField()
    text = TextAreaField(
        _l("La tua risposta"),
        [Length(max=2000, message=_l("Scrivi al massimo 2.000 caratteri."))],
        description=_l("Al massimo 2.000 caratteri; non serve se bastano i file."),
        render_kw={"rows": 5},
    )
    document = MultipleFileField(
        _l("File (facoltativo)"),
        description=_l("Scatta una foto o scegli fino a 4 file: JPEG, PNG o PDF, al massimo 8 MB l'uno."),
    )
