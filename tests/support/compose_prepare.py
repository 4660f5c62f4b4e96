"""``deploy/compose/prepare``, which has no ending that Python would import it by."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

PREPARE = Path(__file__).resolve().parents[2] / "deploy" / "compose" / "prepare"


def load_prepare(monkeypatch: pytest.MonkeyPatch, folder: Path) -> ModuleType:
    """The script as a module that makes its files under ``folder``."""
    loader = SourceFileLoader("compose_prepare", str(PREPARE))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", folder)
    monkeypatch.setattr(module, "FOLDER", folder / "secrets")
    return module
