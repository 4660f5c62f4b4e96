"""What ``deploy/compose/prepare`` makes, in a folder of the test's own."""

from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

PREPARE = Path(__file__).resolve().parents[3] / "deploy" / "compose" / "prepare"


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], Path]:
    """``make compose-prepare``; gives the folder of secrets."""
    loader = SourceFileLoader("compose_prepare", str(PREPARE))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "secrets")

    def run() -> Path:
        module.main()
        return tmp_path / "secrets"

    return run


@pytest.fixture
def secrets(prepare: Callable[[], Path]) -> Path:
    """The folder of secrets."""
    return prepare()
