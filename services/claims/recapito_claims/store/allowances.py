"""What a customer may do only so often a day."""

from typing import Final

from recapito_claims.store.tables import allowances
from recapito_servicekit.allowances import Allowances

ATTACHMENTS: Final = "attachments"
DRAFTS: Final = "drafts"
COUNTS: Final = Allowances(allowances)
