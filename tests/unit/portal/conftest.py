"""The portal over a small backend, and a browser that keeps cookies and takes the CSRF token from the page."""

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recapito_portal.app import build
from recapito_portal.services import Services
from recapito_portal.settings import PortalSettings
from tests.unit.portal.backend import CODE, PASSWORD, Backend

PICTURE = b"\xff\xd8" + bytes(300_000)


class Browser:
    """Follows redirects and posts forms with the token of the page that holds them, as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, follow_redirects=True)

    def post(self, path: str, **values: object) -> TestResponse:
        return self.client.post(path, data=self.form(path, **values), follow_redirects=True)

    def form(self, path: str, **values: object) -> dict[str, object]:
        """The hidden fields of the page at ``path``, and ``values``."""
        html = self.client.get(path, follow_redirects=True).text
        main = html[html.index("<main") :]
        hidden = {}
        for tag in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", main):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name is not None and name[1] not in hidden:
                hidden[name[1]] = value[1] if value is not None else ""
        return {**hidden, **values}

    def cookie(self, name: str) -> str:
        found = self.client.get_cookie(name, domain="localhost")
        return found.value if found is not None else ""

    def give_password(self, username: str = "mario@esempio.it") -> TestResponse:
        return self.post("/accedi", username=username, password=PASSWORD)

    def sign_in(self) -> TestResponse:
        self.give_password()
        return self.post("/accedi/codice", code=CODE)

    def register_until_code(self, contact: str = "mario@esempio.it") -> TestResponse:
        self.post("/registrati", person_type="1")
        self.post("/registrati/nome", given_name="Mario", family_name="Rossi")
        return self.post("/registrati/recapito", contact=contact)

    def ask_until_identity(self) -> TestResponse:
        self.give_password()
        self.post("/recapito/numero", reason="3", new_mobile="347.123 45 65")
        self.post("/recapito/codice", code=CODE)
        return self.post("/recapito/documento", type="1")


def settings(**changes: object) -> PortalSettings:
    nowhere = Path("/nowhere")
    told: dict[str, object] = {
        "environment": "development",
        "tls_ca_file": nowhere,
        "tls_cert_file": nowhere,
        "tls_key_file": nowhere,
        "http_bind": "127.0.0.1:0",
        "secret_key": "k" * 40,
        "trusted_hosts": "localhost",
        "cookie_secure": False,
        "auth_address": "",
        "contact_change_address": "",
        "claims_address": "",
    }
    return PortalSettings(**{**told, **changes})  # type: ignore[arg-type]


@pytest.fixture
def backend() -> Iterator[Backend]:
    found = Backend()
    yield found
    found.server.stop(None)


@pytest.fixture
def app(backend: Backend) -> Iterator[Flask]:
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        yield build(settings(), Services.over(channel, channel, channel))


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app.test_client())
