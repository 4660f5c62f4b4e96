"""Claims as messages, and messages as what the flows take."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import EnumDescriptor, EnumValueDescriptor
from google.protobuf.message import Message
from recapito.claims.v1 import claims_pb2 as pb

from recapito_claims.domain import drafting, formats
from recapito_claims.domain.claim import Attachment, AttachmentKind, Claim, Details, Expense, ExpenseState, Question, Step
from recapito_claims.domain.duplicates import Duplicate
from recapito_servicekit.errors import Violation, invalid, not_found
from recapito_servicekit.ids import new_id
from recapito_servicekit.times import to_timestamp

M = TypeVar("M", bound=Message)
_ID: Final = re.compile(r"[0-9a-f]{32}")


def request_id(raw: str) -> str:
    """A caller's id of a request. Raises INVALID_ARGUMENT."""
    if not 1 <= len(raw) <= 64 or not raw.isprintable():
        raise invalid(Violation("request_id", "REQUIRED", "1 to 64 printable characters"))
    return raw


def id_of(what: str, raw: str) -> str:
    """An id of ours. Raises NOT_FOUND."""
    if not _ID.fullmatch(raw):
        raise not_found(what)
    return raw


def read_details(message: pb.ClaimDetails) -> Details:
    """What a customer says. Raises INVALID_ARGUMENT."""
    said = dict(_flat("", message))
    declared = [_name(pb.Declaration.DESCRIPTOR, number, "DECLARATION_") for number in message.declarations]
    return drafting.details(said, declared)


def read_expense(message: pb.Expense) -> Expense:
    """An expense that is to be added. Raises INVALID_ARGUMENT."""
    return drafting.expense(
        expense_id=new_id(),
        provider=message.provider,
        document_number=message.document_number,
        document_date=message.document_date,
        amount=message.amount,
        category=_name(pb.ExpenseCategory.DESCRIPTOR, message.category, "EXPENSE_CATEGORY_"),
    )


def attachment_kind(number: int) -> AttachmentKind:
    """What is attached. Raises INVALID_ARGUMENT."""
    try:
        return AttachmentKind(_name(pb.AttachmentKind.DESCRIPTOR, number, "ATTACHMENT_KIND_"))
    except ValueError:
        raise invalid(Violation("head.kind", "KIND_UNKNOWN", "one of the kinds of attachment")) from None


def expense_state(number: int) -> ExpenseState:
    """A decision. Raises INVALID_ARGUMENT."""
    try:
        return ExpenseState(_name(pb.ExpenseState.DESCRIPTOR, number, "EXPENSE_STATE_"))
    except ValueError:
        raise invalid(Violation("state", "KIND_UNKNOWN", "REIMBURSABLE, PAID, SUSPENDED or REFUSED")) from None


def claim(found: Claim, alike: Iterable[Duplicate] = ()) -> pb.Claim:
    """A claim or a draft."""
    return pb.Claim(
        claim_id=found.claim_id,
        claim_number=found.claim_number,
        state=pb.ClaimState.Value(f"CLAIM_STATE_{found.state}"),
        version=found.version,
        details=_details(found.details),
        expenses=map(_expense, found.expenses),
        attachments=map(_attachment, found.attachments),
        total=formats.decimal(found.total_cents),
        created_at=to_timestamp(found.created_at),
        submitted_at=to_timestamp(found.submitted_at),
        late_notice=found.late_notice,
        history=map(step, found.history),
        questions=map(_question, found.questions),
        customer_id=found.customer_id,
        duplicates=map(duplicate, alike),
    )


def duplicate(found: Duplicate) -> pb.Duplicate:
    """An expense that looks like another."""
    return pb.Duplicate(expense_id=found.expense_id, claim_number=found.claim_number)


def step(found: Step) -> pb.ClaimStep:
    """Something that happened."""
    return pb.ClaimStep(
        event=_number(pb.ClaimEvent, "CLAIM_EVENT_", found.event), at=to_timestamp(found.at), subject=found.subject
    )


