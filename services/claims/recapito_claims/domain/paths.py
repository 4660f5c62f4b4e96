"""What the fields of a draft's details are called in the ClaimDetails message."""

from dataclasses import fields
from typing import Final

from recapito_claims.domain.claim import Details

_ELSEWHERE: Final = {
    "kinship": "beneficiary.kinship",
    "beneficiary_given_name": "beneficiary.given_name",
    "beneficiary_family_name": "beneficiary.family_name",
    "beneficiary_codice_fiscale": "beneficiary.codice_fiscale",
    "accident_place": "accident.place",
    "accident_cause": "accident.cause",
    "third_party": "accident.third_party",
    "third_party_name": "accident.third_party_name",
    "admitted": "admission.admitted",
    "admitted_on": "admission.admitted_on",
    "discharged_on": "admission.discharged_on",
    "other_insurance": "other_insurance.exists",
    "other_insurer": "other_insurance.insurer",
}


def changed(before: Details, after: Details) -> list[str]:
    """The paths of what differs, as ``details.iban``."""
    return [
        f"details.{_ELSEWHERE.get(field.name, field.name)}"
        for field in fields(Details)
        if getattr(before, field.name) != getattr(after, field.name)
    ]
