"""What the enumerations of a claim say to people."""

from typing import Final

from flask_babel import lazy_gettext as _l
from recapito.claims.v1 import claims_pb2

CLAIM_KINDS: Final = {
    claims_pb2.CLAIM_KIND_ILLNESS: _l("Malattia"),
    claims_pb2.CLAIM_KIND_ACCIDENT: _l("Infortunio"),
    claims_pb2.CLAIM_KIND_MATERNITY: _l("Maternità"),
    claims_pb2.CLAIM_KIND_PREVENTION: _l("Prevenzione"),
    claims_pb2.CLAIM_KIND_DENTAL: _l("Cure dentarie"),
}
CLAIM_STATES: Final = {
    claims_pb2.CLAIM_STATE_DRAFT: _l("Bozza"),
    claims_pb2.CLAIM_STATE_SUBMITTED: _l("Inviata"),
    claims_pb2.CLAIM_STATE_OPEN: _l("In lavorazione"),
    claims_pb2.CLAIM_STATE_WAITING_FOR_CUSTOMER: _l("Aspetta una tua risposta"),
    claims_pb2.CLAIM_STATE_CLOSED: _l("Chiusa"),
    claims_pb2.CLAIM_STATE_WITHDRAWN: _l("Ritirata"),
}
EXPENSE_STATES: Final = {
    claims_pb2.EXPENSE_STATE_SUBMITTED: _l("Inserita"),
    claims_pb2.EXPENSE_STATE_REIMBURSABLE: _l("Rimborsabile"),
    claims_pb2.EXPENSE_STATE_PAID: _l("Pagata"),
    claims_pb2.EXPENSE_STATE_SUSPENDED: _l("Sospesa"),
    claims_pb2.EXPENSE_STATE_REFUSED: _l("Respinta"),
}
NEXT_STEPS: Final = {
    claims_pb2.CLAIM_STATE_SUBMITTED: _l(
        "L'abbiamo ricevuta e la valuteremo. Ogni novità compare qui, e te la scriviamo all'email registrata, se c'è."
    ),
    claims_pb2.CLAIM_STATE_OPEN: _l(
        "La stiamo valutando. Ogni novità compare qui, e te la scriviamo all'email registrata, se c'è."
    ),
    claims_pb2.CLAIM_STATE_WAITING_FOR_CUSTOMER: _l("Ci serve una tua risposta per continuare."),
    claims_pb2.CLAIM_STATE_CLOSED: _l("Abbiamo deciso su ogni spesa: la denuncia è chiusa."),
    claims_pb2.CLAIM_STATE_WITHDRAWN: _l("L'hai ritirata: non la valuteremo."),
}
ATTACHMENT_KINDS: Final = {
    claims_pb2.ATTACHMENT_KIND_INVOICE: _l("Fattura"),
    claims_pb2.ATTACHMENT_KIND_PRESCRIPTION: _l("Prescrizione medica"),
    claims_pb2.ATTACHMENT_KIND_CLINICAL_RECORD: _l("Cartella clinica"),
    claims_pb2.ATTACHMENT_KIND_ACCIDENT_REPORT: _l("Verbale di pronto soccorso"),
    claims_pb2.ATTACHMENT_KIND_OTHER: _l("Altro documento"),
}
KINSHIPS: Final = {
    claims_pb2.KINSHIP_INSURED: _l("Per me"),
    claims_pb2.KINSHIP_SPOUSE: _l("Per mio marito o mia moglie"),
    claims_pb2.KINSHIP_PARTNER: _l("Per chi convive con me"),
    claims_pb2.KINSHIP_CHILD: _l("Per mio figlio o mia figlia"),
    claims_pb2.KINSHIP_PARENT: _l("Per un mio genitore"),
    claims_pb2.KINSHIP_SIBLING: _l("Per mio fratello o mia sorella"),
    claims_pb2.KINSHIP_OTHER: _l("Per un altro familiare"),
}
ANSWERS: Final = {claims_pb2.ANSWER_YES: _l("Sì"), claims_pb2.ANSWER_NO: _l("No")}
CATEGORIES: Final = {
    claims_pb2.EXPENSE_CATEGORY_VISIT: _l("Visita"),
    claims_pb2.EXPENSE_CATEGORY_DIAGNOSTICS: _l("Esami e analisi"),
    claims_pb2.EXPENSE_CATEGORY_MEDICINES: _l("Farmaci"),
    claims_pb2.EXPENSE_CATEGORY_HOSPITAL: _l("Ricovero o intervento"),
    claims_pb2.EXPENSE_CATEGORY_DENTAL: _l("Cure dentarie"),
    claims_pb2.EXPENSE_CATEGORY_PHYSIOTHERAPY: _l("Fisioterapia"),
    claims_pb2.EXPENSE_CATEGORY_OTHER: _l("Altro"),
}
EVENTS: Final = {
    claims_pb2.CLAIM_EVENT_SUBMITTED: _l("Denuncia inviata"),
    claims_pb2.CLAIM_EVENT_EXPENSE_UPDATED: _l("Decisione su una spesa"),
    claims_pb2.CLAIM_EVENT_QUESTION_ASKED: _l("Ti abbiamo fatto una domanda"),
    claims_pb2.CLAIM_EVENT_QUESTION_ANSWERED: _l("Hai risposto"),
    claims_pb2.CLAIM_EVENT_QUESTION_EXPIRED: _l("Il tempo per rispondere è finito"),
    claims_pb2.CLAIM_EVENT_DOCUMENT_ADDED: _l("Hai aggiunto un documento"),
    claims_pb2.CLAIM_EVENT_CLOSED: _l("Denuncia chiusa"),
    claims_pb2.CLAIM_EVENT_WITHDRAWN: _l("Denuncia ritirata"),
}
# What REQUIRED says of a field that only another answer makes one.
REQUIRED: Final = {
    "details.beneficiary.given_name": _l("Scrivi il nome del familiare."),
    "details.beneficiary.family_name": _l("Scrivi il cognome del familiare."),
    "details.beneficiary.codice_fiscale": _l("Scrivi il codice fiscale del familiare."),
    "details.provider": _l("Scrivi in quale ospedale o clinica."),
    "details.admission.admitted_on": _l("Scrivi la data del ricovero."),
    "details.admission.discharged_on": _l("Scrivi la data delle dimissioni."),
    "details.other_insurance.insurer": _l("Scrivi quale assicurazione."),
}
# The paths of a draft in VERSION_CHANGED's "changed", by their beginning.
CHANGED: Final = {
    "details.iban": _l("rimborso"),
    "details.other_insurance": _l("rimborso"),
    "details.beneficiary": _l("per chi"),
    "details.accident": _l("infortunio"),
    "details.admission": _l("ricovero"),
    "details.provider": _l("ricovero"),
    "details": _l("che cosa è successo"),
    "expenses": _l("spese"),
    "attachments": _l("documenti"),
}


def changed(paths: str) -> str:
    """What changed of a draft meanwhile, in words; empty: it isn't known."""
    named = [next((text for start, text in CHANGED.items() if path.startswith(start)), "") for path in paths.split(",")]
    return ", ".join(dict.fromkeys(str(text) for text in named if text))


def steps(claim: claims_pb2.Claim) -> list[str]:
    """What each step of a claim's history says. Of an expense the last decision is known, of earlier ones that there was one."""
    by_id = {expense.expense_id: expense for expense in claim.expenses}
    told = []
    for step in claim.history:
        expense = by_id.get(step.subject) if step.event == claims_pb2.CLAIM_EVENT_EXPENSE_UPDATED else None
        if expense is None:
            told.append(str(EVENTS[step.event]))
        elif expense.decided_at == step.at:
            told.append(f"{expense.provider}: {str(EXPENSE_STATES[expense.state]).lower()}")
        else:
            told.append(f"{EVENTS[step.event]}: {expense.provider}")
    return told
