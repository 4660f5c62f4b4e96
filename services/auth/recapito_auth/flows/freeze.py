"""Freezes a customer and lifts it: sessions end either way, for a session says what its customer may do."""

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer
from recapito_auth.flows.change_mobile import get_customer
from recapito_auth.flows.parts import Parts
from recapito_auth.store import audit, customers, devices
from recapito_servicekit.errors import not_found


def freeze(parts: Parts, customer_id: str, *, frozen: bool) -> Customer:
    """The customer afterwards; where it is so already, nothing changes. Raises NOT_FOUND.

    Freezing forgets the trusted devices too: one of them may be whose it was not.
    """
    now = parts.clock()
    with parts.database.transaction() as connection:
        customer = customers.lock(connection, customer_id)
        if customer is not None and (customer.frozen_at is not None) != frozen:
            customers.freeze(connection, customer_id, now if frozen else None)
            epoch = customers.advance_epoch(connection, customer_id, now)
            if frozen:
                devices.forget_all(connection, customer_id)
            else:
                devices.carry_on(connection, customer_id, epoch)
            event = Event.CUSTOMER_FROZEN if frozen else Event.CUSTOMER_UNFROZEN
            audit.append(connection, now, Entry(event, customer_id))
            parts.sessions.raise_least_epoch(customer_id, epoch)
    if customer is None:
        raise not_found("customer")
    return get_customer(parts, customer_id)
