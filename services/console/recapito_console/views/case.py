"""A case: everything side by side, taking it, deciding it, its history."""

from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, render_template, request, url_for
from recapito.contact_change.v1 import contact_change_pb2, review_pb2
from werkzeug.wrappers import Response

from recapito_console import comparison, texts
from recapito_console.backend import ask, backend
from recapito_console.draft import Draft
from recapito_console.translation import _
from recapito_console.views.session import demand_operator
from recapito_servicekit import web
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.times import from_timestamp

ROME: Final = ZoneInfo("Europe/Rome")
RESTORE_NOTE_LENGTH: Final = 400
UNDER_REVIEW: Final = (contact_change_pb2.CHANGE_STATE_IN_REVIEW, contact_change_pb2.CHANGE_STATE_SECOND_REVIEW)
UNCERTAIN: Final = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED})
Page = str | tuple[str, int] | Response

pages = Blueprint("case", __name__)
pages.before_request(demand_operator)


@pages.get("/casi/<case_id>")
def show(case_id: str) -> str:
    """The case."""
    return _page(_read(case_id))


@pages.get("/casi/<case_id>/presa")
@pages.get("/casi/<case_id>/rinnovo")
@pages.get("/casi/<case_id>/rilascio")
@pages.get("/casi/<case_id>/ripristino")
@pages.get("/casi/<case_id>/decisione")
def back(case_id: str) -> Response:
    """The address of a form, opened as a page (after a sign-in, or with another language): the case."""
    return web.see("case.show", case_id=case_id)


@pages.get("/casi/<case_id>/storia")
def history(case_id: str) -> str:
    """What happened to the case, the newest first."""
    answer: review_pb2.GetHistoryResponse = ask(backend().reviews.GetHistory, review_pb2.GetHistoryRequest(case_id=case_id))
    return render_template("history.html", case_id=case_id, entries=list(reversed(answer.entries)))


@pages.post("/casi/<case_id>/presa")
def take(case_id: str) -> Page:
    """Takes the case or holds it for 15 more minutes. What was in the decision's form stays in it."""
    draft = Draft.sent()
    try:
        answer: review_pb2.TakeCaseResponse = ask(backend().reviews.TakeCase, review_pb2.TakeCaseRequest(case_id=case_id))
    except Refusal as refusal:
        if refusal.kind not in (Kind.ABORTED, Kind.FAILED_PRECONDITION):
            raise
        case = _read(case_id)
        return _page(case, draft, alert=_refused(refusal, case), own=refusal.reason == "OWN_CASE"), 409
    return web.see("case.show", case_id=case_id) if draft.is_empty else _page(answer.case, draft)


@pages.post("/casi/<case_id>/rinnovo")
def renew(case_id: str) -> Page:
    """For the page's script, while somebody works on the page: holds the case on, as it is; a sentence that says until when."""
    try:
        answer: review_pb2.RenewLeaseResponse = ask(backend().reviews.RenewLease, review_pb2.RenewLeaseRequest(case_id=case_id))
    except Refusal as refusal:
        if refusal.kind is not Kind.ABORTED:
            raise
        return _plain(_refused(refusal, _read(case_id)), 409)
    return _plain(_("In carico a te fino alle %(time)s.", time=texts.clock(answer.lease_expires_at)), 200)


@pages.post("/casi/<case_id>/rilascio")
def release(case_id: str) -> Page:
    """Gives the case back to the queue. Where another holds it by now, the case says so and keeps what was in the form."""
    try:
        ask(backend().reviews.ReleaseCase, review_pb2.ReleaseCaseRequest(case_id=case_id))
    except Refusal as refusal:
        if refusal.kind is not Kind.ABORTED:
            raise
        case = _read(case_id)
        return _page(case, Draft.sent(), alert=_refused(refusal, case)), 409
    flash(_("Caso rilasciato: ora lo può prendere un collega."), "info")
    return web.see("queue.show")


