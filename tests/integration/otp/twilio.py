"""A server that speaks Twilio's Messages API as documented, and its signed status callbacks. It fails on demand."""

import base64
import hashlib
import hmac
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx

from tests.support.ports import free_port

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "the token of the tests"


@dataclass
class Answer:
    """How to answer one request: after a while, with a status and Twilio's own code; status 0 drops the connection."""

    status: int = 201
    code: int = 0
    seconds: float = 0.0


class FakeTwilio:
    """``answers``: those of the next requests; afterwards every text is taken. ``texts``: the forms of those taken."""

    def __init__(self) -> None:
        self.texts: list[dict[str, str]] = []
        self.answers: list[Answer] = []
        self.refused_logins = 0
        self.callback_port = free_port()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def settings(self, senders: str = "twilio") -> dict[str, str]:
        return {
            "RECAPITO_SMS_SENDERS": senders,
            "RECAPITO_TWILIO_ACCOUNT_SID": ACCOUNT,
            "RECAPITO_TWILIO_AUTH_TOKEN": TOKEN,
            "RECAPITO_TWILIO_FROM": "+15005550006",
            "RECAPITO_TWILIO_API_URL": f"http://127.0.0.1:{self._server.server_address[1]}",
            "RECAPITO_TWILIO_CALLBACK_URL": "https://sms.example.it/twilio",
            "RECAPITO_TWILIO_CALLBACK_BIND": f"127.0.0.1:{self.callback_port}",
        }

    def wait(self, count: int = 1, seconds: float = 60) -> list[dict[str, str]]:
        until = time.monotonic() + seconds
        while len(self.texts) < count:
            assert time.monotonic() < until, f"{len(self.texts)} text(s) came"
            time.sleep(0.02)
        return self.texts

    def call_back(self, text: dict[str, str], status: str, **more: str) -> int:
        """Says what became of a text, as Twilio does; gives the HTTP status of the answer."""
        url = text["StatusCallback"]
        form = {"MessageSid": text["sid"], "MessageStatus": status, "To": text["To"], "ErrorCode": "30005", "Empty": "", **more}
        return self.post(url, form, signature(url, form))

    def post(self, url: str, form: dict[str, str], signed: str) -> int:
        """A request to the callbacks' place, through what ends TLS before it."""
        inner = url.replace("https://sms.example.it", f"http://127.0.0.1:{self.callback_port}")
        return httpx.post(inner, data=form, headers={"X-Twilio-Signature": signed}, timeout=30).status_code

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def signature(url: str, form: dict[str, str], token: str = TOKEN) -> str:
    """As documented: the URL, then each name and value, sorted by name."""
    text = url
    for name in sorted(form):
        text += name + form[name]
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _handler(twilio: FakeTwilio) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True))
            login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
            if self.path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
                self._answer(404, '{"code": 20404}')
            elif self.headers["Authorization"] != f"Basic {login}":
                twilio.refused_logins += 1
                self._answer(401, '{"code": 20003, "message": "Authenticate"}')
            elif not form.get("To", "").startswith("+") or not form.get("Body"):
                self._answer(400, '{"code": 21211}')
            else:
                self._take(form)

        def _take(self, form: dict[str, str]) -> None:
            how = twilio.answers.pop(0) if twilio.answers else Answer()
            time.sleep(how.seconds)
            if how.status == 0:
                self.close_connection = True
                self.connection.close()
            elif how.status == 201:
                sid = f"SM{len(twilio.texts):032x}"
                twilio.texts.append({**form, "sid": sid})
                self._answer(201, f'{{"sid": "{sid}", "status": "queued"}}')
            else:
                self._answer(how.status, f'{{"code": {how.code}, "message": "no"}}')

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Handler
