"""A real clamd of a test's own, from Debian's package, with a signature of ours and none of the virus makers'."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

START_SECONDS: Final = 60
MOST_BYTES: Final = 1024 * 1024
SIGNATURE: Final = b"recapito test signature"
NAME: Final = "Recapito.Test.UNOFFICIAL"  # clamd says so of whatever its makers didn't sign


def installed() -> bool:
    """Whether there is a clamd on this machine."""
    return _program() is not None


class ClamdServer:
    """Start, freeze and stop. Takes at most ``MOST_BYTES`` of a stream; finds ``SIGNATURE``."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="recapito-clamd-"))
        self._folder.chmod(0o755)
        (self._folder / "db").mkdir()
        (self._folder / "db" / "recapito.ndb").write_text(f"Recapito.Test:0:*:{SIGNATURE.hex()}\n")
        self._socket = self._folder / "clamd.sock"
        options = {
            "DatabaseDirectory": self._folder / "db",
            "LocalSocket": self._socket,
            "LogFile": self._folder / "log",
            "StreamMaxLength": MOST_BYTES,
            "Foreground": "yes",
            "MaxThreads": 2,
        }
        self._configuration = self._folder / "clamd.conf"
        self._configuration.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        command = [str(_program()), "--config-file", str(self._configuration)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"clamd did not start: {(self._folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    @property
    def address(self) -> str:
        return f"unix:{self._socket}"

    def freeze(self) -> None:
        """It takes connections and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self._socket))
                connection.sendall(b"zPING\0")
                return connection.recv(64).startswith(b"PONG")
            except OSError:
                return False


def _program() -> str | None:
    return shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin:/usr/local/sbin")
