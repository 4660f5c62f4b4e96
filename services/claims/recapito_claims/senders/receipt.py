"""The receipt of a filed claim as a PDF, in Italian or English."""

import io
from collections.abc import Mapping
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from recapito_claims.domain.claim import ITALY, Claim
from recapito_claims.domain.formats import decimal
from recapito_claims.senders import fonts

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "it": {
        "title": "Ricevuta di denuncia",
        "number": "Numero della denuncia",
        "filed": "Inviata il",
        "event": "Data dell'evento",
        "policy": "Polizza",
        "iban": "Rimborso sul conto",
        "late": "La denuncia è arrivata più di 3 giorni dopo l'evento (articolo 1913 del Codice civile).",
        "provider": "Chi è stato pagato",
        "document": "Fattura",
        "amount": "EUR",
        "total": "Totale",
        "files": "Documenti allegati",
        "help": "Per assistenza",
    },
    "en": {
        "title": "Receipt of a claim",
        "number": "Number of the claim",
        "filed": "Sent on",
        "event": "Date of the event",
        "policy": "Policy",
        "iban": "Refund to the account",
        "late": "The claim arrived more than 3 days after the event (article 1913 of the Italian Civil Code).",
        "provider": "Who was paid",
        "document": "Invoice",
        "amount": "EUR",
        "total": "Total",
        "files": "Documents attached",
        "help": "For help",
    },
}
_BODY: Final = ParagraphStyle("body", fontName=fonts.FONT, fontSize=10, leading=14)
_AMOUNT: Final = ParagraphStyle("amount", parent=_BODY, alignment=TA_RIGHT)
_HEAD: Final = ParagraphStyle("head", fontName=fonts.FONT, fontSize=18, leading=24, spaceAfter=6)
_LINE: Final = HexColor("#c9d3da")


class Receipts:
    """Makes receipts. ``company``: whose they are; ``help_contact``: where customers get help."""

    def __init__(self, company: str, help_contact: str) -> None:
        self._company = company
        self._help_contact = help_contact
        fonts.register()

    def pdf(self, claim: Claim, language: str) -> bytes:
        """The receipt; a language that it isn't written in: English."""
        words = _WORDS[language if language in _WORDS else "en"]
        out = io.BytesIO()
        document = SimpleDocTemplate(
            out,
            pagesize=A4,
            title=f"{words['title']} {claim.claim_number}",
            author=self._company,
            lang="it" if words is _WORDS["it"] else "en",
            leftMargin=20 * mm,
            rightMargin=20 * mm,
        )
        facts = {
            words["number"]: claim.claim_number,
            words["filed"]: claim.submitted_at.astimezone(ITALY).strftime("%d/%m/%Y, %H:%M") if claim.submitted_at else "",
            words["event"]: claim.details.event_date.strftime("%d/%m/%Y") if claim.details.event_date else "",
            words["policy"]: claim.details.policy_number,
            words["iban"]: f"…{claim.details.iban[-4:]}, {claim.details.iban_holder}",
        }
        document.build(
            [
                _text(self._company),
                _text(words["title"], _HEAD),
                Table([[_text(name), _text(value)] for name, value in facts.items()], colWidths=[60 * mm, 110 * mm]),
                Spacer(0, 6 * mm),
                *([_text(words["late"]), Spacer(0, 6 * mm)] if claim.late_notice else []),
                _expenses(claim, words),
                Spacer(0, 6 * mm),
                _text(f"{words['files']}: {', '.join(one.name for one in claim.attachments)}"),
                Spacer(0, 6 * mm),
                _text(f"{words['help']}: {self._help_contact}"),
            ]
        )
        return out.getvalue()


def _expenses(claim: Claim, words: Mapping[str, str]) -> Table:
    rows = [[_text(words["provider"]), _text(words["document"]), _text(words["amount"], _AMOUNT)]]
    for one in claim.expenses:
        day = one.document_date.strftime("%d/%m/%Y") if one.document_date else ""
        rows.append([_text(one.provider), _text(f"{one.document_number}, {day}"), _text(_money(one.cents or 0, words), _AMOUNT)])
    rows.append([_text(words["total"]), _text(""), _text(_money(claim.total_cents, words), _AMOUNT)])
    lines = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Table(rows, colWidths=[80 * mm, 60 * mm, 30 * mm], style=lines, repeatRows=1)


def _money(cents: int, words: Mapping[str, str]) -> str:
    """1.234,56 in Italian, 1,234.56 in English."""
    euros, _, rest = decimal(cents).partition(".")
    point, comma = (".", ",") if words is _WORDS["it"] else (",", ".")
    return f"{int(euros):,}".replace(",", point) + comma + rest


def _text(text: str, style: ParagraphStyle = _BODY) -> Paragraph:
    """A paragraph in which nothing that a customer typed is markup."""
    return Paragraph(fonts.marked(text), style)
