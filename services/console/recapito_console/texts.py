"""Words for what the services say in codes, and for instants, numbers and spans of time as operators read them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import phonenumbers
from flask import Flask
from flask_babel import LazyString, format_datetime
from flask_babel import lazy_gettext as _l
from google.protobuf.timestamp_pb2 import Timestamp
from recapito.contact_change.v1 import contact_change_pb2 as change

from recapito_console.translation import _, ngettext
from recapito_servicekit.times import from_timestamp

STATES: Final[Mapping[int, LazyString]] = {
    change.CHANGE_STATE_SUBMITTED: _l("Ricevuto"),
    change.CHANGE_STATE_IN_REVIEW: _l("Da decidere"),
    change.CHANGE_STATE_APPROVED: _l("Approvato, da registrare"),
    change.CHANGE_STATE_REJECTED: _l("Respinto"),
    change.CHANGE_STATE_APPLIED: _l("Approvato e registrato"),
}
FILTERS: Final[Mapping[str, LazyString]] = {
    "da-decidere": _l("Da decidere"),
    "approvati": _l("Da registrare"),
    "registrati": _l("Registrati"),
    "respinti": _l("Respinti"),
    "tutti": _l("Tutti"),
}
ROLES: Final[Mapping[str, LazyString]] = {
    "reviewer": _l("revisore"),
    "supervisor": _l("supervisore"),
    "auditor": _l("auditor, sola lettura"),
}
WISHES: Final[Mapping[int, LazyString]] = {
    change.REASON_NO_MOBILE: _l("Nessun cellulare in anagrafica"),
    change.REASON_NOT_RECOGNISED: _l("Non riconosce il numero in anagrafica"),
    change.REASON_REPLACE: _l("Ha un altro numero"),
}
FACTORS: Final[Mapping[str, LazyString]] = {
    "pwd": _l("password"),
    "otp_sms": _l("codice via SMS"),
    "otp_email": _l("codice via email"),
}
DOCUMENT_TYPES: Final[Mapping[int, LazyString]] = {
    change.DOCUMENT_TYPE_IDENTITY_CARD: _l("Carta d'identità"),
    change.DOCUMENT_TYPE_PASSPORT: _l("Passaporto"),
    change.DOCUMENT_TYPE_DRIVING_LICENCE: _l("Patente di guida"),
}
APPROVAL: Final = "DOCUMENT_MATCHES"
REASON_CODES: Final[Mapping[str, LazyString]] = {
    APPROVAL: _l("Il documento corrisponde"),
    "ANOTHER_PERSON": _l("Il documento è di un'altra persona"),
    "DOCUMENT_INVALID": _l("Il documento non è valido"),
    "SUSPECTED_FRAUD": _l("Sospetta frode"),
    "OTHER": _l("Altro motivo"),
}
FINDINGS: Final[Mapping[str, LazyString]] = {
    "DOCUMENT_EXPIRES_SOON": _l("Il documento scade entro 30 giorni dalla richiesta, o è già scaduto."),
    "SAME_MOBILE_OTHER_CUSTOMER": _l("Lo stesso numero compare già per un altro cliente."),
    "REGISTRY_CHANGED": _l("L'anagrafica è cambiata dopo l'approvazione: il caso è tornato qui. Rileggi questa colonna."),
}
ACTIONS: Final[Mapping[str, LazyString]] = {
    "submitted": _l("Richiesta inviata"),
    "opened": _l("Caso aperto dopo i controlli automatici"),
    "viewed": _l("Caso visto"),
    "document_viewed": _l("Documento visto"),
    "taken": _l("Caso preso in carico"),
    "decided": _l("Caso deciso"),
    "approved": _l("Richiesta approvata"),
    "rejected": _l("Richiesta respinta"),
    "returned": _l("Caso tornato da decidere"),
    "applied": _l("Nuovo cellulare registrato in anagrafica"),
    "notice_sent": _l("Avviso inviato"),
    "notice_failed": _l("Avviso rifiutato dal destinatario"),
}
DETAILS: Final[Mapping[str, LazyString]] = {
    **REASON_CODES,
    **FINDINGS,
    "APPROVE": _l("Approvata"),
    "REJECT": _l("Respinta"),
    "change_requested": _l("Richiesta ricevuta"),
    "change_approved": _l("Richiesta approvata"),
    "change_rejected": _l("Richiesta respinta"),
    "outcome_approved": _l("Esito: approvata"),
    "outcome_rejected": _l("Esito: respinta"),
    "EMAIL": _l("via email"),
    "SMS": _l("via SMS"),
}
VIEWED_PAGE: Final = re.compile(r"(\S+) page (\d+)")
ACTORS: Final[Mapping[str, LazyString]] = {"customer": _l("Cliente"), "system": _l("Sistema")}


def add_to(app: Flask) -> None:
    """Makes the words available to the templates."""
    app.jinja_env.filters.update(moment=moment, clock=clock, day=day, mobile=mobile, deadline=deadline, word=word)
    app.jinja_env.globals.update(
        STATES=STATES,
        FILTERS=FILTERS,
        ROLES=ROLES,
        WISHES=WISHES,
        FACTORS=FACTORS,
        REASON_CODES=REASON_CODES,
        APPROVAL=APPROVAL,
        ACTIONS=ACTIONS,
        ACTORS=ACTORS,
        detail=detail,
    )


def word(code: int | str, words: Mapping[Any, LazyString]) -> str:
    """The word for a code; a code that this version doesn't know stands for itself."""
    return str(words.get(code, code))


def detail(text: str) -> str:
    """The detail of a history entry in words; one that isn't made of known codes as it stands."""
    viewed = VIEWED_PAGE.fullmatch(text)
    if viewed:
        return _("pagina %(page)s del documento %(document)s", page=viewed[2], document=viewed[1][:8])
    parts = text.split()
    return "; ".join(word(part, DETAILS).rstrip(".") for part in parts) if any(part in DETAILS for part in parts) else text


def moment(stamp: Timestamp) -> str:
    """An instant in Rome's time: "22 nov 2026, 18:05"."""
    return str(format_datetime(from_timestamp(stamp), "d MMM y, HH:mm"))


def clock(stamp: Timestamp) -> str:
    """An instant of today in Rome's time: "18:05"."""
    return str(format_datetime(from_timestamp(stamp), "HH:mm"))


def day(iso: str) -> str:
    """A date YYYY-MM-DD the way that documents print it, 31/12/2030; anything else as it stands."""
    try:
        return date.fromisoformat(iso).strftime("%d/%m/%Y")
    except ValueError:
        return iso


def mobile(e164: str) -> str:
    """A number in groups, easier to compare; anything else as it stands."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return e164


def deadline(due: Timestamp, now: datetime) -> tuple[str, str]:
    """How long until ``due``, in words, and how urgent that is: "late", "soon" (less than four hours) or "calm"."""
    left = from_timestamp(due) - now.astimezone(UTC)
    if left <= timedelta(0):
        return _("in ritardo di %(span)s", span=_span(-left)), "late"
    return _("scade tra %(span)s", span=_span(left)), "soon" if left < timedelta(hours=4) else "calm"


def _span(length: timedelta) -> str:
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes < 60:
        return ngettext("%(num)s minuto", "%(num)s minuti", minutes)
    hours = round(minutes / 60)
    if hours < 48:
        return ngettext("%(num)s ora", "%(num)s ore", hours)
    return ngettext("%(num)s giorno", "%(num)s giorni", round(hours / 24))
