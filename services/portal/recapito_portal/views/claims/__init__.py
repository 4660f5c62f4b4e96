"""Denuncia Online: the list, the claims that were filed, and a new one step by step."""

from recapito_portal.views.claims import drafts, filed, filing
from recapito_portal.views.claims.shared import pages

__all__ = ["drafts", "filed", "filing", "pages"]
