"""What the services' stable reasons, states and codes say to people: the one place where they become words.

Italian is the language of the sources; English lies in ``translations/``.
"""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask_babel import format_currency, format_date, format_datetime, gettext, ngettext
from flask_babel import lazy_gettext as _l
from google.protobuf.timestamp_pb2 import Timestamp
from recapito.auth.v1 import registration_pb2
from recapito.contact_change.v1 import contact_change_pb2
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind, Refusal

# Reasons that hold whatever the field is.
REASONS: Final = {
    # any field
    "EMPTY": _l("Compila questo campo."),
    "MISSING": _l("Compila questo campo."),
    "REQUIRED": _l("Compila questo campo."),
    "WRONG_LENGTH": _l("Il testo è troppo corto o troppo lungo."),
    "WRONG_FORMAT": _l("Il formato non è corretto."),
    "LENGTH": _l("Il testo è troppo corto o troppo lungo."),
    "TOO_LONG": _l("Il testo è troppo lungo."),
    "CHARACTERS_NOT_ALLOWED": _l("Usa solo lettere, cifre e punteggiatura."),
    "REUSED": _l("Questa pagina era già stata inviata con altri dati, e sono arrivati. Aprila di nuovo per vederli."),
    "UNKNOWN": _l("Questo dato non è più valido: inseriscilo di nuovo."),
    # contacts
    "NOT_A_NUMBER": _l("Scrivi solo le cifre del numero, per esempio 3201234519."),
    "NOT_A_MOBILE": _l("Non è un numero di cellulare. Scrivilo senza punti e senza +39, per esempio 3201234519."),
    "FOREIGN_NUMBER": _l("Serve un numero di cellulare italiano."),
    "LANDLINE": _l("È un numero di rete fissa: serve un numero di cellulare."),
    "NOT_AN_EMAIL": _l("Non è un indirizzo email. Scrivilo per intero, per esempio nome@esempio.it."),
    "SAME_AS_ON_FILE": _l("È il numero che abbiamo già. Inseriscine un altro."),
    "UNCHANGED": _l("È l'email che abbiamo già. Inseriscine un'altra."),
    # passwords
    "TOO_SHORT": _l("È troppo corta: aggiungi altri caratteri."),
    "TOO_COMMON": _l("È una password molto usata, quindi facile da indovinare. Scegline un'altra."),
    "CONTAINS_PERSONAL": _l("Contiene il tuo nome o il tuo recapito. Scegline un'altra."),
    "CONTAINS_SERVICE": _l("Contiene il nome del servizio o della società. Scegline un'altra."),
    "WRONG": _l("Non è la tua password attuale."),
    # dates
    "NOT_A_DATE": _l("Non è una data. Scrivi giorno, mese e anno."),
    "DATE_INVALID": _l("Non è una data. Scrivi giorno, mese e anno."),
    "IN_FUTURE": _l("La data è nel futuro."),
    "DATE_IN_FUTURE": _l("La data è nel futuro."),
    "BEFORE_ISSUE": _l("La scadenza viene prima del rilascio: controlla le due date."),
    "TIME_BARRED": _l("Sono passati più di due anni: il diritto al rimborso è prescritto (articolo 2952 del Codice civile)."),
    # identity documents
    "SHAPE": _l("Non corrisponde a questo tipo di documento. Copia lettere e cifre come le vedi stampate."),
    "EXPIRED": _l("Il documento è scaduto. Serve un documento valido."),
    "MISSING_SIDE": _l("Manca un lato del documento: allega anche il retro, oppure un PDF con fronte e retro."),
    "TOO_MANY_AT_ONCE": _l("Scegli al massimo 4 file per volta; poi potrai aggiungerne altri."),
    "NO_QUESTION": _l("Il tempo per rispondere è finito, oppure hai già risposto."),
    "TOO_MANY": _l("Hai allegato troppi file."),
    # files
    "DOCUMENT_EMPTY": _l("Il file è vuoto. Scegli una foto JPEG o PNG, oppure un PDF."),
    "DOCUMENT_TOO_LARGE": _l("Il file è troppo pesante. Scatta una foto meno pesante o riduci il PDF."),
    "DOCUMENT_TYPE_NOT_ALLOWED": _l("Questo tipo di file non va bene. Scegli una foto JPEG o PNG, oppure un PDF."),
    "DOCUMENT_INFECTED": _l(
        "Il controllo antivirus ha trovato qualcosa in questo file: fotografa di nuovo il documento e invia la foto."
    ),
    "DOCUMENT_HEIC_NOT_ALLOWED": _l(
        "Le foto HEIC non vanno bene. Imposta la fotocamera su «Più compatibile», oppure esporta la foto come JPEG."
    ),
    "DOCUMENT_ANIMATED": _l("L'immagine è animata. Scegli una foto ferma o un PDF."),
    "DOCUMENT_UNREADABLE": _l("Il file è danneggiato o incompleto. Rifai la foto o scegli un altro file."),
    "DOCUMENT_TOO_MANY_PIXELS": _l("La foto è troppo grande. Scattane una con meno di 40 megapixel."),
    "DOCUMENT_TOO_MANY_PAGES": _l("Il PDF ha troppe pagine. Allega solo quelle che servono."),
    "DOCUMENT_ENCRYPTED": _l("Il PDF è protetto da password. Salvalo senza protezione e allegalo di nuovo."),
    "DOCUMENT_TOO_COMPLEX": _l("Non riusciamo a leggere il file. Allega una foto o una scansione più semplice."),
    # claims
    "BEFORE_ADMISSION": _l("Le dimissioni vengono prima del ricovero: controlla le due date."),
    "CODICE_FISCALE_INVALID": _l("Il codice fiscale non è corretto. Copialo dalla tessera sanitaria: sono 16 caratteri."),
    "CODICE_FISCALE_OF_INSURED": _l("È il tuo codice fiscale. Scrivi quello del familiare, o scegli che le cure erano per te."),
    "KIND_UNKNOWN": _l("Scegli una delle voci."),
    "OUT_OF_RANGE": _l("Il valore è fuori dai limiti."),
    "PRESCRIPTION_REQUIRED": _l("Allega la prescrizione del medico con la diagnosi: serve per esami, farmaci e fisioterapia."),
    "CLINICAL_RECORD_REQUIRED": _l("Allega la cartella clinica, con la scheda di dimissione: serve per ogni ricovero."),
    "ACCIDENT_REPORT_REQUIRED": _l("Allega il verbale di pronto soccorso: serve per ogni infortunio."),
    "DECLARATIONS_REQUIRED": _l("Per inviare la denuncia servono tutte e due le dichiarazioni."),
    "NOT_A_DRAFT": _l("La denuncia è già stata inviata: non si può più modificare."),
    "NOT_FILED": _l("La denuncia è ancora una bozza."),
    "CLAIM_OVER": _l("La denuncia è chiusa o ritirata."),
    "EXPENSE_PAID": _l("Una parte è già stata pagata: la denuncia non si può più ritirare. Scrivi all'assistenza."),
    "MISSING_FILE": _l("Scegli un file."),
    "TOO_MANY_DRAFTS": _l("Hai iniziato troppe denunce oggi. Riprova domani, o continua una di quelle iniziate."),
    "TOO_MANY_DOCUMENTS": _l("Hai caricato troppi file oggi. Riprova domani."),
    "CLEANING_UNAVAILABLE": _l("In questo momento non riusciamo a ricevere file. Riprova tra qualche secondo."),
    "DOCUMENTS_BUSY": _l("In questo momento non riusciamo a ricevere file. Riprova tra qualche secondo."),
    # claims
    "POLICY_UNKNOWN": _l("Non è una delle tue polizze. Copia il numero dal contratto o dalla tessera."),
    "IBAN_INVALID": _l("L'IBAN non è corretto: controlla ogni carattere. Quelli italiani ne hanno 27 e iniziano con IT."),
    "AMOUNT_INVALID": _l("Non è un importo. Scrivilo in euro, per esempio 123,45."),
    "EXPENSE_REQUIRED": _l("Aggiungi almeno una spesa, con tutti i suoi dati."),
    "TOO_MANY_EXPENSES": _l("La denuncia ha già il massimo delle spese."),
    "INVOICE_REQUIRED": _l("Allega almeno una fattura."),
    "VERSION_CHANGED": _l("La denuncia è stata cambiata in un'altra pagina. Controlla i dati e ripeti."),
    "PROOF_NOT_VALID": _l("La conferma non è più valida: i dati sono cambiati o è passato troppo tempo. Chiedi un nuovo codice."),
    "PROOF_USED": _l("Questa conferma è già stata usata. Chiedi un nuovo codice."),
    # journeys
    "TOO_MANY_MOBILES": _l("Hai indicato troppi numeri diversi oggi. Riprova domani."),
    "CHALLENGE_CLOSED": _l("Questo codice non vale più. Ricomincia per riceverne un altro."),
    "SIGN_IN_FAILED": _l("Nome utente o password non corretti. Controlla entrambi e riprova."),
    "CONTACT_NOT_VERIFIED": _l("Prima inserisci il codice che ti abbiamo inviato."),
    "CHANGE_OPEN": _l("Hai già una richiesta in corso: qui sotto vedi a che punto è."),
    "MOBILE_ON_FILE": _l("Sui nostri sistemi risulta già un cellulare. Accedi di nuovo per ricevere il codice."),
    "NO_EMAIL_ON_FILE": _l("Sui nostri sistemi non risulta un'email a cui inviarti un codice."),
    "NO_MOBILE_ON_FILE": _l("Sui nostri sistemi non risulta un cellulare a cui inviarti un codice. Esci e accedi di nuovo."),
    "NO_CODE_SENT": _l("Il prossimo codice non è ancora partito: chiedilo qui sotto."),
    "CUSTOMER_FROZEN": _l(
        "Per la tua sicurezza modifiche e denunce sono sospese: una persona sta esaminando il tuo account. "
        "Per aiuto scrivi all'assistenza."
    ),
    "SESSION_ENDED": _l("La sessione è terminata per la tua sicurezza. Accedi di nuovo per continuare da dove eri."),
    "SESSION_ENDED_KEPT": _l(
        "La sessione è terminata per la tua sicurezza. Accedi di nuovo entro 30 minuti: ritrovi ciò che avevi scritto."
    ),
    "ANSWER_REQUIRED": _l("Scrivi una risposta o allega un file."),
    "GIVEN_BACK": _l("Abbiamo ritrovato ciò che avevi scritto. Controlla e salva."),
    "SIGN_IN_FIRST": _l("Per continuare accedi all'Area Clienti."),
    "CODE_SENT_AGAIN": _l("Ti abbiamo inviato un nuovo codice. Quello di prima non vale più."),
    "CONFIRM_AGAIN": _l("La conferma del numero è scaduta. Inserisci di nuovo il numero: ti invieremo un altro codice."),
    "START_AGAIN": _l("È passato troppo tempo, oppure il passaggio è già concluso. Ricomincia da qui."),
}
KINDS: Final = {
    Kind.INVALID_ARGUMENT: _l("Controlla questo dato."),
    Kind.RESOURCE_EXHAUSTED: _l("Troppe richieste in poco tempo. Attendi qualche minuto e riprova."),
}
UNAVAILABLE: Final = _l("Il servizio non risponde. Non è colpa tua: riprova tra qualche minuto.")
OUTCOMES: Final[dict[int, Any]] = {
    otp_pb2.OUTCOME_EXPIRED: _l("Il codice è scaduto. Chiedine uno nuovo qui sotto."),
    otp_pb2.OUTCOME_EXHAUSTED: _l("Hai esaurito i tentativi: per la tua sicurezza questo codice non vale più."),
    otp_pb2.OUTCOME_SUPERSEDED: _l("Questo codice è stato sostituito da uno più recente. Inserisci l'ultimo che hai ricevuto."),
    otp_pb2.OUTCOME_USED: _l("Questo codice è già stato usato. Ricomincia per riceverne un altro."),
}
DELIVERIES: Final = {
    otp_pb2.DELIVERY_QUEUED: _l("Il codice è in arrivo…"),
    otp_pb2.DELIVERY_SENT: _l("Il codice è stato inviato: sta per arrivare."),
    otp_pb2.DELIVERY_DELIVERED: _l("Il codice è stato consegnato."),
    otp_pb2.DELIVERY_FAILED: _l("Non siamo riusciti a consegnare il codice. Chiedine subito uno nuovo o scrivi all'assistenza."),
}
ON_ITS_WAY: Final = _l("In arrivo… Di solito ci vuole meno di un minuto.")
PERSON_TYPES: Final = {
    registration_pb2.PERSON_TYPE_PERSON: _l("Persona fisica"),
    registration_pb2.PERSON_TYPE_COMPANY: _l("Azienda"),
}
CHANGE_REASONS: Final = {
    contact_change_pb2.REASON_REPLACE: _l("Ho cambiato numero di cellulare"),
    contact_change_pb2.REASON_NOT_RECOGNISED: _l("Non riconosco il numero indicato"),
}
CHANGE_STATES: Final = {
    contact_change_pb2.CHANGE_STATE_SUBMITTED: _l("Ricevuta"),
    contact_change_pb2.CHANGE_STATE_IN_REVIEW: _l("In verifica"),
    contact_change_pb2.CHANGE_STATE_SECOND_REVIEW: _l("In verifica"),
    contact_change_pb2.CHANGE_STATE_APPROVED: _l("Approvata"),
    contact_change_pb2.CHANGE_STATE_REJECTED: _l("Respinta"),
    contact_change_pb2.CHANGE_STATE_APPLIED: _l("Attiva"),
    contact_change_pb2.CHANGE_STATE_WAITING_FOR_CUSTOMER: _l("In attesa di una tua risposta"),
    contact_change_pb2.CHANGE_STATE_CANCELLED: _l("Annullata"),
    contact_change_pb2.CHANGE_STATE_EXPIRED: _l("Decaduta"),
    contact_change_pb2.CHANGE_STATE_REPUDIATED: _l("Bloccata"),
    contact_change_pb2.CHANGE_STATE_FROZEN: _l("Bloccata, in verifica"),
    contact_change_pb2.CHANGE_STATE_REVERTED: _l("Annullata, vale il numero di prima"),
}
REJECTIONS: Final = {
    "ANOTHER_PERSON": _l("Il documento non è intestato a te. Invia una nuova richiesta con un tuo documento d'identità."),
    "DOCUMENT_INVALID": _l(
        "Il documento non è valido o non corrisponde ai dati scritti. Invia una nuova richiesta con dati e foto corretti."
    ),
    "SUSPECTED_FRAUD": _l("Non abbiamo potuto verificare la tua identità. Scrivi all'assistenza."),
    "OTHER": _l("Non abbiamo potuto accogliere la richiesta. Scrivi all'assistenza per sapere come procedere."),
}
DOCUMENT_TYPES: Final = {
    contact_change_pb2.DOCUMENT_TYPE_IDENTITY_CARD: _l("Carta d'identità"),
    contact_change_pb2.DOCUMENT_TYPE_PASSPORT: _l("Passaporto"),
    contact_change_pb2.DOCUMENT_TYPE_DRIVING_LICENCE: _l("Patente di guida"),
}


