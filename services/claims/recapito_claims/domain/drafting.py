"""What a customer writes into a draft: only the format of what is given is checked, anything may still be missing."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from recapito_claims.domain import formats
from recapito_claims.domain.claim import Answer, Category, ClaimKind, Declaration, Details, Expense, Kinship

DESCRIPTION: Final = 1_000
NAME: Final = 120
NUMBER: Final = 60
E = TypeVar("E", bound=StrEnum)


def details(said: Mapping[str, str], declarations: Iterable[str] = ()) -> Details:
    """Reads a draft's details, by their paths in ClaimDetails; an empty string says nothing. Raises INVALID_ARGUMENT with every
    fault.
    """
    reading = formats.Reading("details")

    def line(path: str, most: int = NAME) -> str:
        return reading.take(path, formats.text(most), said.get(path, ""), "")

    def one_of(path: str, kinds: type[E]) -> E | None:
        return reading.take(path, _one_of(kinds), said.get(path, ""), None)

    found = Details(
        kind=one_of("kind", ClaimKind),
        event_date=reading.take("event_date", formats.day, said.get("event_date", ""), None),
        policy_number=line("policy_number", NUMBER),
        description=reading.take("description", formats.lines(DESCRIPTION), said.get("description", ""), ""),
        iban=reading.take("iban", formats.iban, said.get("iban", ""), ""),
        iban_holder=line("iban_holder"),
        kinship=one_of("beneficiary.kinship", Kinship),
        beneficiary_given_name=line("beneficiary.given_name"),
        beneficiary_family_name=line("beneficiary.family_name"),
        beneficiary_codice_fiscale=reading.take(
            "beneficiary.codice_fiscale", formats.codice_fiscale, said.get("beneficiary.codice_fiscale", ""), ""
        ),
        provider=line("provider"),
        accident_place=line("accident.place"),
        accident_cause=line("accident.cause", 300),
        third_party=one_of("accident.third_party", Answer),
        third_party_name=line("accident.third_party_name"),
        admitted=one_of("admission.admitted", Answer),
        admitted_on=reading.take("admission.admitted_on", formats.day, said.get("admission.admitted_on", ""), None),
        discharged_on=reading.take("admission.discharged_on", formats.day, said.get("admission.discharged_on", ""), None),
        other_insurance=one_of("other_insurance.exists", Answer),
        other_insurer=line("other_insurance.insurer"),
        declarations=frozenset(
            one for raw in declarations if (one := reading.take("declarations", _one_of(Declaration), raw, None))
        ),
    )
    reading.done()
    return found


def expense(expense_id: str, provider: str, document_number: str, document_date: str, amount: str, category: str = "") -> Expense:
    """Reads an expense; an empty string says nothing. Raises INVALID_ARGUMENT with every fault."""
    reading = formats.Reading("expense")
    found = Expense(
        expense_id=expense_id,
        provider=reading.take("provider", formats.text(NAME), provider, ""),
        document_number=reading.take("document_number", formats.text(NUMBER), document_number, ""),
        document_date=reading.take("document_date", formats.day, document_date, None),
        cents=reading.take("amount", formats.cents, amount, None),
        category=reading.take("category", _one_of(Category), category, None),
    )
    reading.done()
    return found


def _one_of(kinds: type[E]) -> Callable[[str], E]:
    def read(raw: str) -> E:
        try:
            return kinds(raw)
        except ValueError:
            raise formats.BadFormat("KIND_UNKNOWN", "one of the values of its enum") from None

    return read
