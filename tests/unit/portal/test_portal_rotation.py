"""The key of cookies and forms is changed under people's hands."""

import grpc
from flask import Flask

from recapito_portal.app import build
from recapito_portal.services import Services
from tests.unit.portal.backend import CODE, Backend
from tests.unit.portal.conftest import Browser, settings

OLD, NEW = "o" * 40, "n" * 40


def portal(backend: Backend, channel: grpc.Channel, secret_key: str) -> Flask:
    return build(settings(secret_key=secret_key), Services.over(channel, channel, channel))


def moved(browser: Browser, to: Flask) -> Browser:
    """The same browser, its cookies and all, at another process."""
    client = to.test_client()
    for name in ("portal", "device"):
        client.set_cookie(name, browser.cookie(name), domain="localhost")
    return Browser(client)


def test_session_and_half_filled_form_outlive_a_new_key(backend: Backend) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        before, accepting, after = (portal(backend, channel, keys) for keys in (OLD, f"{OLD},{NEW}", f"{NEW}\n{OLD}"))
        browser = Browser(before.test_client())
        browser.give_password()
        filled = browser.form("/accedi/codice", code=CODE)
        browser = moved(browser, after)
        assert browser.client.post("/accedi/codice", data=filled).status_code == 303
        assert browser.get("/area").status_code == 200
        back = moved(browser, accepting)  # a process that has the new key only to accept, while others sign with it already
        assert back.get("/area").status_code == 200
        assert back.cookie("portal")


def test_form_of_a_key_that_was_dropped_is_refused(backend: Backend) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        before, without = portal(backend, channel, OLD), portal(backend, channel, NEW)
        browser = Browser(before.test_client())
        browser.give_password()
        filled = browser.form("/accedi/codice", code=CODE)
        assert moved(browser, without).client.post("/accedi/codice", data=filled).status_code == 400
