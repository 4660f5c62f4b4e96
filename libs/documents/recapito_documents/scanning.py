"""A virus scan by ClamAV, over its daemon's own protocol (INSTREAM). Off unless an address is set."""

import re
import socket
import struct
from collections.abc import Callable
from typing import Final

from recapito_documents.errors import CleaningUnavailable

CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 20.0
_CHUNK: Final = 64 * 1024
_MOST: Final = 4096  # bytes of an answer
_FOUND: Final = re.compile(r"stream: (.+) FOUND")

Scanner = Callable[[bytes], str]
"""What it found in the bytes, by the scanner's name for it; empty: nothing. Raises CleaningUnavailable."""


class Clamd:
    """A daemon at ``host:port``, or at ``unix:/path``. A connection for each document."""

    def __init__(self, address: str) -> None:
        self._unix = address.removeprefix("unix:") if address.startswith("unix:") else ""
        host, _, port = address.rpartition(":")
        self._host = (host.strip("[]"), int(port)) if not self._unix else ("", 0)

    def __call__(self, data: bytes) -> str:
        """Sends the bytes and reads the verdict. Raises CleaningUnavailable: no daemon, or none that says OK or FOUND."""
        try:
            with self._connected() as connection:
                connection.settimeout(ANSWER_SECONDS)
                connection.sendall(b"zINSTREAM\0")
                for start in range(0, len(data), _CHUNK):
                    piece = data[start : start + _CHUNK]
                    connection.sendall(struct.pack("!I", len(piece)) + piece)
                connection.sendall(struct.pack("!I", 0))
                answer = _answer(connection)
        except OSError as error:
            raise CleaningUnavailable(f"the virus scanner can't be asked: {type(error).__name__}") from error
        if answer == "stream: OK":
            return ""
        found = _FOUND.fullmatch(answer)
        if found is None:  # INSTREAM size limit exceeded, or worse
            raise CleaningUnavailable("the virus scanner gave no verdict")
        return found[1]

    def _connected(self) -> socket.socket:
        if not self._unix:
            return socket.create_connection(self._host, CONNECT_SECONDS)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(CONNECT_SECONDS)
        try:
            connection.connect(self._unix)
        except OSError:
            connection.close()
            raise
        return connection


def scanner(address: str) -> Scanner | None:
    """The scanner at an address; None: the address is empty. Raises ValueError: it is none."""
    if not address:
        return None
    if not re.fullmatch(r"unix:/.+|[^:/]+:[0-9]{1,5}|\[[0-9a-f:]+\]:[0-9]{1,5}", address):
        raise ValueError("host:port or unix:/path")
    return Clamd(address)


def _answer(connection: socket.socket) -> str:
    said = b""
    while b"\0" not in said and len(said) < _MOST:
        piece = connection.recv(_MOST)
        if not piece:
            break
        said += piece
    return said.partition(b"\0")[0].decode("utf-8", "replace").strip()
