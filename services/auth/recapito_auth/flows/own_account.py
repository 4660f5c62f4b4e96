"""What a customer sees and ends of their own: sessions and trusted devices."""

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.devices import Device
from recapito_auth.flows.parts import Parts, note
from recapito_auth.store import audit, customers, devices
from recapito_auth.store.sessions import Kind, Session, key_of
from recapito_servicekit.errors import Kind as RefusalKind
from recapito_servicekit.errors import Refusal, not_found
from recapito_servicekit.persons import Person


def list_sessions(parts: Parts, person: Person) -> list[tuple[Session, bool]]:
    """The customer's live sessions, the last used first, and whether each is the one that asks."""
    own = key_of(person.token)
    return [(session, key == own) for key, session in parts.sessions.of_customer(person.customer_id, parts.clock())]


def end_session(parts: Parts, token: str) -> None:
    """Ends the session with that token; ending one that has ended already changes nothing."""
    session = parts.sessions.look_up(token, parts.clock())
    parts.sessions.end(token)
    if session is not None:
        note(parts, _ended(session))


def end_own_session(parts: Parts, token: str, session_id: str) -> None:
    """Ends another session of the customer with ``token``. Raises UNAUTHENTICATED: nobody's token; NOT_FOUND."""
    now = parts.clock()
    person = parts.sessions.look_up(token, now)
    if person is None or person.kind is not Kind.SESSION:
        raise Refusal(RefusalKind.UNAUTHENTICATED, "NOT_SIGNED_IN", "nobody with a live token for this acts in the call")
    for key, session in parts.sessions.of_customer(person.customer_id, now):
        if session.session_id == session_id:
            parts.sessions.end_key(key)
            note(parts, _ended(session))
            return
    raise not_found("session")


def end_all_sessions(parts: Parts, person: Person) -> None:
    """Ends every session of the customer, whatever crashes in between; trusted devices live on."""
    now = parts.clock()
    with parts.database.transaction() as connection:
        if customers.lock(connection, person.customer_id) is None:
            raise not_found("customer")
        epoch = customers.advance_epoch(connection, person.customer_id, now)
        devices.carry_on(connection, person.customer_id, epoch)
        audit.append(connection, now, Entry(Event.SESSIONS_ENDED, person.customer_id))
        parts.sessions.raise_least_epoch(person.customer_id, epoch)


def list_devices(parts: Parts, person: Person) -> list[Device]:
    """The devices that the customer trusts, the last used first."""
    with parts.database.read() as connection:
        return devices.of_customer(connection, person.customer_id, parts.clock())


def forget_device(parts: Parts, person: Person, device_id: str) -> None:
    """Trusts a device no more. Raises NOT_FOUND."""
    with parts.database.transaction() as connection:
        known = devices.forget(connection, person.customer_id, device_id)
        if known:
            entry = Entry(Event.DEVICE_FORGOTTEN, person.customer_id, details={"device_id": device_id})
            audit.append(connection, parts.clock(), entry)
    if not known:
        raise not_found("device")


def _ended(session: Session) -> Entry:
    details = {"session_id": session.session_id, "kind": session.kind.value}
    return Entry(Event.SESSION_ENDED, session.customer_id, session.operator_id, details)
