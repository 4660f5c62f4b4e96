"""Where the embedded default lives: the checkout, its ``var`` folder, its ports."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recapito_servicekit.settings import BadSettings

HOST: Final = "127.0.0.1"
OWN_PREFIX: Final = "RECAPITO_EMBEDDED_"
GRPC_SERVICES: Final = ("auth", "otp", "contact-change", "claims")
FRONT_ENDS: Final = ("portal", "console")
WORKERS: Final = ("auth", "otp", "contact-change", "claims")

# contract.md, "Addresses of the embedded default"
PORTS: Final[Mapping[str, int]] = {
    "portal": 8080,
    "console": 8081,
    "inbox": 8025,
    "smtp": 1025,
    "redis": 6390,
    "auth": 50051,
    "otp": 50052,
    "contact-change": 50053,
    "claims": 50054,
    **{f"{service}-metrics": 9101 + place for place, service in enumerate(GRPC_SERVICES + FRONT_ENDS)},
    **{f"{service}-work-metrics": 9111 + place for place, service in enumerate(WORKERS)},
}


@dataclass(frozen=True, slots=True)
class Layout:
    """One system: its files and its ports, and what the environment of ``up`` says of its settings."""

    checkout: Path
    var: Path
    ports: Mapping[str, int]
    settings: Mapping[str, str]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Layout":
        """Reads ``RECAPITO_EMBEDDED_VAR``, ``…_PORT_OFFSET`` and ``…_<NAME>_PORT``; with no variable, the contract's ports and
        ``var/`` of this checkout. Raises BadSettings naming every fault.
        """
        checkout = Path(__file__).resolve().parents[3]
        faults: list[str] = []
        offset = _number(environ, f"{OWN_PREFIX}PORT_OFFSET", 0, 0, 50_000, faults)
        ports = {
            name: _number(environ, port_variable(name), default + offset, 1, 65_535, faults) for name, default in PORTS.items()
        }
        if not faults and len(set(ports.values())) < len(ports):
            faults.append("two of the ports are the same")
        if faults:
            raise BadSettings(*faults)
        settings = {name: value for name, value in environ.items() if _goes_to_services(name)}
        return cls(checkout, Path(environ.get(f"{OWN_PREFIX}VAR") or checkout / "var").absolute(), ports, settings)

    def address(self, name: str) -> str:
        """``localhost:port``, as certificates name it."""
        return f"localhost:{self.ports[name]}"

    def bind(self, name: str) -> str:
        """``127.0.0.1:port``."""
        return f"{HOST}:{self.ports[name]}"

    @property
    def run(self) -> Path:
        """The folder of what lives as long as the processes: socket, pid, configuration."""
        return self.var / "run"

    @property
    def logs(self) -> Path:
        """The folder of log files, one a program."""
        return self.var / "log"

    def make_folders(self) -> None:
        """Makes ``var`` and what is in it, for this user alone."""
        for folder in (self.var, *(self.var / name for name in ("run", "log", "tls", "secrets", "env", "db", "blobs", "sample"))):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)


def port_variable(name: str) -> str:
    """The setting of a port: ``RECAPITO_EMBEDDED_CONTACT_CHANGE_METRICS_PORT``."""
    return f"{OWN_PREFIX}{name.upper().replace('-', '_')}_PORT"


def write_private(file: Path, content: bytes) -> None:
    """Writes a file for this user alone, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # 0600 from the first byte
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    Path(name).replace(file)


def _goes_to_services(name: str) -> bool:
    return name.startswith("RECAPITO_") and not name.startswith(OWN_PREFIX) and name != "RECAPITO_SUPERVISED"


def _number(environ: Mapping[str, str], name: str, default: int, low: int, high: int, faults: list[str]) -> int:
    raw = environ.get(name, str(default))
    if raw.isascii() and raw.isdigit() and low <= int(raw) <= high:
        return int(raw)
    faults.append(f"{name}: a whole number from {low} to {high}, not {raw!r}")
    return default
