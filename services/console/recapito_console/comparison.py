"""A case field by field: what the registry knows, what the form says, what the document's data say, in rows that line up."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from recapito.contact_change.v1 import review_pb2

from recapito_console import texts
from recapito_console.translation import _

ACCESS: Final = "access"
"""Where a case says how the customer came in: no field of the three sources."""
PLACES: Final = {
    "DOCUMENT_EXPIRED": ("expires_on", "document"),
    "DOCUMENT_EXPIRES_SOON": ("expires_on", "document"),
    "NUMBER_SHAPE": ("number", "document"),
    "VALIDITY_TOO_LONG": ("issued_on", "document"),
    "EXPIRY_NOT_BIRTHDAY": ("expires_on", "document"),
    "NAME_CODE_DIFFERS": ("codice_fiscale", "registry"),
    "MRZ_MATCHES": ("number", "document"),
    "MRZ_UNREADABLE": ("number", "document"),
    "MRZ_CHECK_DIGIT": ("number", "document"),
    "MRZ_NUMBER_DIFFERS": ("number", "document"),
    "MRZ_EXPIRY_DIFFERS": ("expires_on", "document"),
    "MRZ_BIRTH_DATE_DIFFERS": ("codice_fiscale", "document"),
    "MRZ_NAME_DIFFERS": ("name", "document"),
    "SAME_DOCUMENT_OTHER_CUSTOMER": ("number", "document"),
    "SAME_MOBILE_OTHER_CUSTOMER": ("mobile", "form"),
    "REGISTRY_CHANGED": ("name", "registry"),
    "USERNAME_TAKEN": ("mobile", "form"),
    "PASSWORD_RESET_LATELY": (ACCESS, ""),
}
"""Which field and which column a finding speaks of."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one source says of one field. ``is_exact``: to be compared character by character."""

    text: str = ""
    note: str = ""
    is_exact: bool = False
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One field."""

    key: str
    label: str
    registry: Cell = field(default_factory=Cell)
    form: Cell = field(default_factory=Cell)
    document: Cell = field(default_factory=Cell)


def rows(case: review_pb2.Case, today: date) -> list[Row]:
    """The fields of a case, in the order in which operators check them, each with the findings that speak of it."""
    registry, form, document = case.registry, case.form, case.form.identity_document
    name = f"{registry.given_name} {registry.family_name}".strip()
    return [
        _with_findings(row, case)
        for row in (
            Row("name", _("Nome e cognome"), Cell(name), document=Cell(note=_("Leggi sull'immagine"))),
            Row(
                "codice_fiscale",
                _("Codice fiscale"),
                Cell(registry.codice_fiscale, is_exact=True),
                document=Cell(note=_("Leggi sull'immagine, se c'è")),
            ),
            Row("mobile", _("Cellulare"), _old_mobile(registry.mobile), _new_mobile(form)),
            Row("email", _("Email"), _old_email(registry.email), _form_email(form.notify_email, registry.email)),
            Row("type", _("Tipo di documento"), document=Cell(texts.word(document.type, texts.DOCUMENT_TYPES))),
            Row("number", _("Numero del documento"), document=Cell(document.number, is_exact=True)),
            Row("issuer", _("Rilasciato da"), document=Cell(document.issuer)),
            Row("issued_on", _("Rilasciato il"), document=Cell(texts.day(document.issued_on), is_exact=True)),
            Row("expires_on", _("Scade il"), document=_expiry(document.expires_on, today)),
        )
    ]


def told(case: review_pb2.Case) -> list[tuple[str, str, str]]:
    """Each finding: the row it speaks of (empty: none), what was found, and on what evidence."""
    return [
        (PLACES.get(code, ("", ""))[0], texts.word(code, texts.FINDINGS), _evidence(case).get(code, "")) for code in case.findings
    ]


def _evidence(case: review_pb2.Case) -> dict[str, str]:
    return {found.code: texts.evidence(found) for found in case.found}


def _with_findings(row: Row, case: review_pb2.Case) -> Row:
    for code in case.findings:
        key, column = PLACES.get(code, ("", ""))
        if key == row.key:
            cell: Cell = getattr(row, column)
            changes: dict[str, Any] = {column: replace(cell, findings=(*cell.findings, _sentence(code, case)))}
            row = replace(row, **changes)
    return row


def _sentence(code: str, case: review_pb2.Case) -> str:
    evidence = _evidence(case).get(code, "")
    found = texts.word(code, texts.FINDINGS)
    return f"{found} ({evidence})" if evidence else found


def _old_mobile(e164: str) -> Cell:
    return Cell(texts.mobile(e164), is_exact=True) if e164 else Cell(note=_("Nessun cellulare"))


def _new_mobile(form: review_pb2.FiledForm) -> Cell:
    confirmed = _("Confermato con un codice") if form.mobile_confirmed else _("Non confermato con un codice")
    return Cell(texts.mobile(form.new_mobile), confirmed, is_exact=True)


def _old_email(email: str) -> Cell:
    return Cell(email) if email else Cell(note=_("Nessuna email"))


def _form_email(email: str, on_file: str) -> Cell:
    same = email.casefold() == on_file.casefold()
    return Cell(email, _("Uguale a quella in anagrafica") if same else _("Diversa da quella in anagrafica"))


def _expiry(iso: str, today: date) -> Cell:
    expired = iso < today.isoformat()
    return Cell(texts.day(iso), _("Scaduto") if expired else _("Valido a oggi"), is_exact=True)