def of(reason: str, kind: Kind = Kind.INVALID_ARGUMENT) -> str:
    """A reason in words; one that isn't known here by its kind."""
    return str(REASONS.get(reason) or KINDS.get(kind) or UNAVAILABLE)


def of_refusal(refusal: Refusal) -> str:
    """A refusal in words. Where it says how long to wait, so do they."""
    if refusal.kind is not Kind.RESOURCE_EXHAUSTED or refusal.reason in REASONS or refusal.retry_after is None:
        return of(refusal.reason, refusal.kind)
    time = duration(refusal.retry_after)
    if refusal.reason == "CODES_LOCKED":
        return str(gettext("Troppi codici errati: per la tua sicurezza i codici sono sospesi. Riprova tra %(time)s.", time=time))
    if refusal.reason == "RESEND_TOO_EARLY":
        return str(gettext("Il codice è già in arrivo. Puoi chiederne un altro tra %(time)s.", time=time))
    return str(gettext("Troppe richieste in poco tempo. Riprova tra %(time)s.", time=time))


def changed_meanwhile(named: str) -> str:
    """What was changed elsewhere since a page was opened."""
    return str(gettext("Nel frattempo è cambiato: %(what)s.", what=named))


def incomplete(heading: Any) -> str:
    """A page of which something is missing."""
    return str(gettext("Completa «%(page)s».", page=heading))


