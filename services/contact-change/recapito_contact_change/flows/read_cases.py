"""What operators read: the queue, a case, its history. A look at a case is recorded before it is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import UNDER_REVIEW, Case, Customer, Operator, Question, State
from recapito_contact_change.review import Opinion
from recapito_contact_change.store import cases, changes, documents, findings, opinions, questions
from recapito_contact_change.store import notices as ledger
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Violation, invalid, not_found
from recapito_servicekit.sql import Database

DEFAULT_PAGE: Final = 25
LONGEST_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Folder:
    """A case with all that an operator looks at beside it."""

    case: Case
    customer: Customer
    documents: list[documents.KeptDocument]
    questions: list[Question]
    evidence: Mapping[str, Mapping[str, str]]  # of the findings, by code
    opinions: list[Opinion]  # while a review goes on, the reader's own alone
    notices: list[ledger.Delivery]


class ReadCases:
    """Lists cases, reads one, reads its history."""

    def __init__(self, database: Database, registry: Registry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock

    def page(
        self, chosen: cases.Filter, after: cases.Place | None, size: int, *, newest_first: bool
    ) -> tuple[list[Case], cases.Place | None]:
        """A page of the queue, and the place where the next one begins; None: this is the last. ``size`` 0: 25."""
        if not 0 <= size <= LONGEST_PAGE:
            raise invalid(Violation("page_size", "OUT_OF_RANGE", f"1 to {LONGEST_PAGE}; 0: {DEFAULT_PAGE}"))
        most = size or DEFAULT_PAGE
        with self._database.read() as tx:
            found = cases.page(tx, chosen, self._clock(), after, most + 1, newest_first=newest_first)
        listed = found[:most]
        more = len(found) > most
        return listed, cases.Place(listed[-1].change.submitted_at, listed[-1].case_id) if more else None

    def reviewed_by(self, operator: Operator, listed: list[Case]) -> set[str]:
        """The ids of those cases that wait for another operator, because this one has given their opinion."""
        waiting = {case.case_id: case.round for case in listed if case.change.state is State.SECOND_REVIEW}
        if not waiting:
            return set()
        with self._database.read() as tx:
            given = opinions.rounds_of(tx, operator.operator_id, waiting)
        return {case_id for case_id, round in given if waiting[case_id] == round}

    def open(self, operator: Operator, case_id: str) -> Folder:
        """A case with the registry's record as it is now; the look is recorded. Raises NOT_FOUND."""
        case = self.find(case_id)
        customer = self._registry.get(case.change.customer_id)
        with self._database.transaction() as tx:
            changes.note(tx, case.change.change_id, self._clock(), operator.name, "viewed")
        return self.folder(case_id, customer, operator)

    def folder(self, case_id: str, customer: Customer, operator: Operator) -> Folder:
        """The case as it is now, beside a record that was just read. Raises NOT_FOUND.

        What other operators think of it is told when it is decided, so that the second looks with fresh eyes.
        """
        with self._database.read() as tx:
            case = cases.find(tx, case_id)
            if case is None:
                raise not_found("case")
            change_id = case.change.change_id
            return Folder(
                case,
                customer,
                documents.of_change(tx, change_id),
                questions.of_change(tx, change_id),
                findings.of_change(tx, change_id),
                _told(opinions.of_case(tx, case_id), case, operator),
                ledger.of_change(tx, change_id),
            )

    def find(self, case_id: str) -> Case:
        """The case alone. Raises NOT_FOUND."""
        with self._database.read() as tx:
            case = cases.find(tx, case_id)
        if case is None:
            raise not_found("case")
        return case

    def history(self, case_id: str) -> list[cases.Entry]:
        """What happened to a case, the oldest first. Raises NOT_FOUND."""
        with self._database.read() as tx:
            case = cases.find(tx, case_id)
            if case is None:
                raise not_found("case")
            return cases.history(tx, case.change.change_id)


def _told(given: list[Opinion], case: Case, operator: Operator) -> list[Opinion]:
    if case.change.state not in UNDER_REVIEW:
        return given
    return [one for one in given if one.operator_id == operator.operator_id]
