"""The text of a page as a machine reads it: a hint, never a decision. In a process of its own, one at a time."""

import json
import subprocess
import sys
from importlib.util import find_spec
from threading import Lock
from typing import Final

from recapito_documents.ocr_worker import SECONDS

MOST_LINES: Final = 200
LONGEST_LINE: Final = 200
_MAX_ANSWER: Final = 1024 * 1024
_ENVIRONMENT: Final = {"ORT_DISABLE_TELEMETRY": "1"}  # onnxruntime tells its makers of each use otherwise
_ONE: Final = Lock()  # it takes a core for seconds, and some 400 MB


def can_read() -> bool:
    """Whether what reads is installed: ``recapito-documents[ocr]``."""
    return find_spec("rapidocr") is not None


def lines_of(picture: bytes) -> list[str]:
    """The lines of a cleaned page, in no order that means anything; none: it can't be read, or reading it took too long."""
    command = [sys.executable, "-I", "-m", "recapito_documents.ocr_worker"]
    with _ONE:
        try:
            done = subprocess.run(  # noqa: S603 - no shell, own words
                command,
                input=picture,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                timeout=SECONDS * 2,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            return []
    if done.returncode != 0 or len(done.stdout) > _MAX_ANSWER:
        return []
    try:
        lines = json.loads(done.stdout)["lines"]
        return [str(line)[:LONGEST_LINE] for line in lines[:MOST_LINES]]
    except (ValueError, KeyError, TypeError):
        return []
