"""A case: everything side by side, taking it, deciding it, its history."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, render_template, request, url_for
from recapito.contact_change.v1 import contact_change_pb2, review_pb2
from werkzeug.wrappers import Response

from recapito_console import comparison, texts
from recapito_console.backend import ask, backend
from recapito_console.translation import _
from recapito_console.views.session import demand_operator
from recapito_servicekit import web
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.times import from_timestamp

ROME: Final = ZoneInfo("Europe/Rome")
NOTE_LENGTH: Final = 2_000
UNCERTAIN: Final = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED})
Page = str | tuple[str, int] | Response

pages = Blueprint("case", __name__)
pages.before_request(demand_operator)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the operator has put into the decision's form so far."""

    reason_code: str = ""
    note: str = ""

    @classmethod
    def sent(cls) -> "Draft":
        """The form as the browser sent it, line ends as one character."""
        return cls(request.form.get("reason_code", ""), request.form.get("note", "").replace("\r\n", "\n").strip())

    @property
    def is_approval(self) -> bool:
        """Whether the reason is the one that approves; the decision follows from it, so that the two can't contradict."""
        return self.reason_code == texts.APPROVAL

    @property
    def decision(self) -> "review_pb2.Decision.ValueType":
        """The decision that the reason makes."""
        return review_pb2.DECISION_APPROVE if self.is_approval else review_pb2.DECISION_REJECT

    def faults(self) -> dict[str, str]:
        """What is wrong, by field."""
        faults = {}
        if self.reason_code not in texts.REASON_CODES:
            faults["reason_code"] = _("Scegli un esito.")
        if len(self.note) > NOTE_LENGTH:
            faults["note"] = _("Al massimo 2.000 caratteri: ora sono %(num)s.", num=len(self.note))
        elif self.reason_code == "OTHER" and not self.note:
            faults["note"] = _("Con «Altro motivo» scrivi una nota.")
        return faults


@pages.get("/casi/<case_id>")
def show(case_id: str) -> str:
    """The case."""
    return _page(_read(case_id))


@pages.get("/casi/<case_id>/presa")
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
    if draft.note or draft.reason_code:
        return _page(answer.case, draft)
    return web.see("case.show", case_id=case_id)


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
        ask(
            backend().reviews.Decide,
            review_pb2.DecideRequest(
                case_id=case_id,
                expected_version=version,
                decision=draft.decision,
                reason_code=draft.reason_code,
                note=draft.note,
            ),
        )
    except Refusal as refusal:
        return _undecided(case_id, draft, refusal, version)
    return _decided(case_id, draft)


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
        return _decided(case_id, draft)
    return _page(case, draft, alert=_refused(refusal, case), own=refusal.reason == "OWN_CASE"), 409


def _decided(case_id: str, draft: Draft) -> Response:
    flash(_("Richiesta approvata.") if draft.is_approval else _("Richiesta respinta."), "info")
    return web.see("case.show", case_id=case_id)


def _read(case_id: str) -> review_pb2.Case:
    answer: review_pb2.GetCaseResponse = ask(backend().reviews.GetCase, review_pb2.GetCaseRequest(case_id=case_id))
    return answer.case


def _version() -> int:
    """The version that the operator saw; a forged one is none that a case ever has."""
    raw = request.form.get("expected_version", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else 0


def _page(
    case: review_pb2.Case, draft: Draft | None = None, faults: dict[str, str] | None = None, alert: str = "", own: bool = False
) -> str:
    now = backend().clock()
    summary = case.summary
    open_ = summary.state == contact_change_pb2.CHANGE_STATE_IN_REVIEW
    held = open_ and bool(summary.holder) and case.HasField("lease_expires_at") and from_timestamp(case.lease_expires_at) > now
    mine = held and summary.holder == g.operator.name
    return render_template(
        "case.html",
        case=case,
        rows=comparison.rows(case, now.astimezone(ROME).date()),
        findings=[(comparison.PLACES.get(code, ("", ""))[0], texts.word(code, texts.FINDINGS)) for code in case.findings],
        draft=draft or Draft(),
        faults=faults or {},
        alert=alert,
        is_open=open_,
        is_held=held,
        is_mine=mine,
        may_take=g.operator.may_decide and open_ and not own and not (held and not mine),
        may_decide=g.operator.may_decide and mine and not own,
        decision_url=url_for("case.decide", case_id=summary.case_id),
    )


def _refused(refusal: Refusal, case: review_pb2.Case) -> str:
    """Who was first and what now, in words."""
    holder, decider = case.summary.holder, case.decided_by
    if refusal.reason == "OWN_CASE":
        return _("Questo caso riguarda te come cliente: lo deve decidere un collega.")
    if refusal.reason == "ALREADY_DECIDED":
        if not decider:
            return _("Il caso è già stato deciso: qui sotto trovi l'esito.")
        return _("%(name)s ha già deciso questo caso: vale la sua decisione, qui sotto.", name=decider)
    if refusal.reason == "CASE_HELD":
        name = refusal.metadata.get("holder", holder)
        return _("%(name)s ha preso in carico il caso prima di te. Torna alla coda o riprova più tardi.", name=name)
    if refusal.reason == "LEASE_LOST":
        if holder and holder != g.operator.name:
            return _(
                "La tua presa in carico è scaduta e ora il caso è di %(name)s. La decisione non è stata registrata.", name=holder
            )
        return _("La tua presa in carico è scaduta. La decisione non è stata registrata: riprendi in carico il caso e conferma.")
    if refusal.reason == "VERSION_CHANGED":
        return _("Il caso è cambiato mentre lo guardavi. La decisione non è stata registrata: rileggi i dati e decidi di nuovo.")
    return _("L'operazione non è più possibile: rileggi il caso.")
