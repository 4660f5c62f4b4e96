"""Opens a draft."""

from sqlalchemy.exc import IntegrityError

from recapito_claims.domain.claim import Claim, Details
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_claims.store import reading
from recapito_claims.store.allowances import COUNTS, DRAFTS
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import Database


def create_draft(database: Database, clock: Clock, customer_id: str, request_id: str, details: Details, most_a_day: int) -> Claim:
    """The draft that the customer's request opened, now or before; ``most_a_day``: new ones.

    Raises NOT_FOUND where it was thrown away since, RESOURCE_EXHAUSTED TOO_MANY_DRAFTS.
    """
    claim_id = new_id()
    now = clock()
    try:
        with database.transaction() as connection:
            store.insert_draft(connection, claim_id, customer_id, request_id, details, now)
            if not COUNTS.take(connection, customer_id, DRAFTS, now.date(), most_a_day):
                raise Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_DRAFTS", f"{most_a_day} drafts a day; come back tomorrow")
            return guard.own(connection, customer_id, claim_id)
    except IntegrityError:
        with database.read() as connection:
            first = reading.find_by_request(connection, customer_id, request_id)
        if first is None:  # it was thrown away meanwhile
            raise not_found("claim") from None
        return first
