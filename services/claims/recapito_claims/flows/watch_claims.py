"""What the claim handling system is told of filed claims."""

from typing import Final

from recapito_claims.domain.claim import Claim, Step
from recapito_claims.store import reading
from recapito_servicekit.sql import Database

BATCH: Final = 50


def happened_after(database: Database, seq: int) -> list[tuple[Step, Claim]]:
    """The next steps, each with its claim as it is now."""
    with database.read() as connection:
        steps = reading.steps_after(connection, seq, BATCH)
        found = reading.filed(connection, (step.claim_id for step in steps))
    return [(step, found[step.claim_id]) for step in steps]
