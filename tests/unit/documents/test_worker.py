"""The worker's bounds, and a parent that believes nothing."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from recapito_documents.cleaning import Cleaner
from recapito_documents.errors import CleaningUnavailable, DocumentRefused
from recapito_documents.limits import Limits
from recapito_documents.reading import lines_of


@pytest.fixture
def worker_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts a shell script in the worker's place: one that died, hangs, or was taken over."""

    def replace(script: str) -> None:
        stand_in = tmp_path / "python"
        stand_in.write_text(f"#!/bin/sh\n{script}\n")
        stand_in.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(stand_in))

    return replace


def test_document_that_takes_too_long_is_refused(pdf_of: Callable[..., bytes]) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj.Contents = pikepdf.Stream(pdf, b"0 0 m 100 900 500 -500 595 842 c 0 842 l f " * 500_000)

    with pytest.raises(DocumentRefused, match="DOCUMENT_TOO_COMPLEX"):
        Cleaner(Limits(worker_seconds=1)).clean("application/pdf", pdf_of(1, change))


def test_document_that_takes_too_much_memory_is_refused(encoded: Callable[..., bytes]) -> None:
    data = encoded(Image.new("RGB", (6000, 6000)), "PNG")
    with pytest.raises(DocumentRefused, match="DOCUMENT_TOO_COMPLEX"):
        Cleaner(Limits(worker_memory=200 * 1024 * 1024)).clean("image/png", data)


def test_worker_that_hangs_is_ended(worker_that: Callable[[str], None], jpeg: bytes) -> None:
    worker_that("echo ready; exec sleep 60")
    began = time.monotonic()
    with pytest.raises(DocumentRefused, match="DOCUMENT_TOO_COMPLEX"):
        Cleaner(Limits(worker_seconds=1)).clean("image/jpeg", jpeg)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("script", ["exit 1", "kill -SEGV $$", "echo nonsense", ""])
def test_worker_that_does_not_start_is_no_fault_of_the_document(
    worker_that: Callable[[str], None], jpeg: bytes, script: str
) -> None:
    worker_that(script)
    with pytest.raises(CleaningUnavailable):
        Cleaner(Limits()).clean("image/jpeg", jpeg)


def test_worker_that_is_not_there_is_no_fault_of_the_document(monkeypatch: pytest.MonkeyPatch, jpeg: bytes) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(CleaningUnavailable, match="No such file"):
        Cleaner(Limits()).clean("image/jpeg", jpeg)


@pytest.mark.parametrize(
    "answer",
    [
        "kill -SEGV $$",
        "",
        "echo '<script>'",
        "echo '[]'",
        """echo '{"refused": "<script>"}'""",
        """echo '{"sizes": [0, 99]}'""",
        """echo '{"sizes": [5, -5]}'""",
        """echo '{"sizes": [0]}'""",
        """echo '{"sizes": [0,0,0,0,0,0,0,0,0,0,0,0]}'""",
        """echo '{"sizes": null}'""",
    ],
)
def test_worker_that_dies_or_lies_is_a_refusal(worker_that: Callable[[str], None], jpeg: bytes, answer: str) -> None:
    worker_that(f"echo ready; cat > /dev/null; {answer}")
    with pytest.raises(DocumentRefused, match="DOCUMENT_UNREADABLE"):
        Cleaner(Limits()).clean("image/jpeg", jpeg)


def test_worker_that_never_stops_talking_is_cut_off(worker_that: Callable[[str], None], jpeg: bytes) -> None:
    worker_that("echo ready; cat > /dev/null; exec cat /dev/zero")
    with pytest.raises(DocumentRefused, match="DOCUMENT_TOO_COMPLEX"):
        Cleaner(Limits()).clean("image/jpeg", jpeg)


def test_worker_inherits_no_environment(
    worker_that: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jpeg: bytes
) -> None:
    monkeypatch.setenv("RECAPITO_DOCUMENT_KEYS", "SECRET")
    worker_that(f"/usr/bin/env > {tmp_path}/seen; exit 1")
    with pytest.raises(CleaningUnavailable):
        Cleaner(Limits()).clean("image/jpeg", jpeg)
    assert "SECRET" not in (tmp_path / "seen").read_text()


def test_reader_inherits_no_environment_and_tells_nobody(
    worker_that: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """onnxruntime has a telemetry of its own, which is on unless it is told."""
    monkeypatch.setenv("RECAPITO_DOCUMENT_KEYS", "SECRET")
    worker_that(f"/usr/bin/env > {tmp_path}/seen; exit 1")
    assert lines_of(b"") == []
    seen = (tmp_path / "seen").read_text()
    assert ("SECRET" in seen, "ORT_DISABLE_TELEMETRY=1" in seen) == (False, True)


@pytest.mark.parametrize("attempt", ["open('/proc/self/status')", "open(f'/proc/{os.getppid()}/environ')", "socket.socket()"])
def test_worker_that_was_taken_over_opens_nothing(attempt: str) -> None:
    """The keys of all documents lie in a file of the same user."""
    code = f"""
import os, socket
from recapito_documents.shut_in import shut_in
shut_in(2**30, 20)
{attempt}
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert "Too many open files" in done.stderr


def test_worker_imports_no_more_than_it_needs() -> None:
    """What it imports is what it costs to start, for each document."""
    heavy = "{'PIL', 'pikepdf', 'pypdfium2', 'cryptography', 'filetype'}"
    code = f"import sys, recapito_documents.clean_worker; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0
    code = f"import sys, recapito_documents.clean_image; sys.exit({heavy} & set(sys.modules) != {{'PIL'}})"
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0


def test_busy_workers_are_told_from_a_bad_document(worker_that: Callable[[str], None], jpeg: bytes) -> None:
    cleaner = Cleaner(Limits(worker_seconds=0, workers=1))
    cleaner._free.acquire()
    with pytest.raises(CleaningUnavailable, match="busy"):
        cleaner.clean("image/jpeg", jpeg)


def test_documents_that_would_wait_too_many_at_once_are_turned_away(worker_that: Callable[[str], None], jpeg: bytes) -> None:
    """Each that waits holds one of the service's eight threads: one customer's hard PDFs must not hold them all."""
    worker_that("echo ready; exec sleep 60")
    cleaner = Cleaner(Limits(worker_seconds=1, workers=1, waiting=1))
    told: list[str] = []

    def clean(_: int) -> None:
        with pytest.raises((CleaningUnavailable, DocumentRefused)) as why:
            cleaner.clean("image/jpeg", jpeg)
        told.append(type(why.value).__name__)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(clean, range(8)))
    assert told[:6] == ["CleaningUnavailable"] * 6, "six were told before the one at work was ended"
