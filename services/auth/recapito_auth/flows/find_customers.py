"""Finds customers by contact, codice fiscale or name."""

from typing import Final

from recapito_auth.domain import names
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer
from recapito_auth.flows.parts import Parts, note
from recapito_auth.store import customers
from recapito_auth.store.customers import Wanted
from recapito_servicekit import contacts
from recapito_servicekit.errors import Violation, invalid

MOST: Final = 50
_HOMONYMS: Final = 1_000  # of one family name, before the given names are compared


def find_customers(
    parts: Parts, contact: str, codice_fiscale: str, family_name: str, given_name: str
) -> tuple[list[Customer], bool]:
    """Whom all that is given fits, by id, and whether there are more. Raises INVALID_ARGUMENT."""
    given = names.fold_given(given_name)
    wanted = Wanted(_canonical(contact), codice_fiscale.strip().upper(), names.fold_family(family_name))
    if given and not wanted.family_folded:
        raise invalid(Violation("family_name", "EMPTY", "given names are compared with a family name alone"))
    if wanted == Wanted():
        raise invalid(Violation("contact", "EMPTY", "a contact, a codice fiscale or a family name"))
    with parts.database.read() as connection:
        found = customers.find(connection, wanted, _HOMONYMS if given else MOST + 1)
    fits = [one for one in found if not given or names.given_names_fit(given, one.given_folded)]
    note(
        parts,
        Entry(Event.CUSTOMERS_FOUND, details={"count": len(fits), "contact": contacts.mask(wanted.contact) if contact else ""}),
    )
    return fits[:MOST], len(fits) > MOST or len(found) == _HOMONYMS


def _canonical(contact: str) -> str:
    try:
        return contacts.contact(contact) if contact.strip() else ""
    except contacts.BadContact as bad:
        raise invalid(Violation("contact", bad.fault.value, "an Italian mobile or an email")) from bad
