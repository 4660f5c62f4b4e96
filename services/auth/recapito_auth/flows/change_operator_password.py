"""Changes an operator's own password: the old one and the second factor, or the session of a first sign-in, which had both."""

from recapito_auth.domain import passwords
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Operator
from recapito_auth.flows import operator_factor
from recapito_auth.flows.change_password import not_signed_in
from recapito_auth.flows.complete_registration import refuse_weak
from recapito_auth.flows.open_session import Opened, open_operator_session
from recapito_auth.flows.operators_own import own
from recapito_auth.flows.parts import Parts, note
from recapito_auth.store import audit, operators
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.persons import PASSWORD_CHANGE, Person


def change_operator_password(parts: Parts, person: Person, old: str, new: str, code: str) -> Opened:
    """Gives a new session; every other one ends, the one that asked too.

    Raises INVALID_ARGUMENT on ``old_password``, ``new_password`` or ``totp``; RESOURCE_EXHAUSTED with RetryInfo: too many tries;
    UNAUTHENTICATED NOT_SIGNED_IN: the session ended meanwhile.
    """
    now = parts.clock()
    parts.limits.by_name("operator_password", person.operator_id, parts.settings.sign_ins_per_username, now)
    operator = own(parts, person)
    first = person.kind == PASSWORD_CHANGE
    if first and not operator.password_change_required:
        raise not_signed_in()  # another call with the same session was first
    if not first and not parts.hasher.fits(operator.password_hash, old):
        note(parts, Entry(Event.OPERATOR_PASSWORD_CHANGE_FAILED, operator_id=person.operator_id))
        raise invalid(Violation("old_password", "WRONG", "the present password"))
    _demand_good(parts, operator, new)
    password_hash = parts.hasher.hash(new)
    typed = operator_factor.compare(parts, operator, code, now)
    epoch = None
    with parts.database.transaction() as connection:
        factor = "first sign-in" if first else operator_factor.spend(connection, parts, operator.operator_id, typed, now)
        if factor:
            epoch = operators.change_password(connection, operator, password_hash, now)
        if epoch is not None:
            details = {"factor": factor}
            entry = Entry(Event.OPERATOR_PASSWORD_CHANGED, operator_id=operator.operator_id, details=details)
            audit.append(connection, now, entry)
            parts.sessions.raise_least_epoch(operator.operator_id, epoch)
    if not factor:
        raise operator_factor.wrong(parts, person)
    if epoch is None:
        raise not_signed_in()
    parts.sessions.end(person.token)
    return open_operator_session(parts, operator, epoch, person.amr if first else ("pwd", factor))


def _demand_good(parts: Parts, operator: Operator, new: str) -> None:
    service = ("recapito", parts.settings.company)
    weak = passwords.weakness(new, (operator.name,), service, parts.settings.password_least)
    if weak is not None:
        raise refuse_weak("new_password", weak)
    if parts.hasher.fits(operator.password_hash, new):
        raise invalid(Violation("new_password", "UNCHANGED", "another one than the present password"))
