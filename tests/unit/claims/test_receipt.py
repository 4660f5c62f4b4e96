"""The receipt prints what was typed, in every script that people's names and files come in."""

from dataclasses import replace

import pypdfium2
import pytest

from recapito_claims.senders import fonts
from recapito_claims.senders.receipt import Receipts
from tests.unit.claims.builders import EXPENSE, a_claim

NUMBER = "D-2026-000123-7"


def text_of(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


@pytest.mark.parametrize(
    "typed",
    ["Nicolò D’Angelo", "Źródło", "Łukasz Șerban", "Đorđe Ђорђе", "Αθήνα", "Nguyễn", "陳玉", "山田タロウ", "김철수", "東京 2"],
)
def test_what_was_typed_is_printed(typed: str) -> None:
    pdf = Receipts("Mutua Esempio", "help@example.org").pdf(
        a_claim(claim_number=NUMBER, expenses=(replace(EXPENSE, provider=typed),)), "it"
    )
    assert typed in text_of(pdf)
    assert len(pdf) < 60_000, "of a font only what is drawn is embedded"


def test_markup_is_no_markup_and_a_sign_of_no_font_is_a_question_mark() -> None:
    fonts.register()
    assert fonts.marked("<b>A & B</b>") == "&lt;b&gt;A &amp; B&lt;/b&gt;"
    assert fonts.marked("a陳b") == 'a<font name="STSong-Light">陳</font>b'
    assert fonts.marked("😀\U00020000") == "??"


def test_amounts_are_written_as_the_language_writes_them() -> None:
    claim = a_claim(claim_number=NUMBER, expenses=(replace(EXPENSE, cents=123_456_789),))
    receipts = Receipts("Mutua Esempio", "help@example.org")
    assert "1.234.567,89" in text_of(receipts.pdf(claim, "it"))
    assert "1,234,567.89" in text_of(receipts.pdf(claim, "en"))
