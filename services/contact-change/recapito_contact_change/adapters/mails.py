"""Mails of a notice: text and HTML from the package's templates, in Italian or English."""

from datetime import datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from recapito_contact_change.domain import DEFAULTS
from recapito_contact_change.notices import Notice
from recapito_contact_change.store.load import Waiting
from recapito_servicekit.ids import new_id
from recapito_servicekit.mail import Mail, Mailer

REPUDIATION_PATH: Final = "/non-sono-stato-io"
_LANGUAGES: Final = ("it", "en")


class Mails:
    """Renders and sends. ``help_contact``: where customers get help; ``portal_url``: where links lead, empty: there are none.

    ``console_url``: where the team's mail leads, as empty. ``answer_days``: how long a question waits.
    """

    def __init__(
        self,
        mailer: Mailer,
        company: str,
        help_contact: str,
        portal_url: str = "",
        console_url: str = "",
        answer_days: int = DEFAULTS.answer_within.days,
    ) -> None:
        self._mailer = mailer
        self._environment = Environment(
            loader=PackageLoader("recapito_contact_change"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.globals.update(company=company, help_contact=help_contact, answer_days=answer_days)
        self._queue_page = f"{console_url}/casi" if console_url else ""
        self._repudiation_page = f"{portal_url}{REPUDIATION_PATH}" if portal_url else ""

    def send(self, notice_id: str, notice: Notice) -> None:
        """Returns when the relay took it; its Message-ID is the notice's. Raises MailRejected or MailFailed."""
        self._mailer.send(self.compose(notice_id, notice))

    def to_team(self, address: str, waiting: Waiting, now: datetime) -> None:
        """Tells the operators' team, in Italian, what waits. Raises MailRejected or MailFailed."""
        hours = int((now - (waiting.oldest or now)).total_seconds() // 3600)
        counts = {"count": waiting.count, "late": waiting.late, "unseen": waiting.unseen, "hours": hours}
        written = self._environment.get_template("it/team_waiting.txt").render(**counts, link=self._queue_page)
        subject, _, text = written.partition("\n\n")
        html = self._environment.get_template("mail.html").render(language="it", subject=subject, text=text.lstrip(), link="")
        self._mailer.send(Mail(to=address, subject=subject, text=text.lstrip(), message_id=new_id(), html=html))

    def compose(self, notice_id: str, notice: Notice) -> Mail:
        """The mail. The first line of the text's template is the subject."""
        spoken = notice.locale.partition("-")[0].lower()
        language = spoken if spoken in _LANGUAGES else "en"
        token = notice.params.get("token")
        link = f"{self._repudiation_page}?t={token}" if token and self._repudiation_page else ""
        written = self._environment.get_template(f"{language}/{notice.template}.txt").render(**notice.params, link=link)
        subject, _, text = written.partition("\n\n")
        html = self._environment.get_template("mail.html").render(language=language, subject=subject, text=text, link=link)
        return Mail(to=notice.destination, subject=subject, text=text, message_id=notice_id, html=html)