@pages.post("/casi/<case_id>/decisione")
def decide(case_id: str) -> Page:
    """The decision in two steps: ``check`` shows what will happen, ``confirm`` decides, ``edit`` goes back to the form."""
    draft = Draft.sent()
    step = request.form.get("step", "check")
    faults = draft.faults()
    if step == "edit" or faults:
        return _page(_read(case_id), draft, faults if step != "edit" else {}), 422 if faults and step != "edit" else 200
    version = _version()
    if step != "confirm":
        return render_template("confirm.html", case_id=case_id, case=_read(case_id), draft=draft, version=version)
    try:
        answer: review_pb2.DecideResponse = ask(backend().reviews.Decide, draft.message(case_id, version))
    except Refusal as refusal:
        return _undecided(case_id, draft, refusal, version)
    return _decided(answer.case, draft)


@pages.post("/casi/<case_id>/ripristino")
def restore(case_id: str) -> Page:
    """Frees the customer of a change that was repudiated after it was applied; a supervisor says how it was found out.

    ``restoration`` "revert": it wasn't the customer, the old mobile comes back.
    """
    case = _read(case_id)
    revert = request.form.get("restoration") == "revert"
    restoration = review_pb2.RESTORATION_REVERT if revert else review_pb2.RESTORATION_CONFIRM
    found_out = request.form.get("found_out", "").replace("\r\n", "\n").strip()
    if not 1 <= len(found_out) <= RESTORE_NOTE_LENGTH:
        return _page(
            case, faults={"found_out": _("Scrivi come l'hai verificato, al massimo 400 caratteri.")}, found_out=found_out
        ), 422
    try:
        wish = review_pb2.RestoreRequest(change_id=case.summary.change_id, note=found_out, restoration=restoration)
        ask(backend().reviews.Restore, wish)
    except Refusal as refusal:
        if refusal.kind is not Kind.FAILED_PRECONDITION:
            raise
        return _page(_read(case_id), alert=_refused(refusal, case), own=refusal.reason == "OWN_CASE", found_out=found_out), 409
    kept, undone = _("Cliente sbloccato: il cambio resta valido."), _("Cambio annullato: il numero di prima vale di nuovo.")
    flash(undone if revert else kept, "info")
    return web.see("case.show", case_id=case_id)


def _undecided(case_id: str, draft: Draft, refusal: Refusal, version: int) -> Page:
    """What to show where Decide was refused. The form keeps what was in it, whatever happened."""
    if refusal.kind in UNCERTAIN:
        alert = _("Il servizio non risponde: non sappiamo se la decisione è stata presa. Riprova: vale una volta sola.")
        return render_template("confirm.html", case_id=case_id, case=None, draft=draft, version=version, alert=alert), 503
    if refusal.kind is Kind.INVALID_ARGUMENT:
        # the service's words are for developers; the fields are the form's own
        faults = {violation.field: _("Controlla questo campo.") for violation in refusal.violations}
        return _page(_read(case_id), draft, faults), 422
    if refusal.kind not in (Kind.ABORTED, Kind.FAILED_PRECONDITION):
        raise refusal
    case = _read(case_id)
    mine = case.decided_by == g.operator.name and (case.decision, case.reason_code) == (draft.decision, draft.reason_code)
    if refusal.reason == "ALREADY_DECIDED" and mine:  # a repeat of one whose answer got lost
        return _decided(case, draft)
    return _page(case, draft, alert=_refused(refusal, case), own=refusal.reason == "OWN_CASE"), 409


def _decided(case: review_pb2.Case, draft: Draft) -> Response:
    case_id = case.summary.case_id
    if case.summary.state == contact_change_pb2.CHANGE_STATE_SECOND_REVIEW:
        flash(_("Valutazione registrata. Questo caso lo valuta anche un altro operatore, che non vede la tua."), "info")
        return web.see("case.show", case_id=case_id)
    told = {"approve": _("Richiesta approvata."), "reject": _("Richiesta respinta."), "ask": _("Domanda inviata al cliente.")}
    flash(told[draft.kind], "info")
    return web.see("case.show", case_id=case_id)


