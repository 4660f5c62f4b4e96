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
from recapito.contact_change.v1 import review_pb2

from recapito_console.translation import _, ngettext
from recapito_servicekit.times import from_timestamp

STATES: Final[Mapping[int, LazyString]] = {
    change.CHANGE_STATE_SUBMITTED: _l("Ricevuto"),
    change.CHANGE_STATE_IN_REVIEW: _l("Da decidere"),
    change.CHANGE_STATE_SECOND_REVIEW: _l("Da valutare di nuovo"),
    change.CHANGE_STATE_APPROVED: _l("Approvato, da registrare"),
    change.CHANGE_STATE_REJECTED: _l("Respinto"),
    change.CHANGE_STATE_APPLIED: _l("Approvato e registrato"),
    change.CHANGE_STATE_WAITING_FOR_CUSTOMER: _l("In attesa del cliente"),
    change.CHANGE_STATE_CANCELLED: _l("Annullato dal cliente"),
    change.CHANGE_STATE_EXPIRED: _l("Decaduto senza risposta"),
    change.CHANGE_STATE_REPUDIATED: _l("Disconosciuto e fermato"),
    change.CHANGE_STATE_FROZEN: _l("Disconosciuto, cliente bloccato"),
    change.CHANGE_STATE_REVERTED: _l("Disconosciuto, numero di prima ripristinato"),
}
UNDECIDABLE: Final[Mapping[int, LazyString]] = {
    change.CHANGE_STATE_SUBMITTED: _l("Il caso non si può ancora decidere: i controlli automatici non sono finiti."),
    change.CHANGE_STATE_WAITING_FOR_CUSTOMER: _l(
        "Il cliente deve ancora rispondere: con la risposta il caso torna da decidere, senza risposta entro il termine decade."
    ),
    change.CHANGE_STATE_CANCELLED: _l("Il cliente ha annullato la richiesta: non c'è più nulla da decidere."),
    change.CHANGE_STATE_EXPIRED: _l("Il cliente non ha risposto entro il termine: la richiesta è decaduta."),
    change.CHANGE_STATE_REPUDIATED: _l(
        "Chi ha un recapito in anagrafica non riconosce la richiesta: è fermata e l'anagrafica non cambia."
    ),
    change.CHANGE_STATE_FROZEN: _l(
        "Chi ha un recapito in anagrafica non riconosce il cambio già registrato: il cliente è bloccato finché un supervisore "
        "non ha verificato."
    ),
    change.CHANGE_STATE_REVERTED: _l("Non era il cliente: in anagrafica è tornato il numero di prima e il cliente è sbloccato."),
}
FILTERS: Final[Mapping[str, LazyString]] = {
    "da-decidere": _l("Da decidere"),
    "da-rivalutare": _l("Secondo operatore"),
    "approvati": _l("Da registrare"),
    "in-attesa": _l("In attesa del cliente"),
    "registrati": _l("Registrati"),
    "respinti": _l("Respinti"),
    "bloccati": _l("Clienti bloccati"),
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
QUESTIONS: Final[Mapping[str, LazyString]] = {
    "UNREADABLE": _l("Il documento non si legge"),
    "MISSING_SIDE": _l("Manca un lato del documento"),
    "DATA_DIFFERS": _l("I dati non coincidono"),
    "OTHER": _l("Altro motivo"),
}
ASKING: Final = "ASK_"
CHOICES: Final[Mapping[str, LazyString]] = {**REASON_CODES, **{ASKING + code: text for code, text in QUESTIONS.items()}}
"""What the decision's form offers; a question's reason has ``ASKING`` before it, for OTHER is a rejection's too."""
VERDICTS: Final[Mapping[str, LazyString]] = {
    "approve": _l("Approva"),
    "reject": _l("Respingi"),
    "ask": _l("Chiedi al cliente"),
}
FINDINGS: Final[Mapping[str, LazyString]] = {
    "DOCUMENT_EXPIRED": _l("Il documento è scaduto."),
    "DOCUMENT_EXPIRES_SOON": _l("Il documento scade poco dopo la richiesta, o è già scaduto."),
    "NUMBER_SHAPE": _l("Il numero non ha la forma di quelli di questo documento."),
    "VALIDITY_TOO_LONG": _l("Il documento vale più a lungo di quanto quel tipo viene rilasciato."),
    "EXPIRY_NOT_BIRTHDAY": _l("Il documento non scade nel giorno di nascita del codice fiscale."),
    "NAME_CODE_DIFFERS": _l("Nome e codice fiscale in anagrafica non vanno insieme."),
    "SAME_DOCUMENT_OTHER_CUSTOMER": _l("Lo stesso documento è già stato presentato per un altro cliente."),
    "SAME_MOBILE_OTHER_CUSTOMER": _l("Lo stesso numero compare già per un altro cliente."),
    "PASSWORD_RESET_LATELY": _l("La password è stata reimpostata da poco."),
    "MRZ_MATCHES": _l("Il codice a lettura ottica e le sue cifre di controllo corrispondono a quanto scritto e all'anagrafica."),
    "MRZ_UNREADABLE": _l("Il codice a lettura ottica non si è potuto leggere."),
    "MRZ_CHECK_DIGIT": _l("La cifra di controllo del numero non torna nel codice a lettura ottica."),
    "MRZ_NUMBER_DIFFERS": _l("Il numero nel codice a lettura ottica è un altro."),
    "MRZ_EXPIRY_DIFFERS": _l("La scadenza nel codice a lettura ottica è un'altra."),
    "MRZ_BIRTH_DATE_DIFFERS": _l("La data di nascita nel codice a lettura ottica non è quella del codice fiscale."),
    "MRZ_NAME_DIFFERS": _l("Il nome nel codice a lettura ottica è di un'altra persona."),
    "REGISTRY_CHANGED": _l("L'anagrafica è cambiata dopo l'approvazione: il caso è tornato qui. Rileggi questa colonna."),
    "USERNAME_TAKEN": _l("Il nuovo numero è già il nome utente di un altro account."),
}
EVIDENCE: Final[Mapping[str, LazyString]] = {
    "expires_on": _l("scade il"),
    "issued_on": _l("rilasciato il"),
    "days": _l("giorni"),
    "typed": _l("scritto"),
    "read": _l("letto"),
    "birthday": _l("compleanno"),
    "name": _l("nome"),
    "codice_fiscale": _l("codice fiscale"),
    "customers": _l("clienti"),
    "at": _l("il"),
}
"""What a finding rests on; a name that stands not here is not shown."""
RISKS: Final[Mapping[str, LazyString]] = {
    "PASSWORD_RESET": _l("password reimpostata da poco"),
    "SEEN_ELSEWHERE": _l("documento o numero già visto per un altro cliente"),
    "CHECK_OVERRIDDEN": _l("approvato nonostante un controllo fallito"),
    "BY_LOT": _l("estratto a sorte"),
}
ACTIONS: Final[Mapping[str, LazyString]] = {
    "submitted": _l("Richiesta inviata"),
    "opened": _l("Caso aperto dopo i controlli automatici"),
    "viewed": _l("Caso visto"),
    "document_viewed": _l("Documento visto"),
    "taken": _l("Caso preso in carico"),
    "released": _l("Caso rilasciato"),
    "decided": _l("Caso deciso"),
    "passed_on": _l("Valutazione registrata: il caso passa a un altro operatore"),
    "asked": _l("Domanda inviata al cliente"),
    "answered": _l("Il cliente ha risposto"),
    "found": _l("Nuove segnalazioni dei controlli automatici"),
    "approved": _l("Richiesta approvata"),
    "rejected": _l("Richiesta respinta"),
    "returned": _l("Caso tornato da decidere"),
    "applied": _l("Nuovo cellulare registrato in anagrafica"),
    "cancelled": _l("Richiesta annullata dal cliente"),
    "expired": _l("Richiesta decaduta senza risposta"),
    "repudiated": _l("Richiesta disconosciuta e fermata"),
    "frozen": _l("Cambio disconosciuto: cliente bloccato"),
    "restored": _l("Cliente sbloccato: il cambio resta valido"),
    "reverted": _l("Cambio annullato: in anagrafica torna il numero di prima"),
    "notice_sent": _l("Avviso inviato"),
    "notice_failed": _l("Avviso rifiutato dal destinatario"),
    "resent": _l("Invio ripetuto a mano"),
    "document_destroyed": _l("Documento distrutto: il tempo di conservazione è finito"),
}
DETAILS: Final[Mapping[str, LazyString]] = {
    **REASON_CODES,
    **QUESTIONS,
    **FINDINGS,
    "ASK": _l("Chiesto al cliente"),
    "APPROVE": _l("Approvata"),
    "REJECT": _l("Respinta"),
    "change_requested": _l("Richiesta ricevuta"),
    "change_approved": _l("Richiesta approvata"),
    "change_rejected": _l("Richiesta respinta"),
    "change_question": _l("Domanda al cliente"),
    "change_cancelled": _l("Richiesta annullata"),
    "change_expired": _l("Richiesta decaduta"),
    "change_reverted": _l("Cambio annullato, torna il numero di prima"),
    "change_restored": _l("Cambio confermato, cliente sbloccato"),
    "outcome_approved": _l("Esito: approvata"),
    "outcome_rejected": _l("Esito: respinta"),
    "EMAIL": _l("via email"),
    "SMS": _l("via SMS"),
}
VIEWED_PAGE: Final = re.compile(r"(\S+) page (\d+)")
ACTORS: Final[Mapping[str, LazyString]] = {
    "customer": _l("Cliente"),
    "system": _l("Sistema"),
    "contact on file": _l("Chi ha un recapito in anagrafica"),
}


def add_to(app: Flask) -> None:
    """Makes the words available to the templates."""
    app.jinja_env.filters.update(moment=moment, clock=clock, hours=hours, day=day, mobile=mobile, deadline=deadline, word=word)
    app.jinja_env.filters.update(state=state, kind=kind_of, evidence=evidence)
    app.jinja_env.globals.update(
        UNDECIDABLE=UNDECIDABLE,
        FILTERS=FILTERS,
        ROLES=ROLES,
        WISHES=WISHES,
        FACTORS=FACTORS,
        REASON_CODES=REASON_CODES,
        QUESTIONS=QUESTIONS,
        CHOICES=CHOICES,
        VERDICTS=VERDICTS,
        ACTIONS=ACTIONS,
        DETAILS=DETAILS,
        RISKS=RISKS,
        ACTORS=ACTORS,
        detail=detail,
    )


def word(code: int | str, words: Mapping[Any, LazyString]) -> str:
    """The word for a code; a code that this version doesn't know stands for itself."""
    return str(words.get(code, code))


def state(code: int) -> str:
    """A change's state in words; one that this version has no words for by its name, or by its number."""
    if code in STATES:
        return str(STATES[code])
    return change.ChangeState.Name(code) if code in change.ChangeState.values() else str(code)  # type: ignore[arg-type]


def kind_of(choice: str) -> str:
    """What a choice of the decision's form does: "approve", "reject" or "ask"."""
    if choice.startswith(ASKING):
        return "ask"
    return "approve" if choice == APPROVAL else "reject"


def detail(entry: review_pb2.HistoryEntry) -> str:
    """The detail of a history entry in words; one that isn't made of known codes as it stands. An answer's is a mere id."""
    text = entry.detail
    if entry.action == "answered":
        return ""
    if entry.action in ("restored", "reverted"):  # an operator's own words
        return text
    viewed = VIEWED_PAGE.fullmatch(text)
    if viewed:
        return _("pagina %(page)s del documento %(document)s", page=viewed[2], document=viewed[1][:8])
    parts = text.split()
    return "; ".join(word(part, DETAILS).rstrip(".") for part in parts) if any(part in DETAILS for part in parts) else text


def evidence(found: review_pb2.CaseFinding) -> str:
    """What a finding rests on, in words: "scade il: 22/12/2026; giorni: 30"."""
    parts = [(str(EVIDENCE[name]), _value(name, value)) for name, value in sorted(found.evidence.items()) if name in EVIDENCE]
    return "; ".join(f"{name}: {value}" for name, value in parts)


def _value(name: str, value: str) -> str:
    return value[:10] if name == "at" else day(value)


def moment(stamp: Timestamp) -> str:
    """An instant in Rome's time: "22 nov 2026, 18:05"."""
    return str(format_datetime(from_timestamp(stamp), "d MMM y, HH:mm"))


def hours(count: float) -> str:
    """So many hours, the way people say it: "3 ore", "2 giorni"."""
    return _span(timedelta(hours=count))


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
