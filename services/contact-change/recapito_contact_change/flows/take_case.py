"""An operator takes a case for the length of a lease, or renews their own hold."""

from collections.abc import Sequence

from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import ENDED_STATES, UNDER_REVIEW, Case, Operator, Policy
from recapito_contact_change.flows.read_cases import Folder, ReadCases
from recapito_contact_change.review import Opinion
from recapito_contact_change.store import cases, changes, opinions
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.sql import Database


class TakeCase:
    """See ``run``."""

    def __init__(self, database: Database, registry: Registry, reader: ReadCases, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._registry = registry
        self._reader = reader
        self._clock = clock
        self._policy = policy

    def run(self, operator: Operator, case_id: str) -> Folder:
        """The case as taken. The registry's version that the operator sees now is the one that an approval will hold for.

        Raises Refusal: NOT_FOUND, OWN_CASE, ALREADY_REVIEWED, CASE_HELD with who holds it, ALREADY_DECIDED.
        """
        case = self._reader.find(case_id)
        demand_not_own(case, operator)
        customer = self._registry.get(case.change.customer_id)
        now = self._clock()
        with self._database.transaction() as tx:
            case = cases.find(tx, case_id) or case
            if case.change.state in UNDER_REVIEW:
                demand_may_review(opinions.of_round(tx, case_id, case.round), operator)
            taken = cases.take(tx, case_id, operator, customer.version, now, self._policy.lease)
            if taken:
                changes.note(tx, case.change.change_id, now, operator.name, "taken")
        if not taken:
            case = self._reader.find(case_id)
            if case.change.state not in UNDER_REVIEW:
                raise already_decided(case)
            raise Refusal(Kind.ABORTED, "CASE_HELD", "another operator holds the case", {"holder": case.holder_name})
        return self._reader.folder(case_id, customer, operator)

    def renew(self, operator: Operator, case_id: str) -> Case:
        """The case with a lease from now. Raises Refusal: NOT_FOUND, LEASE_LOST with who holds it."""
        with self._database.transaction() as tx:
            renewed = cases.renew(tx, case_id, operator.operator_id, self._clock(), self._policy.lease)
        case = self._reader.find(case_id)
        if not renewed:
            raise lease_lost(case)
        return case

    def release(self, operator: Operator, case_id: str) -> Case:
        """The case, free for others. Raises Refusal: NOT_FOUND, LEASE_LOST where another holds it."""
        now = self._clock()
        with self._database.transaction() as tx:
            released = cases.release(tx, case_id, operator.operator_id, now)
            case = cases.find(tx, case_id)
            if released and case is not None:
                changes.note(tx, case.change.change_id, now, operator.name, "released")
        if case is None:
            raise not_found("case")
        if case.held_at(now):
            raise lease_lost(case)
        return case


def lease_lost(case: Case) -> Refusal:
    """ABORTED: the operator doesn't hold the case, and who does."""
    return Refusal(Kind.ABORTED, "LEASE_LOST", "the operator doesn't hold the case any more", {"holder": case.holder_name})


def demand_not_own(case: Case, operator: Operator) -> None:
    """Raises FAILED_PRECONDITION where the operator would decide on themselves."""
    if case.is_own_of(operator):
        raise Refusal(Kind.FAILED_PRECONDITION, "OWN_CASE", "nobody decides on themselves")


def demand_may_review(given: Sequence[Opinion], operator: Operator) -> None:
    """Raises FAILED_PRECONDITION where the operator has given their opinion in this round."""
    if any(one.operator_id == operator.operator_id for one in given):
        raise Refusal(
            Kind.FAILED_PRECONDITION, "ALREADY_REVIEWED", "nobody decides twice on one case; it waits for another operator"
        )


def already_decided(case: Case) -> Refusal:
    """ABORTED: another decided first, and who; or the change is over without a decision."""
    if case.change.state in ENDED_STATES:
        return Refusal(Kind.ABORTED, "CASE_CLOSED", "the change is over", {"state": case.change.state})
    return Refusal(Kind.ABORTED, "ALREADY_DECIDED", "the case is decided", {"decided_by": case.decided_by_name})