def _plain(sentence: str, status: int) -> Response:
    return Response(sentence, status, mimetype="text/plain")


def _read(case_id: str) -> review_pb2.Case:
    answer: review_pb2.GetCaseResponse = ask(backend().reviews.GetCase, review_pb2.GetCaseRequest(case_id=case_id))
    return answer.case


def _version() -> int:
    """The version that the operator saw; a forged one is none that a case ever has."""
    raw = request.form.get("expected_version", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else 0


def _page(
    case: review_pb2.Case,
    draft: Draft | None = None,
    faults: dict[str, str] | None = None,
    alert: str = "",
    own: bool = False,
    found_out: str = "",
) -> str:
    now = backend().clock()
    summary = case.summary
    open_ = summary.state in UNDER_REVIEW
    second = summary.state == contact_change_pb2.CHANGE_STATE_SECOND_REVIEW
    own = own or summary.reviewed_by_me
    held = open_ and bool(summary.holder) and case.HasField("lease_expires_at") and from_timestamp(case.lease_expires_at) > now
    mine = held and summary.holder == g.operator.name
    return render_template(
        "case.html",
        case=case,
        rows=comparison.rows(case, now.astimezone(ROME).date()),
        findings=comparison.told(case),
        choices=[code for code in texts.CHOICES if not (second and texts.kind_of(code) == "ask")],
        is_second=second,
        draft=draft or Draft(),
        faults=faults or {},
        alert=alert,
        is_open=open_,
        is_held=held,
        is_mine=mine,
        may_take=g.operator.may_decide and open_ and not own and not (held and not mine),
        may_decide=g.operator.may_decide and mine and not own,
        may_restore=g.operator.may_restore and summary.state == contact_change_pb2.CHANGE_STATE_FROZEN and not own,
        found_out=found_out,
        decision_url=url_for("case.decide", case_id=summary.case_id),
    )


def _refused(refusal: Refusal, case: review_pb2.Case) -> str:
    """Who was first and what now, in words."""
    holder, decider = case.summary.holder, case.decided_by
    if refusal.reason == "OWN_CASE":
        return _("Questo caso riguarda te come cliente: lo deve decidere un collega.")
    if refusal.reason == "ALREADY_REVIEWED":
        return _("Hai già valutato questo caso: ora tocca a un altro operatore.")
    if refusal.reason == "SECOND_REVIEW":
        return _("Nella seconda valutazione non si chiede più al cliente: approva o respingi.")
    if refusal.reason == "REVERT_BEGUN":
        return _("Il ripristino del numero di prima è già cominciato: completa quello.")
    if refusal.reason in ("REGISTRY_CHANGED", "USERNAME_TAKEN"):
        return _("Il numero di prima non può tornare: nel frattempo l'anagrafica è cambiata. Verifica con il cliente.")
    if refusal.reason == "ALREADY_DECIDED":
        if not decider:
            return _("Il caso è già stato deciso: qui sotto trovi l'esito.")
        return _("%(name)s ha già deciso questo caso: vale la sua decisione, qui sotto.", name=decider)
    if refusal.reason == "CASE_HELD":
        name = refusal.metadata.get("holder", holder)
        return _("%(name)s ha preso in carico il caso prima di te. Torna alla coda o riprova più tardi.", name=name)
    if refusal.reason == "CASE_CLOSED":
        return _("Il caso non è più da decidere (%(state)s): qui sotto vedi com'è ora.", state=texts.state(case.summary.state))
    if refusal.reason == "LEASE_LOST":
        if holder and holder != g.operator.name:
            return _(
                "La tua presa in carico è scaduta e ora il caso è di %(name)s. La decisione non è stata registrata.", name=holder
            )
        return _("La tua presa in carico è scaduta. La decisione non è stata registrata: riprendi in carico il caso e conferma.")
    if refusal.reason == "VERSION_CHANGED":
        return _("Il caso è cambiato mentre lo guardavi. La decisione non è stata registrata: rileggi i dati e decidi di nuovo.")
    return _("L'operazione non è più possibile: rileggi il caso.")
