"""Who looks at a page, and when, written across it: a copy that gets out says whose it was."""

import io
from threading import BoundedSemaphore
from typing import Final

from PIL import Image, ImageDraw, ImageFont

MEDIA_TYPE: Final = "image/jpeg"
_QUALITY: Final = 88
_AT_ONCE: Final = BoundedSemaphore(2)  # a page of 40 megapixels is 120 MB while it is open
_FORMATS: Final = ("JPEG", "PNG")


def mark(picture: bytes, text: str) -> bytes:
    """The picture as a JPEG with the text across all of it, pale enough to read through.

    For pictures that the pipeline cleaned, and for no others: it decodes them in this process.
    """
    with _AT_ONCE:
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as opened:
            image = opened.convert("RGB")
        tile = _tile(text, max(14, min(image.size) // 28))
        pale = tile.getchannel("A")
        step = tile.width + tile.height // 2, tile.height * 3 // 4
        for row, top in enumerate(range(-tile.height // 2, image.height, max(step[1], 1))):
            for left in range(-(row % 2) * step[0] // 2, image.width, max(step[0], 1)):
                image.paste(tile, (left, top), pale)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=_QUALITY)
        return out.getvalue()


def _tile(text: str, size: int) -> Image.Image:
    """The text once, slanting: dark letters with a light edge, so that it shows on light and on dark."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    tile = Image.new("RGBA", (int(right - left) + size, int(bottom - top) + size), (0, 0, 0, 0))
    draw = ImageDraw.Draw(tile)
    at = (size / 2 - left, size / 2 - top)
    draw.text((at[0] + 1, at[1] + 1), text, font=font, fill=(255, 255, 255, 70))
    draw.text(at, text, font=font, fill=(120, 20, 20, 70))
    return tile.rotate(24, expand=True, resample=Image.Resampling.BICUBIC)
