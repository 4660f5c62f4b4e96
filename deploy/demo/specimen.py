"""Documents for the demo, drawn here: nobody's, and they say so."""

import io
import unicodedata
from typing import Final

from PIL import Image, ImageDraw

SIZE: Final = (1012, 638)  # an ID-1 card at 300 dpi


def card(title: str, lines: list[str]) -> bytes:
    """One side of a card, as a PNG."""
    image = Image.new("RGB", SIZE, "#e9eef2")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE[0], 90), fill="#0b5563")
    draw.text((30, 22), _plain(title), fill="white", font_size=40)
    draw.rectangle((30, 130, 290, 470), fill="#c8d3da", outline="#8fa1ad", width=3)
    draw.ellipse((100, 180, 220, 310), fill="#9fb0bb")
    draw.ellipse((70, 330, 250, 560), fill="#9fb0bb")
    draw.rectangle((30, 470, 290, 600), fill="#e9eef2")
    for place, line in enumerate(lines):
        draw.text((330, 140 + 56 * place), _plain(line), fill="#16232f", font_size=32)
    draw.text((300, 560), "FACSIMILE", fill="#b3261e", font_size=48)
    return _png(image)


def invoice(lines: list[str]) -> bytes:
    """An invoice, as a PNG."""
    image = Image.new("RGB", (850, 1100), "white")
    draw = ImageDraw.Draw(image)
    draw.text((60, 60), "FATTURA (FACSIMILE)", fill="#16232f", font_size=44)
    for place, line in enumerate(lines):
        draw.text((60, 180 + 60 * place), _plain(line), fill="#16232f", font_size=32)
    return _png(image)


def _plain(text: str) -> str:
    """Without accents, as the machine-readable zone has names: the font that Pillow brings knows none."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
