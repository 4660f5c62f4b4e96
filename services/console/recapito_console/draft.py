"""The decision's form: what an operator has put into it so far, and the decision that it makes."""

from dataclasses import dataclass
from typing import Final

from flask import request
from recapito.contact_change.v1 import review_pb2

from recapito_console import texts
from recapito_console.translation import _

NOTE_LENGTH: Final = 2_000
QUESTION_LENGTH: Final = 1_000
DECISIONS: Final = {
    "approve": review_pb2.DECISION_APPROVE,
    "reject": review_pb2.DECISION_REJECT,
    "ask": review_pb2.DECISION_ASK,
}


@dataclass(frozen=True, slots=True)
class Draft:
    """The form. ``choice``: a reason code, that of a question with ``texts.ASKING`` before it; ``question``: for the customer."""

    choice: str = ""
    note: str = ""
    question: str = ""

    @classmethod
    def sent(cls) -> "Draft":
        """The form as the browser sent it, line ends as one character."""
        return cls(request.form.get("reason_code", ""), _lines("note"), _lines("question"))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.choice or self.note or self.question)

    @property
    def kind(self) -> str:
        """What the choice does, of ``DECISIONS``; the decision follows from the reason, so that the two can't contradict."""
        return texts.kind_of(self.choice)

    @property
    def decision(self) -> "review_pb2.Decision.ValueType":
        """The decision that the choice makes."""
        return DECISIONS[self.kind]

    @property
    def reason_code(self) -> str:
        """The reason as the contract has it."""
        return self.choice.removeprefix(texts.ASKING)

    def faults(self) -> dict[str, str]:
        """What is wrong, by field."""
        faults = {}
        if self.choice not in texts.CHOICES:
            faults["reason_code"] = _("Scegli un esito.")
        if self.kind == "ask" and not self.question:
            faults["question"] = _("Scrivi la domanda per il cliente.")
        elif len(self.question) > QUESTION_LENGTH:
            faults["question"] = _("Al massimo 1.000 caratteri: ora sono %(num)s.", num=len(self.question))
        if len(self.note) > NOTE_LENGTH:
            faults["note"] = _("Al massimo 2.000 caratteri: ora sono %(num)s.", num=len(self.note))
        elif self.reason_code == "OTHER" and not self.note:
            faults["note"] = _("Con «Altro motivo» scrivi una nota.")
        return faults

    def message(self, case_id: str, version: int) -> review_pb2.DecideRequest:
        """The decision on the version that the operator saw. A question that was begun goes only where the customer is asked."""
        return review_pb2.DecideRequest(
            case_id=case_id,
            expected_version=version,
            decision=self.decision,
            reason_code=self.reason_code,
            note=self.note,
            question=self.question if self.kind == "ask" else "",
        )


def _lines(field: str) -> str:
    return request.form.get(field, "").replace("\r\n", "\n").strip()
