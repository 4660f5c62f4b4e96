"""The client library and the example service that uses it, against a real auth service."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from recapito_servicekit.clock import system_clock
from recapito_session import AAL2, AioSessions, NotSignedIn, Sessions, StepUpRequired, aio_channel, channel
from tests.conftest import SetClock
from tests.integration.auth.service import Auth
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ROOT


def files(pki: Pki) -> dict[str, Path]:
    names = {"ca": "ca.pem", "cert": "internal.pem", "key": "internal-key.pem"}
    return {name: pki.folder / file for name, file in names.items()}


def test_session_is_checked_in_a_line(auth: Auth, pki: Pki, clock: SetClock) -> None:
    auth.register()
    required = auth.password().code_required
    token = auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token
    with channel(f"localhost:{auth.port}", **files(pki)) as to:
        sessions = Sessions(to, clock)
        person = sessions.require(token, acr=AAL2, max_age=600)
        assert (person.customer_id, person.amr, person.auth_time) == ("C1", ("pwd", "otp_sms"), clock.now)
        clock.forward(minutes=10, seconds=1)
        with pytest.raises(StepUpRequired) as weak:
            sessions.require(token, acr=AAL2, max_age=600)
        assert weak.value.challenge() == (
            'Bearer error="insufficient_user_authentication", acr_values="recapito:aal2", max_age=600'
        )
        assert sessions.require(token).customer_id == "C1"
        for other in ("", "nonsense", required.contact_change_token):  # a contact_change_token is no session
            with pytest.raises(NotSignedIn):
                sessions.require(other)
        with pytest.raises(ValueError, match="acr"):
            sessions.require(token, acr="recapito:aal9")
    with channel(f"localhost:{free_port()}", **files(pki)) as nowhere, pytest.raises(grpc.RpcError):
        Sessions(nowhere).require(token)


def test_the_same_on_a_loop(auth: Auth, pki: Pki, clock: SetClock) -> None:
    auth.register()
    token = auth.sign_in()

    async def ask() -> str:
        async with aio_channel(f"localhost:{auth.port}", **files(pki)) as to:
            sessions = AioSessions(to, clock)
            with pytest.raises(NotSignedIn):
                await sessions.require("nonsense", acr=AAL2)
            return (await sessions.require(token, acr=AAL2)).customer_id

    assert asyncio.run(ask()) == "C1"


@pytest.fixture
def example(auth: Auth, pki: Pki) -> Iterator[str]:
    """The example service's address."""
    port = free_port()
    paths = [str(path) for path in files(pki).values()]
    command = [sys.executable, str(ROOT / "docs/examples/session_service.py"), str(port), f"localhost:{auth.port}", *paths]
    process = subprocess.Popen(command)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def get(url: str, token: str = "") -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    for _ in range(100):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer), ""
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers.get("WWW-Authenticate", "")
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("the example doesn't answer")


def test_example_service_lets_in_whom_it_should(auth: Auth, example: str, clock: SetClock) -> None:
    assert get(f"{example}/policies")[0] == 401
    auth.register()
    # the example goes by the system's clock: a code from a week ago is too old for payments whatever that says
    clock.now = system_clock() - (datetime(2026, 1, 8, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC))
    token = auth.sign_in()
    assert get(f"{example}/policies", token) == (200, {"customer_id": "C1"}, "")
    status, body, challenge = get(f"{example}/payments", token)
    assert (status, body, "max_age=600" in challenge) == (401, {"error": "StepUpRequired"}, True)
    clock.now = system_clock()
    fresh = auth.sign_in()
    assert get(f"{example}/payments", fresh)[0] == 200
