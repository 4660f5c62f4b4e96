"""The process that reads the text of one page: ``python -m recapito_documents.ocr_worker``; needs ``recapito-documents[ocr]``.

It takes a cleaned picture on standard input and answers with a line of JSON, ``{"lines": […]}``. A page is turned until it shows
a whole machine-readable zone; of one that never does, what each turn showed is told, for a card on its side shows some of its
lines in one and the rest in another. The parent believes none of it unchecked (``reading``).
"""

import io
import json
import logging
import re
import sys
from typing import Any, Final

from recapito_documents.shut_in import shut_in

SECONDS: Final = 60  # of CPU time
MEMORY: Final = 2 * 1024 * 1024 * 1024  # bytes of address space; it takes half of it
LONGEST_SIDE: Final = 1800  # pixels; more costs time and reads no better
_ZONE: Final = re.compile(r"<<|[A-Z0-9]<[A-Z0-9]|^[A-Z0-9<]{28,}$")
_TURNS: Final = (0, 90, 270, 180)
CARD_LINES: Final = 3  # ICAO 9303: TD1 has three lines of 30, TD3 two of 44
PASSPORT_LINES: Final = 2
PASSPORT_WIDTH: Final = 40  # a few characters may be lost


def main() -> None:
    """Reads what comes on standard input."""
    logging.disable(logging.CRITICAL)
    import cv2  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415
    from rapidocr import RapidOCR  # noqa: PLC0415

    Image.preinit()
    cv2.setNumThreads(0)
    engine = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1, "Global.log_level": "critical"})
    _lines(engine, _specimen())  # models are opened when there is first something for them: now
    shut_in(MEMORY, SECONDS)
    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("JPEG", "PNG")) as opened:
        image = opened.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    seen: dict[str, None] = {}  # in their order, each once
    for turn in _TURNS:
        read = _lines(engine, image.rotate(turn, expand=True))
        if _has_zone(read):
            seen = dict.fromkeys(read)
            break
        seen |= dict.fromkeys(read)
    sys.stdout.write(json.dumps({"lines": list(seen)}) + "\n")


def _specimen() -> Any:
    """A picture with a word on it."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    image = Image.new("RGB", (320, 96), "white")
    ImageDraw.Draw(image).text((24, 24), "RECAPITO", fill="black", font_size=40)
    return image


def _has_zone(lines: list[str]) -> bool:
    """Three lines of a card, or a passport's two."""
    lengths = [len(line) for line in (each.replace(" ", "") for each in lines) if _ZONE.search(line)]
    return len(lengths) >= CARD_LINES or sum(length >= PASSPORT_WIDTH for length in lengths) >= PASSPORT_LINES


def _lines(engine: Any, image: Any) -> list[str]:
    import numpy  # noqa: PLC0415

    found = engine(numpy.asarray(image)[:, :, ::-1])
    return [str(text) for text in (found.txts or ())]


if __name__ == "__main__":
    main()
