"""Changes the email on file: a code to the new one, a notice to every contact that was on file before."""

from sqlalchemy.exc import IntegrityError

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.underway import EmailChange
from recapito_auth.flows.change_password import Renewed, carry_on, demand_not_frozen, not_signed_in, owner
from recapito_auth.flows.parts import Parts, note, send_again
from recapito_auth.flows.tell import Notice, tell
from recapito_auth.senders.codes import Challenge, Checked, Issue
from recapito_auth.store import accounts, audit, customers, devices
from recapito_servicekit import contacts
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Violation, invalid, not_found
from recapito_servicekit.persons import Person


def start_email_change(parts: Parts, person: Person, typed: str, client: ClientInfo) -> Challenge:
    """Sends a code to the new email.

    Where it is another account's user name, and would become this one's: a decoy, and its owner is told. Raises
    INVALID_ARGUMENT on ``new_email``, FAILED_PRECONDITION CUSTOMER_FROZEN, RESOURCE_EXHAUSTED with RetryInfo.
    """
    customer, account = owner(parts, person)
    demand_not_frozen(customer)
    try:
        email = contacts.email(typed)
    except contacts.BadContact as bad:
        raise invalid(Violation("new_email", bad.fault.value, "an email address")) from bad
    if email == customer.email:
        raise invalid(Violation("new_email", "UNCHANGED", "another address than the one on file"))
    with parts.database.read() as connection:
        theirs = accounts.by_username(connection, email)
    taken = theirs is not None and account.username == customer.email
    locale = customer.language or "it"
    challenge = parts.codes.issue(Issue(customer.customer_id, "new_email", email, locale, client, decoy=taken))
    state = EmailChange(customer.customer_id, customer.epoch, email, taken)
    parts.underway.start(challenge.challenge_id, state, parts.settings.flow_life)
    details = {"new": contacts.mask(email), "taken": taken}
    note(parts, Entry(Event.EMAIL_CHANGE_STARTED, customer.customer_id, details=details))
    parts.codes.notice_later(email, "already_registered", locale, decoy=not taken)
    return challenge


def resend_email_change_code(parts: Parts, person: Person, challenge_id: str, client: ClientInfo) -> Challenge:
    """Has another code sent.

    Raises NOT_FOUND, FAILED_PRECONDITION CUSTOMER_FROZEN, RESOURCE_EXHAUSTED with RetryInfo: too early.
    """
    state = _own(parts, person, challenge_id)
    return send_again(parts, challenge_id, client, state.customer_id, "new_email")


def get_email_change(parts: Parts, person: Person, challenge_id: str) -> Challenge:
    """How far the code came. Raises NOT_FOUND, FAILED_PRECONDITION CUSTOMER_FROZEN."""
    _own(parts, person, challenge_id)
    return parts.codes.get(challenge_id)


def complete_email_change(parts: Parts, person: Person, challenge_id: str, code: str) -> tuple[Checked, Renewed | None]:
    """Compares the code; the right one changes the email, once, and gives the session's new token.

    Raises NOT_FOUND: another customer's, unknown, or a contact changed since; FAILED_PRECONDITION CUSTOMER_FROZEN;
    UNAUTHENTICATED: the session ended meanwhile.
    """
    state = _own(parts, person, challenge_id)
    checked = parts.codes.check(challenge_id, state.customer_id, "new_email", code)
    if not checked.approved or state.taken:
        note(parts, Entry(Event.EMAIL_CODE_CHECKED, state.customer_id, details={"outcome": checked.name}))
        return checked, None
    try:
        epoch = _change(parts, state)
    except IntegrityError:  # the address became another account's user name since the code was asked for
        raise not_found("challenge") from None
    if epoch is None:
        raise not_signed_in()
    parts.underway.end(EmailChange, challenge_id)
    now = parts.clock()
    return checked, carry_on(parts, person, epoch, now, contact_changed_at=now)


def _own(parts: Parts, person: Person, challenge_id: str) -> EmailChange:
    state = parts.underway.read(EmailChange, challenge_id)
    if state is None or state.customer_id != person.customer_id:
        raise not_found("challenge")
    customer, _ = owner(parts, person)
    demand_not_frozen(customer)
    if customer.epoch != state.epoch:
        raise not_found("challenge")
    return state


def _change(parts: Parts, state: EmailChange) -> int | None:
    """The new epoch; None: it rose meanwhile. Raises sqlalchemy.exc.IntegrityError: the user name is taken."""
    now = parts.clock()
    with parts.database.transaction() as connection:
        before = customers.lock(connection, state.customer_id)
        if before is None or before.epoch != state.epoch:
            return None
        customers.change_email(connection, state.customer_id, state.email, now)
        accounts.follow(connection, state.customer_id, before.email, state.email)
        devices.forget_all(connection, state.customer_id)
        masked = contacts.mask(state.email)
        tell(connection, before, Notice("email_changed", {"masked_email": masked}), now)
        details = {"old": contacts.mask(before.email) if before.email else "", "new": masked}
        seq = audit.append(connection, now, Entry(Event.EMAIL_CHANGED, state.customer_id, details=details))
        customers.tell_change(connection, seq, state.customer_id, "email", now)
        parts.sessions.raise_least_epoch(state.customer_id, before.epoch + 1)
    return before.epoch + 1
