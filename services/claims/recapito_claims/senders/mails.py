"""Mails about a claim, from the package's templates, in Italian or English. They hold no health data: the portal shows those."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from recapito_claims.domain.claim import ITALY, Claim
from recapito_claims.domain.formats import language_of, written
from recapito_claims.upstream import Customer
from recapito_servicekit.mail import Mail, Mailer


class Mails:
    """Renders and sends. ``help_contact``: where customers get help; ``portal_url``: where links lead, empty: there are none."""

    def __init__(self, mailer: Mailer, company: str, help_contact: str, portal_url: str) -> None:
        self._mailer = mailer
        self._portal_url = portal_url
        # plain text alone: nothing to escape
        self._environment = Environment(
            loader=PackageLoader("recapito_claims"),
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # noqa: S701
        )
        self._environment.globals.update(company=company, help_contact=help_contact)

    def send(self, notice_id: str, template: str, claim: Claim, customer: Customer) -> None:
        """Returns when the relay took it; its Message-ID is the notice's. Raises MailRejected or MailFailed."""
        self._mailer.send(self.compose(notice_id, template, claim, customer))

    def compose(self, notice_id: str, template: str, claim: Claim, customer: Customer) -> Mail:
        """The mail. The first line of its template is the subject."""
        language = language_of(customer.language)
        question = claim.open_question
        whole = self._environment.get_template(f"{language}/{template}.txt").render(
            number=claim.claim_number,
            filed=claim.submitted_at.astimezone(ITALY).strftime("%d/%m/%Y %H:%M") if claim.submitted_at else "",
            total=written(claim.total_cents, language),
            iban_end=claim.details.iban[-4:],
            count=len(claim.expenses),
            late=claim.late_notice,
            due=question.due_at.astimezone(ITALY).strftime("%d/%m/%Y") if question else "",
            link=f"{self._portal_url}/denunce/{claim.claim_id}" if self._portal_url else "",
        )
        subject, _, text = whole.partition("\n\n")
        return Mail(to=customer.email, subject=subject, text=text, message_id=notice_id)
