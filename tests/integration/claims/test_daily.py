"""What a customer may send in a day."""

import pytest
import sqlalchemy as sa

from recapito_claims.store.allowances import ATTACHMENTS, DRAFTS
from recapito_claims.store.tables import allowances
from recapito_servicekit.errors import Refusal
from recapito_servicekit.sql import Database
from tests.conftest import SetClock
from tests.integration.claims.claimant import Claims, new_request, picture, reason_of
from tests.integration.claims.test_drafts import at_once


def used(claims: Claims, what: str, count: int) -> None:
    """C-1 has used so many up today; the day is the clock's first."""
    database = Database(claims.settings.database_url, 1)
    with database.transaction() as tx:
        tx.execute(sa.insert(allowances).values(customer_id="C-1", what=what, day=SetClock().now.date(), used=count))
    database.close()


def test_so_many_drafts_a_day_also_in_parallel_and_repeats_are_free(claims: Claims, clock: SetClock) -> None:
    anna, bruno = claims.sign_in(), claims.sign_in("C-2")
    used(claims, DRAFTS, claims.settings.drafts_a_day - 2)
    request_id = new_request()
    first = anna.create(request_id)

    def create() -> str:
        try:
            return anna.create().claim_id
        except Refusal as refusal:
            return refusal.reason

    assert sorted(map(len, at_once(6, create))) == sorted([32] + [len("TOO_MANY_DRAFTS")] * 5)
    assert anna.create(request_id) == first
    with pytest.raises(Refusal) as refused:
        anna.create()
    assert reason_of(refused) == "RESOURCE_EXHAUSTED TOO_MANY_DRAFTS"
    bruno.create()
    clock.forward(minutes=14 * 60)
    claims.sign_in().create()


def test_so_many_attachments_a_day_those_that_are_refused_too(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    used(claims, ATTACHMENTS, claims.settings.attachments_a_day - 2)
    with pytest.raises(Refusal) as unreadable:
        anna.attach(draft, b"nothing")
    assert unreadable.value.violations
    attached = anna.attach(draft, picture())
    with pytest.raises(Refusal) as refused:
        anna.attach(draft, picture(2))
    assert reason_of(refused) == "RESOURCE_EXHAUSTED TOO_MANY_DOCUMENTS"
    assert anna.get(draft) == attached
