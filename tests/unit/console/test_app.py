"""What holds on every page: headers, hosts, languages, the management port, the end."""

import re
import signal
import socket
import time
import urllib.request
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import recapito_console
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServiceProcess
from tests.unit.console.conftest import Browser, environment
from tests.unit.console.services import Services

HERE = Path(recapito_console.__file__).parent
ENGLISH = HERE / "translations" / "en" / "LC_MESSAGES"
PAGES = ["/accedi?ended=1", "/casi", "/casi?stato=tutti", "/casi/c-1", "/casi/c-1/storia", "/codici-di-recupero", "/nowhere"]


@pytest.mark.parametrize("path", [*PAGES, "/casi/c-1/documenti/d-1/1"])
def test_every_page_has_the_headers_and_is_kept_nowhere(anna: Browser, path: str) -> None:
    headers = anna.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_script_or_style(anna: Browser, path: str) -> None:
    page = anna.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)


def test_a_foreign_host_is_refused(anna: Browser) -> None:
    answer = anna.client.get("/casi", base_url="https://evil.example")
    assert (answer.status_code, answer.text) == (400, "unknown host\n")


def test_no_form_takes_more_than_it_needs(anna: Browser) -> None:
    answer = anna.client.post("/accedi", data={"file": (BytesIO(b"x" * 100_000), "x")}, base_url="https://localhost")
    assert answer.status_code == 413


def test_the_console_speaks_english_where_the_browser_does(anna: Browser) -> None:
    page = anna.get("/casi/c-1", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    for text in ('<html lang="en">', "Take the case", "due in 22 hours", "Differs from the one on file", "Identity card"):
        assert text in page


def test_a_language_chosen_on_a_form_answer_leads_to_the_case(anna: Browser) -> None:
    for path in ("/casi/c-1/presa", "/casi/c-1/decisione"):
        assert anna.get(path).headers["Location"] == "/casi/c-1"


def test_nothing_lacks_an_english_text() -> None:
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    keywords = {"_": None, "_l": None, "ngettext": (1, 2)}
    found = extract_from_dir(HERE, methods, {}, keywords)
    used = {message if isinstance(message, str) else message[0] for _file, _line, message, _comments, _context in found}
    catalogue = _catalogue()
    known = {each.id if isinstance(each.id, str) else each.id[0]: each for each in catalogue if each.id}
    assert used == set(known)
    for each in known.values():
        assert all(_texts(each)), each.id
        assert not each.fuzzy
        assert not list(each.check(catalogue))


def test_the_compiled_catalogue_is_up_to_date() -> None:
    with (ENGLISH / "messages.mo").open("rb") as file:
        compiled = {_key(each): _texts(each) for each in read_mo(file) if each.id}
    assert compiled == {_key(each): _texts(each) for each in _catalogue() if each.id}


def test_the_command_serves_tells_its_health_and_stops_on_sigterm(pki: Pki, services: Services, tmp_path: Path) -> None:
    http, management = free_port(), free_port()
    settings = {
        **environment(pki, services.port),
        "RECAPITO_HTTP_BIND": f"127.0.0.1:{http}",
        "RECAPITO_METRICS_BIND": f"127.0.0.1:{management}",
    }
    process = ServiceProcess("console", ["serve"], settings, tmp_path / "log")
    try:
        _wait(http, process)
        _wait(management, process)
        for path, words in (("livez", b"alive"), ("readyz", b"ready"), ("metrics", b"# HELP")):
            assert words in _get(f"http://127.0.0.1:{management}/{path}")
        assert b"Accedi alla console" in _get(f"http://127.0.0.1:{http}/accedi")
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(60) == 0, process.text()
    finally:
        if process.process.poll() is None:
            process.kill()


def _key(message: Message) -> str:
    return str(message.id if isinstance(message.id, str) else message.id[0])


def _texts(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _catalogue() -> Catalog:
    with (ENGLISH / "messages.po").open("rb") as file:
        return read_po(file, locale="en")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
        return body


def _wait(port: int, process: ServiceProcess) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(process.text())
