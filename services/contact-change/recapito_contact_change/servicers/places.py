"""A place in the queue as a page token: opaque to the caller, so that its form may change."""

import base64
import json
from datetime import UTC, datetime

from recapito_contact_change.store.cases import Place
from recapito_servicekit.errors import Violation, invalid


def write(place: Place) -> str:
    """The token of a place."""
    document = json.dumps([place.submitted_at.isoformat(), place.case_id])
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def read(token: str) -> Place:
    """The place of a token. Raises INVALID_ARGUMENT: it is none of ours."""
    try:
        at, case_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        submitted_at = datetime.fromisoformat(at)
        if submitted_at.tzinfo is None or not isinstance(case_id, str):
            raise ValueError("not a place")
        return Place(submitted_at.astimezone(UTC), case_id)
    except (ValueError, TypeError, OverflowError, RecursionError):  # whatever somebody made up
        raise invalid(Violation("page_token", "UNKNOWN", "the next_page_token of the answer before")) from None
