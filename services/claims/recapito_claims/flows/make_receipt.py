"""The receipt of a filed claim."""

from recapito_claims.domain import filing
from recapito_claims.domain.claim import ClaimState
from recapito_claims.flows import guard
from recapito_claims.senders.receipt import Receipts
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.sql import Database


def make_receipt(database: Database, receipts: Receipts, customer_id: str, claim_id: str, language: str) -> tuple[str, bytes]:
    """The claim's number and the PDF, of the claim as it was filed. Raises NOT_FOUND, and FAILED_PRECONDITION: NOT_FILED."""
    with database.read() as connection:
        claim = guard.own(connection, customer_id, claim_id)
    if claim.state is ClaimState.DRAFT:
        raise Refusal(Kind.FAILED_PRECONDITION, "NOT_FILED", "a draft has no receipt")
    spoken = language.partition("-")[0].lower() or "it"
    return claim.claim_number, receipts.pdf(filing.as_filed(claim, claim.version), spoken)
