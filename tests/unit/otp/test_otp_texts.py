"""What people read."""

import pytest

from recapito_otp.domain import NOTICE_PARAMS, PURPOSES, Channel, Message
from recapito_otp.texts import Texts, language_of

TEXTS = Texts("Mutua Esempio", "area.example", "help@example")


def code(channel: Channel, locale: str, purpose: str, summary: str = "") -> Message:
    params = {"code": "012345", "purpose": purpose, "summary": summary, "minutes": "5"}
    return Message("+393201234519", channel, "code", params, locale)


def test_sms_in_italian_ends_with_the_line_that_phones_read() -> None:
    text = TEXTS.render(code(Channel.SMS, "it-IT", "sign_in"), "m1").text
    assert text == (
        "Mutua Esempio: 012345 è il tuo codice per accedere. Vale 5 minuti. Non comunicarlo a nessuno.\n\n@area.example #012345"
    )


@pytest.mark.parametrize("locale", ["en", "de-CH", "", "xx"])
def test_sms_in_any_other_language_is_english(locale: str) -> None:
    assert "is your code to sign in" in TEXTS.render(code(Channel.SMS, locale, "sign_in"), "m1").text


def test_claim_shows_what_it_confirms() -> None:
    summary = "denuncia 123,45 EUR, IBAN …3456"
    assert f"({summary})" in TEXTS.render(code(Channel.SMS, "it", "claim", summary), "m1").text
    assert summary in TEXTS.render(code(Channel.EMAIL, "it", "claim", summary), "m1").text


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("channel", list(Channel))
def test_every_purpose_and_notice_has_its_text(language: str, channel: Channel) -> None:
    notices = [
        Message("x", channel, name, dict.fromkeys(needed, "320 *****19"), language) for name, needed in NOTICE_PARAMS.items()
    ]
    for message in [*(code(channel, language, purpose) for purpose in PURPOSES), *notices]:
        text = TEXTS.render(message, "m1")
        assert "{" not in text.text
        assert "\n\n\n" not in text.text
        assert bool(text.subject) is bool(text.html) is (channel is Channel.EMAIL)
        assert "\n" not in text.subject


def test_mail_page_escapes_what_callers_say() -> None:
    html = TEXTS.render(code(Channel.EMAIL, "it", "claim", "<b>& co"), "m1").html
    assert "&lt;b&gt;&amp; co" in html
    assert "<b>" not in html


@pytest.mark.parametrize(("locale", "language"), [("it", "it"), ("IT_it", "it"), ("en-GB", "en"), ("ita", "en")])
def test_language_of_a_locale(locale: str, language: str) -> None:
    assert language_of(locale) == language
