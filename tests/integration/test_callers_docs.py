"""The examples for callers are run as they stand, and there is one for every RPC."""

import importlib
import os
import re
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.support.contract import rpcs
from tests.support.system import System

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [DOCS / "callers.md", *sorted((DOCS / "callers").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_of_a_page_runs(page: Path, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "RECAPITO_EMBEDDED_VAR", str(system.var))
    monkeypatch.setitem(os.environ, "RECAPITO_EMBEDDED_PORT_OFFSET", str(system.offset))
    importlib.import_module("docs.examples.place")  # reads where the system is when it is first imported
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(page)
    examples = list(document.examples())
    assert examples
    for example in examples:
        example.evaluate()


def test_every_service_stands_in_the_overview() -> None:
    overview = PAGES[0].read_text()
    assert [name for _, method in rpcs() if f"`{(name := method.containing_service.name)}`" not in overview] == []


@pytest.mark.parametrize("method", [pytest.param(method, id=method.full_name) for _, method in rpcs()])
def test_every_rpc_has_an_example(method: MethodDescriptor) -> None:
    stub, name = method.containing_service.name, method.name
    for page in PAGES:
        code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
        if f"{stub}Stub" in code and f".{name}(" in code:
            return
    raise AssertionError(f"no example under docs/callers/ calls {stub}.{name}")
