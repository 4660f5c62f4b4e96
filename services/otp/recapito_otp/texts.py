"""What people read: Jinja templates, a file a message and language, with a block for each form it may take."""

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recapito_otp.domain import Channel, Message
from recapito_otp.ports import Text

LANGUAGES: Final = ("it", "en")
FALLBACK: Final = "en"


class Texts:
    """Renders messages.

    ``portal_domain``: whose page a phone may fill a code into (WebOTP: the text's last line). ``portal_url``: where links lead.
    """

    def __init__(self, company: str, portal_domain: str, help_contact: str, portal_url: str = "") -> None:
        loader = PackageLoader("recapito_otp", "templates")
        options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        self._plain = Environment(loader=loader, autoescape=False, **options)  # type: ignore[arg-type]  # noqa: S701  # no HTML
        self._page = Environment(loader=loader, autoescape=True, **options).get_template("mail.html")  # type: ignore[arg-type]
        self._common = {
            "company": company,
            "portal_domain": portal_domain,
            "help_contact": help_contact,
            "portal_url": portal_url,
            "token": "",  # a notice's own, where it has one
        }

    def render(self, message: Message, message_id: str) -> Text:
        """The message as its channel wants it, in its language."""
        language = language_of(message.locale)
        values = {**self._common, **message.params}
        template = self._plain.get_template(f"{language}/{message.template}.txt")
        if message.channel is Channel.SMS:
            return Text(message.destination, _block(template, "sms", values), message_id)
        subject, text = _block(template, "subject", values), _block(template, "mail", values)
        html = self._page.render(
            company=self._common["company"],
            language=language,
            paragraphs=text.split("\n\n"),
            code=message.params.get("code", ""),
        )
        return Text(message.destination, text + "\n", message_id, subject, html)


def language_of(locale: str) -> str:
    """The language of the texts for a BCP 47 code."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else FALLBACK


def _block(template: Template, name: str, values: dict[str, str]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values)))).strip()