def _details(said: Details) -> pb.ClaimDetails:
    return pb.ClaimDetails(
        kind=_number(pb.ClaimKind, "CLAIM_KIND_", said.kind),
        event_date=said.event_date.isoformat() if said.event_date else "",
        policy_number=said.policy_number,
        description=said.description,
        iban=said.iban,
        iban_holder=said.iban_holder,
        beneficiary=_said(
            pb.Beneficiary(
                kinship=_number(pb.Kinship, "KINSHIP_", said.kinship),
                given_name=said.beneficiary_given_name,
                family_name=said.beneficiary_family_name,
                codice_fiscale=said.beneficiary_codice_fiscale,
            )
        ),
        provider=said.provider,
        accident=_said(
            pb.Accident(
                place=said.accident_place,
                cause=said.accident_cause,
                third_party=_number(pb.Answer, "ANSWER_", said.third_party),
                third_party_name=said.third_party_name,
            )
        ),
        admission=_said(
            pb.Admission(
                admitted=_number(pb.Answer, "ANSWER_", said.admitted),
                admitted_on=said.admitted_on.isoformat() if said.admitted_on else "",
                discharged_on=said.discharged_on.isoformat() if said.discharged_on else "",
            )
        ),
        other_insurance=pb.OtherInsurance(exists=_number(pb.Answer, "ANSWER_", said.other_insurance), insurer=said.other_insurer),
        declarations=sorted(_number(pb.Declaration, "DECLARATION_", one) for one in said.declarations),
    )


def _said(part: M) -> M | None:
    """The part; None where it says nothing, so that it comes back as it went."""
    return part if part.ListFields() else None


def _expense(found: Expense) -> pb.Expense:
    return pb.Expense(
        expense_id=found.expense_id,
        provider=found.provider,
        document_number=found.document_number,
        document_date=found.document_date.isoformat() if found.document_date else "",
        amount=formats.decimal(found.cents) if found.cents else "",
        state=_number(pb.ExpenseState, "EXPENSE_STATE_", found.state),
        category=_number(pb.ExpenseCategory, "EXPENSE_CATEGORY_", found.category),
        reason=found.reason,
        decided_at=to_timestamp(found.decided_at),
    )


def _attachment(found: Attachment) -> pb.Attachment:
    return pb.Attachment(
        attachment_id=found.attachment_id,
        kind=_number(pb.AttachmentKind, "ATTACHMENT_KIND_", found.kind),
        name=found.name,
        media_type=found.media_type,
        size=found.size,
        sha256=found.sha256,
        pages=found.pages,
    )


def _question(found: Question) -> pb.Question:
    return pb.Question(
        question_id=found.question_id,
        text=found.text,
        asked_at=to_timestamp(found.asked_at),
        due_at=to_timestamp(found.due_at),
        answer=found.answer,
        answered_at=to_timestamp(found.answered_at),
        expired=found.expired_at is not None,
    )


def _flat(prefix: str, message: Any) -> Iterable[tuple[str, str]]:
    """The fields of a message by their paths, enums by their names in the domain."""
    for field, value in message.ListFields():
        if field.is_repeated:
            continue
        if field.message_type is not None:
            yield from _flat(f"{prefix}{field.name}.", value)
        elif field.enum_type is not None:
            yield prefix + field.name, _name(field.enum_type, value, f"{_prefix_of(field.enum_type)}")
        else:
            yield prefix + field.name, value


def _prefix_of(kind: EnumDescriptor) -> str:
    return kind.values[0].name.removesuffix("UNSPECIFIED")


def _number(kind: Any, prefix: str, value: StrEnum | None) -> Any:
    return kind.Value(f"{prefix}{value or 'UNSPECIFIED'}")


def _name(kind: EnumDescriptor, number: int, prefix: str) -> str:
    """An enum's value by its name in the domain; UNSPECIFIED is empty, a number that this side doesn't know stays a number."""
    values: Mapping[int, EnumValueDescriptor] = kind.values_by_number
    found = values.get(number)
    return "" if number == 0 else found.name.removeprefix(prefix) if found else str(number)
