"""The signs of a PDF. Noto Sans draws Latin, Greek and Cyrillic, and what it draws is embedded.

Chinese, Japanese and Korean signs are left to the reader's own fonts, which every phone and desktop has: each script
would weigh 5 to 16 MB in the image.
"""

import unicodedata
from functools import cache
from html import escape
from itertools import groupby
from typing import Final

import fontpkg_noto_sans
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

FONT: Final = "NotoSans"
_FILE: Final = fontpkg_noto_sans.ROOT / "files" / "NotoSans[wdth,wght].ttf"  # its first instance: regular
# Adobe's names for what a PDF reader replaces, and the codec of the signs that its collection holds
_HAN, _KANA, _HANGUL = "STSong-Light", "HeiseiKakuGo-W5", "HYSMyeongJo-Medium"
_ELSEWHERE: Final = {_HAN: "gb18030", _KANA: "shift_jis", _HANGUL: "euc_kr"}


@cache
def register() -> None:
    """Makes the fonts known to reportlab, once a process."""
    pdfmetrics.registerFont(TTFont(FONT, _FILE))
    for name in _ELSEWHERE:
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def marked(text: str) -> str:
    """The text as a Paragraph's markup, each run of signs in a font that has them; what was typed is no markup."""
    drawn = [_drawn(sign) for sign in unicodedata.normalize("NFC", text)]
    runs = ((font, escape("".join(sign for _, sign in run))) for font, run in groupby(drawn, lambda one: one[0]))
    return "".join(run if font == FONT else f'<font name="{font}">{run}</font>' for font, run in runs)


def _drawn(sign: str) -> tuple[str, str]:
    """A font, and the sign; where none has it the nearest: its letter without the mark, else a question mark."""
    if _has(sign):
        return FONT, sign
    name = unicodedata.name(sign, "")
    script = _HANGUL if name.startswith("HANGUL") else _KANA if name.startswith(("HIRAGANA", "KATAKANA")) else _HAN
    if name.startswith(("CJK", "HANGUL", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC")) and _fits(sign, _ELSEWHERE[script]):
        return script, sign
    plain = unicodedata.normalize("NFKD", sign)[0]
    return FONT, plain if _has(plain) else "?"


def _has(sign: str) -> bool:
    return ord(sign) in pdfmetrics.getFont(FONT).face.charToGlyph


def _fits(sign: str, codec: str) -> bool:
    """The collections are of the basic plane."""
    try:
        sign.encode(codec)
    except UnicodeEncodeError:
        return False
    return ord(sign) <= 0xFFFF
