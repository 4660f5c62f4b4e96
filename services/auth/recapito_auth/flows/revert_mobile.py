"""Takes an applied change of mobile back: the number that was there before is put again, and what carried the epoch is dead."""

from sqlalchemy.exc import IntegrityError

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.flows.change_mobile import Changed, keep, put_mobile, read_kept
from recapito_auth.flows.parts import Parts
from recapito_auth.store import accounts, audit, customers
from recapito_auth.store.customers import MobileChange
from recapito_servicekit import contacts
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found, reused


def revert_mobile(parts: Parts, request_id: str, change_id: str) -> Changed:
    """Takes the change back, once; a repeat gives the first answer.

    Only while the mobile is still what that change put: a later change is somebody else's decision. An account that opened a
    contact change alone before does so again, for the approval that freed it is gone. A frozen customer stays frozen. Raises
    INVALID_ARGUMENT, NOT_FOUND: no such change was applied, ABORTED MOBILE_CHANGED_SINCE, FAILED_PRECONDITION USERNAME_TAKEN:
    the earlier mobile is another account's user name by now.
    """
    if not 1 <= len(request_id) <= 64:
        raise invalid(Violation("request_id", "WRONG_LENGTH", "1 to 64 characters"))
    now = parts.clock()
    try:
        with parts.database.transaction() as connection:
            applied = customers.first_answer(connection, change_id)
            customer = customers.lock(connection, applied[0]) if applied is not None else None
            if applied is None or customer is None:
                raise not_found("change")
            first = customers.first_answer(connection, request_id)
            if first is not None:
                return _repeated(change_id, read_kept(first[1]))
            change = read_kept(applied[1])
            if change.reverts:
                raise not_found("change")
            put = change.customer.mobile
            if customer.mobile != put or not customers.was_last(connection, change_id):
                raise Refusal(Kind.ABORTED, "MOBILE_CHANGED_SINCE", "the mobile is not the one that this change put")
            limited = change.was_contact_change_only
            accounts.rebind(connection, customer.customer_id, put, change.old_mobile, contact_change_only=limited)
            mobile = MobileChange(customer.customer_id, change.old_mobile, now, customer.claims_held_until)
            after = put_mobile(connection, mobile)
            changed = Changed(after, put, reverts=change_id)
            keep(connection, request_id, changed, now)
            details = {
                "request_id": request_id,
                "change_id": change_id,
                "new": contacts.mask(change.old_mobile) if change.old_mobile else "",
            }
            seq = audit.append(connection, now, Entry(Event.MOBILE_REVERTED, customer.customer_id, details=details))
            customers.tell_change(connection, seq, customer.customer_id, "mobile", now)
            parts.sessions.raise_least_epoch(customer.customer_id, after.epoch)
    except IntegrityError as error:
        message = "the earlier mobile is the user name of another account"
        raise Refusal(Kind.FAILED_PRECONDITION, "USERNAME_TAKEN", message) from error
    return changed


def _repeated(change_id: str, changed: Changed) -> Changed:
    if changed.reverts != change_id:
        raise reused()
    return changed
