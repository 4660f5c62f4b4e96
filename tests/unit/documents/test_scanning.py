"""The virus scan, over the daemon's own protocol, against a server that speaks it."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from recapito_documents.blobs import FolderBlobs
from recapito_documents.errors import CleaningUnavailable, DocumentRefused, Reason
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline
from recapito_documents.scanning import Clamd, scanner
from tests.support.ports import free_port

# In two pieces, so that no virus scanner takes this file for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Daemon(socketserver.ThreadingTCPServer):
    """INSTREAM as clamd has it; ``most``: its StreamMaxLength; ``silent``: hangs up without a word."""

    allow_reuse_address = True
    daemon_threads = True
    most = 25 * 1024 * 1024
    silent = False

    class Handler(socketserver.StreamRequestHandler):
        server: "Daemon"

        def handle(self) -> None:
            assert self.rfile.read(10) == b"zINSTREAM\0"
            data = b""
            while length := struct.unpack("!I", self.rfile.read(4))[0]:
                data += self.rfile.read(length)
                if len(data) > self.server.most:
                    self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            if not self.server.silent:
                self.wfile.write(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in data else b"stream: OK\0")


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon(("127.0.0.1", free_port()), Daemon.Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def clamd(daemon: Daemon) -> Clamd:
    return Clamd(f"127.0.0.1:{daemon.server_address[1]}")


def test_a_clean_file_of_many_pieces_and_one_that_is_not(daemon: Daemon) -> None:
    assert clamd(daemon)(b"x" * 200_000) == ""
    assert clamd(daemon)(b"x" * 70_000 + EICAR) == "Eicar-Test-Signature"


def test_no_verdict_is_no_acceptance(daemon: Daemon) -> None:
    daemon.most = 10
    with pytest.raises(CleaningUnavailable, match=r"no verdict|can't be asked"):
        clamd(daemon)(b"x" * 200_000)
    daemon.most, daemon.silent = 1_000_000, True
    with pytest.raises(CleaningUnavailable, match="no verdict"):
        clamd(daemon)(b"x")
    with pytest.raises(CleaningUnavailable, match="can't be asked"):
        Clamd(f"127.0.0.1:{free_port()}")(b"x")
    with pytest.raises(CleaningUnavailable, match="can't be asked"):
        Clamd("unix:/nowhere/clamd.sock")(b"x")


def test_an_infected_document_is_refused_and_nothing_is_kept(daemon: Daemon, folder: Path, keys: KeyRing, jpeg: bytes) -> None:
    pipeline = DocumentPipeline(FolderBlobs(folder), keys, scan=clamd(daemon))
    with pytest.raises(DocumentRefused) as refusal:
        pipeline.store("a.jpg", [jpeg + EICAR])
    assert refusal.value.reason is Reason.INFECTED
    assert list(folder.iterdir()) == []
    assert pipeline.store("a.jpg", [jpeg]).pages == 1


@pytest.mark.parametrize("address", ["clamd", "http://clamd:3310", "unix:", "host:port"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        scanner(address)


def test_without_an_address_nothing_is_scanned() -> None:
    assert scanner("") is None
    assert isinstance(scanner("unix:/run/clamav/clamd.ctl"), Clamd)
    assert isinstance(scanner("[::1]:3310"), Clamd)
