"""What operators read: the queue, a case, its history. A look at a case is recorded before it is given."""

from dataclasses import dataclass
from typing import Final

from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import Case, Customer, Operator, Question
from recapito_contact_change.store import cases, changes, documents, questions
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

    def open(self, operator: Operator, case_id: str) -> Folder:
        """A case with the registry's record as it is now; the look is recorded. Raises NOT_FOUND."""
        case = self.find(case_id)
        customer = self._registry.get(case.change.customer_id)
        with self._database.transaction() as tx:
            changes.note(tx, case.change.change_id, self._clock(), operator.name, "viewed")
        return self.folder(case_id, customer)

    def folder(self, case_id: str, customer: Customer) -> Folder:
        """The case as it is now, beside a record that was just read. Raises NOT_FOUND."""
        with self._database.read() as tx:
            case = cases.find(tx, case_id)
            if case is None:
                raise not_found("case")
            change_id = case.change.change_id
            return Folder(case, customer, documents.of_change(tx, change_id), questions.of_change(tx, change_id))

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
