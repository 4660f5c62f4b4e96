"""Signing in and out, and who acts.

The operator's token has an HttpOnly, SameSite=Strict cookie of its own, which ends with the browser; the auth service ends the
session after 15 idle minutes, or 12 hours in all.
"""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, session, url_for
from recapito.auth.v1 import operator_pb2, session_pb2
from werkzeug.wrappers import Response

from recapito_console.backend import NotAllowed, PasswordChangeRequired, SessionEnded, ask, backend
from recapito_console.translation import _, ngettext
from recapito_servicekit import logs, web
from recapito_servicekit.errors import Kind, Refusal

log = logs.get(__name__)

COOKIE: Final = "operator"
DECIDING: Final = frozenset({"reviewer", "supervisor"})

pages = Blueprint("session", __name__)


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in."""

    name: str
    role: str

    @property
    def may_decide(self) -> bool:
        """Whether the role takes and decides cases; an auditor only reads."""
        return self.role in DECIDING

    @property
    def may_supervise(self) -> bool:
        """Whether the role enrols operators and looks into customers' sign-ins."""
        return self.role == "supervisor"

    @property
    def may_see_load(self) -> bool:
        """Whether the role sees how much waits and how cases end."""
        return self.role in ("supervisor", "auditor")

    @property
    def may_restore(self) -> bool:
        """Whether the role frees customers who were frozen."""
        return self.role == "supervisor"


def demand_token() -> None:
    """Before a page that only an operator gets. Raises SessionEnded where the browser brings no token."""
    g.token = web.cookie(COOKIE)
    if not g.token:
        raise SessionEnded


def demand_operator() -> None:
    """Before a page that shows who is signed in.

    Raises SessionEnded where the token is dead or isn't an operator's, PasswordChangeRequired where it opens that alone.
    """
    demand_token()
    answer = _introspect(g.token)
    if answer.kind == session_pb2.KIND_PASSWORD_CHANGE:
        raise PasswordChangeRequired
    if answer.kind != session_pb2.KIND_OPERATOR:
        raise SessionEnded
    g.operator = Operator(answer.operator_name, answer.role)


def is_first_password() -> bool:
    """Before the page that changes a first password: whether there is one to change.

    Raises SessionEnded where the token is dead.
    """
    demand_token()
    answer = _introspect(g.token)
    if not answer.active:
        raise SessionEnded
    g.operator_name = answer.operator_name
    return answer.kind == session_pb2.KIND_PASSWORD_CHANGE


def demand_supervisor() -> None:
    """Before a page for supervisors. Raises SessionEnded, and NotAllowed for every other role."""
    demand_operator()
    if not g.operator.may_supervise:
        raise NotAllowed


def to_sign_in() -> Response:
    """Sends the browser to sign in and from there back to where it was; a form's page is the case it belongs to.

    A note or a question that was on its way is shown beside the sign-in, to be copied: it is kept nowhere. A cookie that didn't
    come stays: on a way from another site, a link in a mail, the browser keeps it back.
    """
    brought = bool(web.cookie(COOKIE))
    if request.method == "GET":
        back = request.full_path.rstrip("?")
    elif request.view_args and "case_id" in request.view_args:
        back = url_for("case.show", case_id=request.view_args["case_id"])
    else:
        back = "/"
    note = "\n\n".join(text for field in ("question", "note", "found_out") if (text := request.form.get(field, "").strip()))
    if note:
        answer: Response = make_response(render_template("sign_in.html", back=back, ended=True, username="", note=note), 401)
    else:
        ended = {"ended": "1"} if brought else {}
        answer = web.see("session.sign_in", back=back, **ended)
    if brought:
        web.set_cookie(answer, COOKIE, "", samesite="Strict")
    return answer


@pages.get("/accedi")
def sign_in() -> str | Response:
    """The form, unless somebody is signed in already."""
    back = web.local_path(request.args.get("back", ""))
    token = web.cookie(COOKIE)
    if token and _introspect(token).kind == session_pb2.KIND_OPERATOR:
        return redirect(back, 303)
    return render_template("sign_in.html", back=back, ended="ended" in request.args, username="")


@pages.post("/accedi")
def check() -> tuple[str, int] | Response:
    """Checks user name, password and TOTP; whatever is wrong with them, the answer is one."""
    back = web.local_path(request.form.get("back", ""))
    username = request.form.get("username", "").strip()
    try:
        answer: operator_pb2.OperatorServiceSignInResponse = web.call(
            backend().operators.SignIn,
            operator_pb2.OperatorServiceSignInRequest(
                username=username,
                password=request.form.get("password", ""),
                totp="".join(request.form.get("totp", "").split()),
                client=web.client(),
            ),
        )
    except Refusal as refusal:
        if refusal.kind is Kind.RESOURCE_EXHAUSTED:
            status, error = 429, _too_many(refusal)
        elif refusal.kind in (Kind.UNAUTHENTICATED, Kind.INVALID_ARGUMENT):
            status, error = 401, _("Nome utente, password o codice non sono giusti, oppure l'accesso è sospeso.")
        else:
            raise
        return render_template("sign_in.html", back=back, ended=False, username=username, error=error), status
    response = web.see("account.first", back=back) if answer.session.password_change_required else redirect(back, 303)
    keep(response, answer.session.token)
    return response


def keep(response: Response, token: str) -> None:
    """Gives the browser the token of a new session; forms get a new CSRF token with it."""
    session.pop("csrf_token", None)
    web.set_cookie(response, COOKIE, token, samesite="Strict")


@pages.post("/esci")
def sign_out() -> Response:
    """Ends the session in the auth service and here; here also where that one has ended it already or doesn't answer."""
    try:
        demand_token()
        ask(backend().operators.SignOut, operator_pb2.SignOutRequest())
    except (SessionEnded, Refusal) as error:
        log.info("signed out here alone", error=type(error).__name__)
    session.pop("csrf_token", None)
    flash(_("Sei uscito dalla console."), "info")
    response = web.see("session.sign_in")
    web.set_cookie(response, COOKIE, "", samesite="Strict")
    return response


def _introspect(token: str) -> session_pb2.IntrospectResponse:
    """Whom a token stands for; of a dead one the kind is unspecified."""
    answer: session_pb2.IntrospectResponse = web.call(backend().sessions.Introspect, session_pb2.IntrospectRequest(token=token))
    return answer


def _too_many(refusal: Refusal) -> str:
    seconds = refusal.retry_after.total_seconds() if refusal.retry_after else 60
    minutes = max(1, -int(-seconds // 60))
    return ngettext("Troppi tentativi. Riprova tra %(num)s minuto.", "Troppi tentativi. Riprova tra %(num)s minuti.", minutes)
