"""The console over the services' stand-ins, and a browser's worth of client."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recapito_console.app import build
from recapito_console.backend import Backend
from recapito_console.settings import ConsoleSettings
from recapito_servicekit.clock import Clock
from recapito_servicekit.settings import ServerSettings, load
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServerThread, channel_as, server_environment
from tests.unit.console.operators import Operators
from tests.unit.console.services import Reviews, Services, case


def environment(pki: Pki, port: int) -> dict[str, str]:
    """The console's settings over services on one port."""
    return {
        "RECAPITO_ENVIRONMENT": "development",
        "RECAPITO_HTTP_BIND": "127.0.0.1:0",
        "RECAPITO_SECRET_KEY": "k" * 32,
        "RECAPITO_TRUSTED_HOSTS": "localhost,127.0.0.1",
        "RECAPITO_AUTH_ADDRESS": f"localhost:{port}",
        "RECAPITO_CONTACT_CHANGE_ADDRESS": f"localhost:{port}",
        **pki.files("console"),
    }


class Browser:
    """A test client that sends each form with its CSRF token, as the page before gave it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **more: object) -> TestResponse:
        return self.client.get(path, base_url="https://localhost", **more)

    def post(self, path: str, **values: str) -> TestResponse:
        token = re.findall(r'name="csrf_token" value="([^"]+)"', self.get("/nowhere").text)[0]
        return self.client.post(
            path, data={"csrf_token": token, **values}, base_url="https://localhost", headers={"Referer": "https://localhost/"}
        )


@pytest.fixture(scope="session")
def served(pki: Pki) -> Iterator[Services]:
    """The services' stand-ins, served once for the run."""
    found = Services(Operators(), Reviews(), free_port())
    server = ServerThread(load(ServerSettings, "auth", server_environment(pki, "auth", found.port)), found.wire)
    yield found
    server.stop()


@pytest.fixture
def services(served: Services, clock: Clock) -> Services:
    """auth and contact-change with one open case, c-1."""
    served.operators.reset(clock)
    served.reviews.reset(clock)
    served.reviews.cases["c-1"] = case("c-1", clock())
    return served


@pytest.fixture
def app(pki: Pki, clock: Clock, services: Services) -> Iterator[Flask]:
    """The console."""
    settings = load(ConsoleSettings, "console", environment(pki, services.port))
    with channel_as(pki, "console", services.port) as channel:
        yield build(settings, Backend.over(channel, channel, clock))


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """A browser in which nobody is signed in, reading Italian."""
    return Browser(app.test_client())


@pytest.fixture
def signed_in(app: Flask, services: Services) -> Callable[[str], Browser]:
    """Opens a browser in which an operator is signed in."""

    def open_browser(name: str) -> Browser:
        browser = Browser(app.test_client())
        browser.client.set_cookie("__Host-operator", services.operators.open(name), domain="localhost", secure=True)
        return browser

    return open_browser


@pytest.fixture
def anna(signed_in: Callable[[str], Browser]) -> Browser:
    """A reviewer's browser."""
    return signed_in("anna.bianchi")
