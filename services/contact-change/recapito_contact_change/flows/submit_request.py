"""Files a request: the change, its documents and its event in one transaction, once for a request_id."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from recapito_contact_change import events, form, metrics
from recapito_contact_change.adapters.codes import Codes
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import Asker, Change, Policy, State
from recapito_contact_change.flows.wish_mobile import too_many_mobiles
from recapito_contact_change.hashes import DocumentHashes
from recapito_contact_change.store import allowances, changes, documents
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, reused
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import Database

CUSTOMER: Final = "customer"


class SubmitRequest:
    """See ``run``. ``confirm``: whether a proof of the new mobile is demanded."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        codes: Codes,
        hashes: DocumentHashes,
        clock: Clock,
        policy: Policy,
        *,
        confirm: bool,
    ) -> None:
        self._database = database
        self._registry = registry
        self._codes = codes
        self._hashes = hashes
        self._clock = clock
        self._policy = policy
        self._confirm = confirm

    def run(self, asker: Asker, typed: form.TypedForm, demand_time: Callable[[], None]) -> Change:
        """The change as it was filed; the same for the same request_id, whatever became of it since.

        ``demand_time`` raises where the caller no longer waits. Raises Refusal: what is wrong, by field; CHANGE_OPEN; too many
        different mobiles today; the request_id filed a change to another mobile.
        """
        earlier, has_open, pages = self._look(asker, typed)
        if earlier is not None:
            return earlier
        try:
            if has_open:
                raise _change_open()
            return self._file(asker, typed, pages, demand_time)
        except (Refusal, sa.exc.IntegrityError) as error:
            # the same request may have been filed beside this one, and have taken what this one found missing
            earlier, _, _ = self._look(asker, typed)
            if earlier is not None:
                return earlier
            if isinstance(error, Refusal):
                raise
            raise _change_open() from None

    def _look(self, asker: Asker, typed: form.TypedForm) -> tuple[Change | None, bool, list[int] | None]:
        """What was filed with the request_id, whether a change is open, and the documents' pages."""
        with self._database.read_each() as tx:  # what is written afterwards is guarded by itself
            found, has_open = changes.of_request_or_open(tx, asker.customer_id, typed.request_id)
            if found is not None:
                if not form.asks_for(typed, found.form.new_mobile):
                    raise reused()
                first = replace(found, state=State.SUBMITTED, decided_at=None, applied_at=None, ended_at=None, reason_code="")
                return first, has_open, None
            return None, has_open, documents.unfiled(tx, asker.customer_id, typed.document_ids)

    def _file(self, asker: Asker, typed: form.TypedForm, pages: list[int] | None, demand_time: Callable[[], None]) -> Change:
        on_file = self._registry.get(asker.customer_id).mobile
        most = self._policy.documents_a_request
        filed = form.check(typed, on_file, pages, self._clock().date(), need_proof=self._confirm, most_documents=most)
        if isinstance(filed, tuple):
            raise invalid(*filed)
        if self._confirm:
            self._codes.spend(typed.mobile_proof, asker.customer_id, filed.new_mobile, typed.request_id)
        demand_time()
        return self._write(asker, typed, filed)

    def _write(self, asker: Asker, typed: form.TypedForm, filed: form.FiledForm) -> Change:
        now = self._clock()
        change = Change(
            change_id=new_id(),
            customer_id=asker.customer_id,
            state=State.SUBMITTED,
            form=filed,
            mobile_confirmed=self._confirm,
            amr=asker.amr,
            submitted_at=now,
            due_at=now + self._policy.review_target,
        )
        with self._database.transaction() as tx:
            changes.insert(tx, change, typed.request_id, self._hashes.hash(filed.document.type, filed.document.number))
            most = self._policy.new_mobiles_a_day
            if not allowances.take_mobile(tx, asker.customer_id, filed.new_mobile, now.date(), most):
                raise too_many_mobiles(most)
            if not documents.file(tx, asker.customer_id, typed.document_ids, change.change_id, after=0):
                raise invalid(Violation("document_ids", "UNKNOWN", "one of them was filed meanwhile"))
            changes.note(tx, change.change_id, now, CUSTOMER, "submitted")
            events.write_first(OUTBOX, tx, events.SUBMITTED, {change.change_id: {"change_id": change.change_id}}, now)
        metrics.SUBMITTED.inc()
        return change


def _change_open() -> Refusal:
    return Refusal(Kind.ALREADY_EXISTS, "CHANGE_OPEN", "the customer has an open change; one at a time")
