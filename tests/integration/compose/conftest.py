"""What ``deploy/compose/prepare`` makes, in a folder of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.compose_prepare import load_prepare


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], Path]:
    """``make compose-prepare``; gives the folder of secrets."""
    module = load_prepare(monkeypatch, tmp_path)

    def run() -> Path:
        module.main()
        return tmp_path / "secrets"

    return run


@pytest.fixture
def secrets(prepare: Callable[[], Path]) -> Path:
    """The folder of secrets."""
    return prepare()
