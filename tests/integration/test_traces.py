"""One request's ids in every service, in the queue and in the mail; one trace over all that becomes of a change."""

import contextvars
import http.server
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from recapito_servicekit import traces
from tests.support import journeys
from tests.support.system import FIRST_OFFSET, System

OFFSET = FIRST_OFFSET + 200
NEW_MOBILE = "+393477654321"
NEW_EMAIL = "nuova@example.com"


class Collector:
    """Takes spans by OTLP over HTTP, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str]] = []  # service, trace, name
        spans = self.spans

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {each.key: each.value.string_value for each in resource.resource.attributes}
                    found = (span for scope in resource.scope_spans for span in scope.spans)
                    spans.extend((names["service.name"], span.trace_id.hex(), span.name) for span in found)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def services(self, trace_id: str) -> set[str]:
        return {service for service, trace, _ in list(self.spans) if trace == trace_id}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[System]:
    """A system that logs each call as JSON and sends its spans to the collector."""
    told = {"RECAPITO_LOG_FORMAT": "json", "RECAPITO_LOG_LEVEL": "DEBUG", "RECAPITO_OTLP_ENDPOINT": collector.endpoint}
    made = System(tmp_path_factory.mktemp("traced"), OFFSET, told)
    made.up()
    yield made
    made.down()


def lines(system: System) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every line of every process, by process."""
    for file in (system.var / "log").glob("*.log"):
        for text in file.read_text(errors="replace").splitlines():
            if text.startswith("{"):
                yield file.stem, json.loads(text)


def processes(system: System, **ids: str) -> set[str]:
    """The processes that logged something under these ids."""
    return {process for process, line in lines(system) if ids.items() <= line.items()}


def wait(look: Callable[[], set[str]], wanted: set[str]) -> None:
    until = time.monotonic() + 60
    while not (found := look()) >= wanted:
        assert time.monotonic() < until, (found, wanted)
        time.sleep(0.2)


def calls_of(system: System, rpc: str) -> list[dict[str, Any]]:
    """What auth logged of an RPC, once it has: the line may come after the answer."""

    def look() -> list[dict[str, Any]]:
        return [line for process, line in lines(system) if process == "auth" and line.get("rpc") == rpc]

    wait(lambda: {"logged"} if look() else set(), {"logged"})
    return look()


def press(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Sends the form of a page."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(path).text)
    assert token is not None
    return browser.post(path, data={"csrf_token": token[1], **fields})


def test_page_s_request_is_followed_to_the_code_that_goes_out(traced: System, collector: Collector) -> None:
    known = traced.customers(1)[0]
    with httpx.Client(base_url=traced.portal, follow_redirects=True) as browser:
        press(browser, "/registrati", person_type="1")
        press(browser, "/registrati/nome", given_name=known.given_name, family_name=known.family_name)
        press(browser, "/registrati/recapito", contact=known.mobile.removeprefix("+39"))
    traced.inbox.code(known.mobile, 1)
    asked = calls_of(traced, "recapito.auth.v1.RegistrationService/StartRegistration")
    ids = {"request_id": asked[-1]["request_id"], "trace_id": asked[-1]["trace_id"]}
    wait(lambda: processes(traced, **ids), {"portal", "auth", "otp", "otp-work"})
    wait(lambda: collector.services(ids["trace_id"]), {"recapito-portal", "recapito-auth", "recapito-otp"})


def test_change_is_one_trace_from_its_filing_to_the_last_mail(traced: System, collector: Collector) -> None:
    _, token = traced.signed_in()
    operator = traced.operator_token(traced.operator("reviewer"))

    def file() -> tuple[str, str, str]:
        traces.enter("the portal", traces.Kind.SERVER)
        here = traces.current()
        assert here is not None
        change_id, _ = journeys.file_change(traced, token, NEW_MOBILE, NEW_EMAIL)
        return change_id, here.request_id, here.trace_id

    def decide(change_id: str) -> str:
        traces.enter("the console", traces.Kind.SERVER)
        here = traces.current()
        assert here is not None
        journeys.approve(traced, operator, change_id)
        return here.request_id

    change_id, filed_by, trace_id = _alone(file)
    decided_by = _alone(lambda: decide(change_id))
    everywhere = {"contact-change", "contact-change-work", "auth", "otp", "otp-work"}
    # the operator's own request is a trace of its own; what comes of it goes on with the change's
    wait(lambda: processes(traced, trace_id=trace_id, request_id=filed_by), {*everywhere})
    wait(lambda: processes(traced, trace_id=trace_id, request_id=decided_by), everywhere - {"contact-change"})
    wait(lambda: processes(traced, change_id=change_id), {"contact-change", "contact-change-work"})
    applied = calls_of(traced, "recapito.auth.v1.CustomerRegistryService/ChangeMobile")
    assert {line["trace_id"] for line in applied} == {trace_id}
    wait(lambda: collector.services(trace_id), {"recapito-contact-change", "recapito-auth", "recapito-otp"})
    spans = {
        "recapito.contact_change.v1.ContactChangeService/SubmitRequest",
        "handle recapito.contact_change.submitted.v1",
        "handle recapito.contact_change.decided.v1",
        "handle recapito.contact_change.notice.v1",
        "recapito.auth.v1.CustomerRegistryService/ChangeMobile",
        "recapito.otp.v1.OtpService/SendNotice",
        "deliver change_approved",
    }
    wait(lambda: {name for _, trace, name in list(collector.spans) if trace == trace_id}, spans)


def test_no_log_holds_a_contact_or_a_code(traced: System) -> None:
    known, _ = traced.signed_in()
    logged = "".join(file.read_text(errors="replace") for file in (traced.var / "log").glob("*work.log"))
    assert known.mobile not in logged
    assert NEW_EMAIL not in logged
    assert not re.search(r"\b\d{6}\b(?!Z)", re.sub(r'"(timestamp|trace_id|\w+_id)": "[^"]*"', "", logged))


def test_nothing_is_imported_of_an_extra_that_is_not_installed() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
from pathlib import Path
import recapito_auth.__main__, recapito_contact_change.__main__, recapito_otp.__main__, recapito_portal.__main__
from recapito_servicekit import logs
from recapito_servicekit.settings import BadSettings, CommonSettings
files = {f"tls_{name}_file": Path("x") for name in ("ca", "cert", "key")}
logs.configure(CommonSettings(**files), "x")
try:
    logs.configure(CommonSettings(**files, otlp_endpoint="http://127.0.0.1:1"), "x")
except BadSettings as error:
    print(error.faults[0])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "RECAPITO_OTLP_ENDPOINT: needs recapito-servicekit[otel], which is not installed\n"


def _alone(work: Callable[[], Any]) -> Any:
    """In a context of its own, as a front end answers a page."""
    return contextvars.copy_context().run(work)