def duration(time: timedelta) -> str:
    """A time to wait, in seconds below two minutes and else in minutes, rounded up."""
    seconds = max(1, math.ceil(time.total_seconds()))
    if seconds < 120:
        return str(ngettext("%(num)d secondo", "%(num)d secondi", seconds))
    return str(ngettext("%(num)d minuto", "%(num)d minuti", math.ceil(seconds / 60)))


def outcome(found: int, attempts_left: int) -> str:
    """What the check of a code found, in words."""
    if found == otp_pb2.OUTCOME_INCORRECT and attempts_left > 0:
        text = ngettext(
            "Il codice non è corretto. Hai ancora %(num)d tentativo.",
            "Il codice non è corretto. Hai ancora %(num)d tentativi.",
            attempts_left,
        )
        return str(text)
    return str(OUTCOMES.get(found, OUTCOMES[otp_pb2.OUTCOME_EXHAUSTED]))


def moment(at: Timestamp | datetime | float) -> str:
    """An instant with its time of day, in Italy."""
    if isinstance(at, Timestamp):
        at = at.ToDatetime(UTC)
    elif not isinstance(at, datetime):
        at = datetime.fromtimestamp(at, UTC)
    return str(format_datetime(at, "d MMMM yyyy, HH:mm"))


def day(iso: str) -> str:
    """A date ``YYYY-MM-DD`` in words; anything else as it is."""
    try:
        return str(format_date(date.fromisoformat(iso), "d MMMM yyyy"))
    except ValueError:
        return iso


def money(amount: str) -> str:
    """A decimal string as EUR."""
    try:
        return str(format_currency(Decimal(amount), "EUR"))
    except InvalidOperation:
        return amount


def mobile(e164: str) -> str:
    """A mobile as people write it: the national number alone, "320 123 4519"; one of another country as it is."""
    national = e164.removeprefix("+39")
    return e164 if national == e164 else f"{national[:3]} {national[3:6]} {national[6:]}"
