"""Words for what stands in a customer's way, and for what happened to their account."""

from collections.abc import Mapping
from typing import Final

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from recapito.auth.v1 import operator_pb2

from recapito_console.texts import word

OBSTACLES: Final[Mapping[str, tuple[LazyString, LazyString]]] = {
    "NOT_REGISTERED": (_l("Non è registrato"), _l("Non c'è ancora un account: deve registrarsi nell'Area Clienti.")),
    "USERNAME_LOCKED": (
        _l("Nome utente bloccato"),
        _l(
            "Troppe password sbagliate. Si sblocca da solo, oppure qui. Un dispositivo riconosciuto e il recupero della password "
            "funzionano comunque."
        ),
    ),
    "CODES_LOCKED": (_l("Codici bloccati"), _l("Troppi codici sbagliati. Si sbloccano da soli, oppure qui.")),
    "CODES_DISABLED": (
        _l("Codici disattivati"),
        _l(
            "Così tanti codici sbagliati che il cellulare va abbinato di nuovo: il cliente accede con la password e chiede un "
            "cambio di recapito."
        ),
    ),
    "NO_MOBILE_ON_FILE": (
        _l("Nessun cellulare in anagrafica"),
        _l("Il codice non può partire: dopo la password il cliente sceglie «Richiedi assistenza»."),
    ),
    "CONTACT_CHANGE_ONLY": (
        _l("Può solo chiedere un cambio di recapito"),
        _l("Ha reimpostato la password con un solo recapito: accede quando una sua richiesta è approvata."),
    ),
    "FROZEN": (
        _l("Cliente bloccato"),
        _l("Qualcuno ha disconosciuto un cambio: niente denunce e niente modifiche finché un supervisore non ha verificato."),
    ),
    "USERNAME_NOT_ON_FILE": (
        _l("Il nome utente non è più in anagrafica"),
        _l("Non può recuperare la password: il nome utente è un recapito che non è più suo."),
    ),
    "FAILED_ATTEMPTS": (_l("Molti tentativi sbagliati"), _l("Al prossimo accesso serve un codice.")),
    "CONTACT_CHANGED": (_l("Recapito cambiato"), _l("Al prossimo accesso serve un codice.")),
    "PASSWORD_CHANGED": (_l("Password cambiata"), _l("Al prossimo accesso serve un codice.")),
    "RECOVERED": (_l("Password recuperata"), _l("Al prossimo accesso serve un codice.")),
}
"""What each is called, and what can be done about it."""
EVENTS: Final[Mapping[str, LazyString]] = {
    "REGISTRATION_STARTED": _l("Registrazione iniziata"),
    "REGISTRATION_CODE_CHECKED": _l("Codice di registrazione controllato"),
    "ACCOUNT_OPENED": _l("Account aperto"),
    "SIGN_IN_FAILED": _l("Password sbagliata"),
    "SIGN_IN_HELD": _l("Password giusta, accesso fermato"),
    "SIGN_IN_CODE_ASKED": _l("Chiesto un codice per l'accesso"),
    "SIGN_IN_CODE_CHECKED": _l("Codice di accesso sbagliato o scaduto"),
    "SIGNED_IN": _l("Accesso riuscito"),
    "CODE_SENT_AGAIN": _l("Codice inviato di nuovo"),
    "ASSISTANCE_CODE_ASKED": _l("Chiesta assistenza: codice via email"),
    "ASSISTANCE_CODE_CHECKED": _l("Codice di assistenza controllato"),
    "STEP_UP_ASKED": _l("Chiesto un codice per un'operazione"),
    "STEP_UP_CODE_CHECKED": _l("Codice di un'operazione sbagliato o scaduto"),
    "STEPPED_UP": _l("Operazione confermata con un codice"),
    "DEVICE_TRUSTED": _l("Dispositivo riconosciuto"),
    "DEVICE_FORGOTTEN": _l("Dispositivo dimenticato"),
    "SESSION_ENDED": _l("Sessione terminata"),
    "SESSIONS_ENDED": _l("Tutte le sessioni terminate"),
    "RECOVERY_STARTED": _l("Recupero della password iniziato"),
    "RECOVERY_CODE_CHECKED": _l("Codice di recupero controllato"),
    "RECOVERED": _l("Password recuperata"),
    "PASSWORD_CHANGE_FAILED": _l("Cambio della password: quella vecchia era sbagliata"),
    "PASSWORD_CHANGED": _l("Password cambiata"),
    "EMAIL_CHANGE_STARTED": _l("Cambio dell'email iniziato"),
    "EMAIL_CODE_CHECKED": _l("Codice per la nuova email sbagliato o scaduto"),
    "EMAIL_CHANGED": _l("Email cambiata"),
    "MOBILE_CHANGED": _l("Cellulare cambiato"),
    "MOBILE_REVERTED": _l("Cambio del cellulare annullato: è tornato quello di prima"),
    "CUSTOMER_FROZEN": _l("Cliente bloccato"),
    "CUSTOMER_UNFROZEN": _l("Cliente sbloccato dopo la verifica"),
    "CUSTOMER_IMPORTED": _l("Anagrafica aggiornata dall'importazione"),
    "CUSTOMER_EXPORTED": _l("Dati del cliente esportati"),
    "CUSTOMER_ERASED": _l("Dati del cliente cancellati"),
    "CUSTOMER_UNLOCKED": _l("Blocchi tolti da un supervisore"),
    "CUSTOMER_EXPLAINED": _l("Visto da un supervisore"),
}
DETAILS: Final[Mapping[str, LazyString]] = {
    "FIRST_SIGN_IN": _l("primo accesso"),
    "UNKNOWN_DEVICE": _l("dispositivo non riconosciuto"),
    "NEW_COUNTRY_OR_NETWORK": _l("rete nuova"),
    "CODE_TOO_OLD": _l("ultimo codice vecchio"),
    "FAILED_ATTEMPTS": _l("molti tentativi sbagliati"),
    "CONTACT_CHANGED": _l("recapito cambiato"),
    "PASSWORD_CHANGED": _l("password cambiata"),
    "RECOVERED": _l("password recuperata"),
    "DEMANDED": _l("chiesto dal servizio"),
    "APPROVED": _l("giusto"),
    "INCORRECT": _l("sbagliato"),
    "EXPIRED": _l("scaduto"),
    "EXHAUSTED": _l("tentativi finiti"),
    "SUPERSEDED": _l("sostituito da uno nuovo"),
    "USED": _l("già usato"),
    "CODES_LOCKED": _l("codici bloccati"),
    "CODES_DISABLED": _l("codici disattivati"),
    "NO_MOBILE_ON_FILE": _l("nessun cellulare in anagrafica"),
    "CONTACT_CHANGE_ONLY": _l("può solo chiedere un cambio di recapito"),
    "TOO_MANY_SENDS": _l("troppi codici inviati"),
    "pwd otp_sms": _l("password e codice"),
    "pwd device": _l("password e dispositivo riconosciuto"),
    "registration": _l("registrazione"),
    "sign_in": _l("accesso"),
    "step_up": _l("conferma"),
    "claim": _l("denuncia"),
    "recovery": _l("recupero"),
    "new_email": _l("nuova email"),
}
PASSWORD_FAULTS: Final[Mapping[str, LazyString]] = {
    "TOO_SHORT": _l("È troppo corta: aggiungi altri caratteri."),
    "TOO_LONG": _l("È troppo lunga."),
    "TOO_COMMON": _l("È una password molto usata, quindi facile da indovinare. Scegline un'altra."),
    "CONTAINS_PERSONAL": _l("Contiene il tuo nome utente. Scegline un'altra."),
    "CONTAINS_SERVICE": _l("Contiene il nome del servizio o della società. Scegline un'altra."),
    "UNCHANGED": _l("È la password di adesso. Scegline un'altra."),
}
_WRONG: Final[Mapping[str, LazyString]] = {
    "old_password": _l("Non è la tua password attuale."),
    "totp": _l("Il codice non è giusto, oppure è già stato usato: aspetta il prossimo."),
}
_FLAGS: Final[Mapping[str, LazyString]] = {
    "locked": _l("nome utente bloccato"),
    "contact_change_only": _l("con un solo recapito"),
}


def add_to(app: Flask) -> None:
    """Makes the words available to the templates."""
    app.jinja_env.filters.update(obstacle=obstacle, happened=happened)
    app.jinja_env.globals.update(EVENTS=EVENTS)


def password_fault(field: str, reason: str) -> str:
    """What is wrong with a field of a change of password."""
    text = _WRONG.get(field) if reason == "WRONG" else PASSWORD_FAULTS.get(reason)
    return str(text if text is not None else reason)


def obstacle(code: str) -> tuple[str, str]:
    """What an obstacle is called, and what can be done; a code that this version doesn't know stands for itself."""
    title, advice = OBSTACLES.get(code, (code, ""))
    return str(title), str(advice)


def happened(event: operator_pb2.SignInEvent) -> str:
    """The details of an event in words."""
    told = []
    for name, value in sorted(event.details.items()):
        if name in _FLAGS:
            told += [str(_FLAGS[name])] if value == "true" else []
        elif name != "changed":  # columns of the registry: for the audit alone
            told += [word(one, DETAILS) for one in value.split(",")]
    return ", ".join(told)
