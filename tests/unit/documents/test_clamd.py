"""The virus scan against a real clamd, where one is installed: ``apt-get install clamav-daemon``; no database is downloaded."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recapito_documents import scanning
from recapito_documents.blobs import FolderBlobs
from recapito_documents.errors import CleaningUnavailable, DocumentRefused, Reason
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline
from recapito_documents.scanning import Clamd
from tests.support import clamd
from tests.support.clamd import ClamdServer

pytestmark = pytest.mark.skipif(not clamd.installed(), reason="there is no clamd here: apt-get install clamav-daemon")


@pytest.fixture(scope="module")
def shared() -> Iterator[ClamdServer]:
    server = ClamdServer()
    yield server
    server.stop()


def test_clean_and_infected_bytes_are_told_apart(shared: ClamdServer) -> None:
    scan = Clamd(shared.address)
    assert scan(b"x" * 300_000) == ""
    assert scan(b"") == ""
    assert scan(b"x" * 100_000 + clamd.SIGNATURE + b"y" * 100_000) == clamd.NAME


def test_what_is_longer_than_it_takes_gets_no_verdict(shared: ClamdServer) -> None:
    with pytest.raises(CleaningUnavailable):
        Clamd(shared.address)(b"x" * (clamd.MOST_BYTES * 4))
    assert Clamd(shared.address)(b"x") == ""


def test_infected_document_is_refused_and_a_clean_one_kept(shared: ClamdServer, folder: Path, keys: KeyRing, jpeg: bytes) -> None:
    pipeline = DocumentPipeline(FolderBlobs(folder), keys, scan=Clamd(shared.address))
    with pytest.raises(DocumentRefused) as refusal:
        pipeline.store("a.jpg", [jpeg + clamd.SIGNATURE])
    assert refusal.value.reason is Reason.INFECTED
    assert list(folder.iterdir()) == []
    assert pipeline.store("a.jpg", [jpeg]).pages == 1


def test_one_that_hangs_or_is_gone_gives_no_verdict_and_holds_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "ANSWER_SECONDS", 0.3)
    server = ClamdServer()
    try:
        server.freeze()
        began = time.monotonic()
        with pytest.raises(CleaningUnavailable, match="can't be asked"):
            Clamd(server.address)(b"x")
        assert time.monotonic() - began < 30
        server.thaw()
        assert Clamd(server.address)(b"x") == ""
        server.kill()
        with pytest.raises(CleaningUnavailable, match="can't be asked"):
            Clamd(server.address)(b"x")
    finally:
        server.stop()
