"""The process that reads the text of one page: ``python -m recapito_documents.ocr_worker``; needs ``recapito-documents[ocr]``.

It takes a cleaned picture on standard input and answers with a line of JSON, ``{"lines": […]}``. A page that lies on its side is
turned until it shows lines of a machine-readable zone. The parent believes none of it unchecked (``reading``).
"""

import io
import json
import logging
import re
import resource
import sys
from typing import Any, Final

SECONDS: Final = 60  # of CPU time
LONGEST_SIDE: Final = 1800  # pixels; more costs time and reads no better
_ZONE: Final = re.compile(r"<<|[A-Z0-9]<[A-Z0-9]|^[A-Z0-9<]{28,}$")
_TURNS: Final = (0, 90, 270, 180)


def main() -> None:
    """Reads what comes on standard input."""
    logging.disable(logging.CRITICAL)
    from PIL import Image  # noqa: PLC0415
    from rapidocr import RapidOCR  # noqa: PLC0415

    engine = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1, "Global.log_level": "critical"})
    _shut_in()
    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("JPEG", "PNG")) as opened:
        image = opened.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    lines: list[str] = []
    for turn in _TURNS:
        read = _lines(engine, image.rotate(turn, expand=True))
        lines = lines or read
        if sum(bool(_ZONE.search(line.replace(" ", ""))) for line in read) >= 2:
            lines = read
            break
    sys.stdout.write(json.dumps({"lines": lines}) + "\n")


def _lines(engine: Any, image: Any) -> list[str]:
    import numpy  # noqa: PLC0415

    found = engine(numpy.asarray(image)[:, :, ::-1])
    return [str(text) for text in (found.txts or ())]


def _shut_in() -> None:
    """No more time than allowed, no file, no core dump, which would hold the document."""
    for what, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
