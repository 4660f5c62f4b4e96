"""The pages of a draft that ask for its details: which fields each asks for, and for which claims it is asked at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from recapito.claims.v1 import claims_pb2

from recapito_portal import claim_forms as forms

_MAY_BE_ADMITTED: Final = {claims_pb2.CLAIM_KIND_ILLNESS, claims_pb2.CLAIM_KIND_ACCIDENT, claims_pb2.CLAIM_KIND_MATERNITY}


def _always(_: claims_pb2.ClaimDetails) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """A page: its place in the address, its heading, its form, and the path in ClaimDetails of each field.

    The stylesheet shows ``only_if`` where that answer is given; a browser that can't do that shows it always.
    """

    name: str
    heading: Any
    form: type[FlaskForm]
    paths: Mapping[str, str]
    only_if: tuple[str, ...] = ()  # fields that only one of the page's answers asks for
    applies: Callable[[claims_pb2.ClaimDetails], bool] = _always


def _same(prefix: str, *fields: str) -> dict[str, str]:
    return {field: prefix + field for field in fields}


PARTS: Final = (
    Part(
        "dati",
        _l("Che cosa è successo"),
        forms.EventForm,
        _same("", "kind", "event_date", "policy_number", "description"),
    ),
    Part(
        "persona",
        _l("Per chi"),
        forms.BeneficiaryForm,
        _same("beneficiary.", "kinship", "given_name", "family_name", "codice_fiscale"),
        ("given_name", "family_name", "codice_fiscale"),
    ),
    Part(
        "infortunio",
        _l("L'infortunio"),
        forms.AccidentForm,
        _same("accident.", "place", "cause", "third_party", "third_party_name"),
        ("third_party_name",),
        lambda details: details.kind == claims_pb2.CLAIM_KIND_ACCIDENT,
    ),
    Part(
        "ricovero",
        _l("Il ricovero"),
        forms.AdmissionForm,
        {"provider": "provider", **_same("admission.", "admitted", "admitted_on", "discharged_on")},
        ("provider", "admitted_on", "discharged_on"),
        lambda details: details.kind in _MAY_BE_ADMITTED,
    ),
    Part(
        "rimborso",
        _l("Il rimborso"),
        forms.PaymentForm,
        {**_same("", "iban", "iban_holder"), **_same("other_insurance.", "exists", "insurer")},
        ("insurer",),
    ),
)
BY_NAME: Final = {part.name: part for part in PARTS}
# what isn't asked for by a part: expenses and documents come before the payment, the check and the code at the end
_EXPENSES, _ATTACHMENTS, _CHECK, _CODE = "spese", "documenti", "riepilogo", "codice"


def journey(details: claims_pb2.ClaimDetails) -> list[tuple[str, Any]]:
    """All steps of this claim, with their headings."""
    steps: list[tuple[str, Any]] = [(part.name, part.heading) for part in PARTS[:-1] if part.applies(details)]
    steps += [(_EXPENSES, _l("Le spese")), (_ATTACHMENTS, _l("I documenti")), (PARTS[-1].name, PARTS[-1].heading)]
    return [*steps, (_CHECK, _l("Riepilogo")), (_CODE, _l("Codice"))]


def neighbour(details: claims_pb2.ClaimDetails, name: str, distance: int) -> str:
    """The step that lies ``distance`` behind this one; empty: there is none."""
    names = [step for step, _ in journey(details)]
    place = names.index(name) + distance if name in names else 0
    return names[place] if 0 <= place < len(names) else ""


def values(part: Part, details: claims_pb2.ClaimDetails) -> dict[str, str]:
    """What the part's fields show."""
    return {field: str(_read(details, path) or "") for field, path in part.paths.items()}


def write(part: Part, details: claims_pb2.ClaimDetails, said: Mapping[str, str]) -> None:
    """Puts what was typed into the details."""
    for field, path in part.paths.items():
        _write(details, path, said.get(field) or "")


def settle(details: claims_pb2.ClaimDetails) -> None:
    """Takes out what an answer has made void: a family member where the care was one's own, dates where there was no stay."""
    if details.beneficiary.kinship == claims_pb2.KINSHIP_INSURED:
        details.beneficiary.CopyFrom(claims_pb2.Beneficiary(kinship=claims_pb2.KINSHIP_INSURED))
    if details.admission.admitted == claims_pb2.ANSWER_NO:
        details.admission.CopyFrom(claims_pb2.Admission(admitted=claims_pb2.ANSWER_NO))
    if details.other_insurance.exists == claims_pb2.ANSWER_NO:
        details.other_insurance.CopyFrom(claims_pb2.OtherInsurance(exists=claims_pb2.ANSWER_NO))


def clear(details: claims_pb2.ClaimDetails, path: str) -> None:
    """Takes one field out of the details."""
    *parents, name = path.split(".")
    for parent in parents:
        details = getattr(details, parent)
    details.ClearField(name)  # type: ignore[arg-type]


def step_of(path: str) -> str:
    """The step that mends a fault of the whole claim, by the fault's path."""
    if path.startswith("details."):
        inner = path.removeprefix("details.")
        return next((part.name for part in PARTS if inner in part.paths.values()), _CHECK)
    return _ATTACHMENTS if path.startswith("attachments") else _EXPENSES


def _read(details: Any, path: str) -> Any:
    for name in path.split("."):
        details = getattr(details, name)
    return details


def _write(details: Any, path: str, typed: str) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        details = getattr(details, parent)
    is_enum = details.DESCRIPTOR.fields_by_name[name].enum_type is not None
    number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else 0
    setattr(details, name, number if is_enum else typed)
