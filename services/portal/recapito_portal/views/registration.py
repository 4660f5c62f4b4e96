"""Registrati: person, name, contact, code, password, done."""

from typing import Final

from flask import Blueprint, flash, render_template
from flask_babel import get_locale
from recapito.auth.v1 import registration_pb2

from recapito_portal import browser, codes, faults, texts
from recapito_portal.forms import CodeForm, CompanyNameForm, ContactForm, NewPasswordForm, PersonNameForm, PersonTypeForm
from recapito_portal.services import services
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.web import call, client, see

pages = Blueprint("registration", __name__, url_prefix="/registrati")
JOURNEY: Final = "registration"
NAMES: Final = ("given_name", "family_name")


@pages.route("", methods=["GET", "POST"])
def person() -> browser.Page:
    """Step 1, "Seleziona Persona"."""
    form = PersonTypeForm(data=browser.journey(JOURNEY))
    faults.show_stashed(form)
    if form.validate_on_submit():
        browser.drop(JOURNEY)
        browser.keep(JOURNEY, person_type=form.person_type.data)
        return see("registration.name")
    return render_template("registration/person.html", form=form), 422 if form.errors else 200


@pages.route("/nome", methods=["GET", "POST"])
def name() -> browser.Page:
    """Step 2, "Nome" and "Cognome"; a company has one name."""
    found = browser.journey(JOURNEY)
    if "person_type" not in found:
        return see("registration.person")
    is_company = found["person_type"] == str(registration_pb2.PERSON_TYPE_COMPANY)
    form = (CompanyNameForm if is_company else PersonNameForm)(data=found)
    faults.show_stashed(form)
    if form.validate_on_submit():
        browser.keep(JOURNEY, **{field: form[field].data for field in NAMES if field in form})
        return see("registration.contact")
    return render_template("registration/name.html", form=form, is_company=is_company), 422 if form.errors else 200


@pages.route("/recapito", methods=["GET", "POST"])
def contact() -> browser.Page:
    """Step 3, the contact on file that becomes the user name. The same page follows whether or not it is on file."""
    found = browser.journey(JOURNEY)
    if "family_name" not in found:
        return see("registration.name")
    form = ContactForm(data=found)
    if form.validate_on_submit():
        message = registration_pb2.StartRegistrationRequest(
            person_type=registration_pb2.PersonType.ValueType(int(found["person_type"])),
            given_name=found.get("given_name", ""),
            family_name=found["family_name"],
            contact=form.contact.data,
            client=client(),
            locale=str(get_locale()),
        )
        try:
            started = call(services().registration.StartRegistration, message)
        except Refusal as refusal:
            if refusal.kind not in (Kind.INVALID_ARGUMENT, Kind.RESOURCE_EXHAUSTED):
                raise
            of_name = {v.field: texts.of(v.reason) for v in refusal.violations if v.field in NAMES}
            if of_name:
                faults.stash(**of_name)
                return see("registration.name")
            faults.tell(form, refusal)
        else:
            browser.keep(JOURNEY, contact=form.contact.data, id=started.registration_id, verified=False)
            codes.sent(JOURNEY, started.masked_contact, started.expires_at, started.resend_available_at)
            return see("registration.code")
    return render_template("registration/contact.html", form=form), 422 if form.errors else 200


@pages.route("/codice", methods=["GET", "POST"])
def code() -> browser.Page:
    """Step 4, the code that went to that contact, if it is on file."""
    found = browser.journey(JOURNEY)
    if "id" not in found:
        return see("registration.contact")
    form = CodeForm()
    if form.validate_on_submit():
        message = registration_pb2.VerifyContactRequest(registration_id=found["id"], code=form.code.data)
        try:
            checked = call(services().registration.VerifyContact, message)
        except Refusal as refusal:
            return see("registration.code") if codes.is_for_later(refusal) else _begin_again(refusal)
        if not codes.is_approved(JOURNEY, checked):
            return see("registration.code")
        browser.keep(JOURNEY, verified=True)
        return see("registration.password")
    return codes.page("registration/code.html", JOURNEY, form)


@pages.post("/codice/nuovo")
def resend() -> browser.Page:
    """Asks for a new code."""
    found = browser.journey(JOURNEY)
    if "id" in found:
        message = registration_pb2.ResendCodeRequest(registration_id=found["id"], client=client())
        try:
            again = call(services().registration.ResendCode, message)
            codes.sent(JOURNEY, again.masked_contact, again.expires_at, again.resend_available_at)
            codes.told_resent()
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
                return _begin_again(refusal)
            codes.told_refused(refusal)
    return see("registration.code")


@pages.route("/password", methods=["GET", "POST"])
def password() -> browser.Page:
    """Step 5, the password."""
    found = browser.journey(JOURNEY)
    if not found.get("verified"):
        return see("registration.code")
    form = NewPasswordForm()
    if form.validate_on_submit():
        message = registration_pb2.CompleteRegistrationRequest(registration_id=found["id"], password=form.password.data)
        try:
            call(services().registration.CompleteRegistration, message)
        except Refusal as refusal:
            if refusal.kind is not Kind.INVALID_ARGUMENT:
                return _begin_again(refusal)
            faults.tell(form, refusal)
        else:
            browser.drop(JOURNEY)
            return see("registration.done")
    return render_template("registration/password.html", form=form, username=found["contact"]), 422 if form.errors else 200


@pages.get("/conclusa")
def done() -> browser.Page:
    """Step 6, "La registrazione è conclusa". Nobody is signed in by it."""
    return render_template("registration/done.html")


def _begin_again(refusal: Refusal) -> browser.Page:
    """Back to the start where the registration is too old or already over; raises what isn't about that."""
    if refusal.kind not in (Kind.NOT_FOUND, Kind.FAILED_PRECONDITION):
        raise refusal
    browser.drop(JOURNEY)
    flash(texts.of("START_AGAIN"), "error")
    return see("registration.person")
