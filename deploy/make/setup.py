"""``make setup``: the virtual environment, what requirements/dev.txt locks, and our distributions, editable.

Runs under any python3, so that one that is too old gets a sentence and not a stack. What is up to date is left alone: no network.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

LEAST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements" / "dev.txt"
PIP = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--no-input"]


def main() -> None:
    """Sets up what is missing. Exit 1 with a sentence that says what to do."""
    if sys.version_info < LEAST:
        wanted = ".".join(map(str, LEAST))
        sys.exit(f"Recapito needs Python {wanted} or newer; {sys.executable} is {sys.version.split()[0]}. Try PYTHON=python3.11")
    VENV.mkdir(exist_ok=True)
    with (VENV / ".setup-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `make up` and `make test` at the same time
        _make_venv()
        _once(
            "locked", _digest([LOCK]), [*PIP, "--require-hashes", "-r", str(LOCK)], "installing what requirements/dev.txt locks"
        )
        ours = _ours()
        editable = [part for folder in ours for part in ("-e", str(folder))]
        digest = _digest([folder / "pyproject.toml" for folder in ours])
        _once(
            "ours", digest, [*PIP, "--no-deps", "--no-build-isolation", *editable], "installing our own distributions, editable"
        )


def _make_venv() -> None:
    stamp = VENV / ".setup-place"
    if PYTHON.exists() and (not stamp.exists() or stamp.read_text() == str(VENV)):
        works = subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
        if works:
            stamp.write_text(str(VENV))
            return
    try:
        import ensurepip  # noqa: F401, PLC0415  # Debian leaves it out
        import venv  # noqa: PLC0415
    except ImportError:
        sys.exit(f"This Python has no venv module ({sys.executable}). On Debian and Ubuntu: apt-get install python3-venv")
    print("setup: making .venv", flush=True)
    for name in ("locked", "ours"):
        (VENV / f".setup-{name}").unlink(missing_ok=True)
    venv.EnvBuilder(with_pip=True, upgrade_deps=False, symlinks=True, clear=False).create(VENV)
    stamp.write_text(str(VENV))


def _once(name: str, digest: str, command: "list[str]", saying: str) -> None:
    stamp = VENV / f".setup-{name}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"setup: {saying}", flush=True)
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(f"setup: that failed ({saying})")
    stamp.write_text(digest)


def _ours() -> "list[Path]":
    found = [
        ROOT / "proto",
        *sorted((ROOT / "libs").iterdir()),
        *sorted((ROOT / "services").iterdir()),
        ROOT / "deploy" / "embedded",
    ]
    return [folder for folder in found if (folder / "pyproject.toml").is_file()]


def _digest(files: "list[Path]") -> str:
    found = hashlib.sha256(os.fsencode(VENV) + sys.version.encode())
    for file in files:
        found.update(os.fsencode(file) + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


if __name__ == "__main__":
    main()
