"""The inbox's HTTP server: the page, Mailpit's API, and nobody but this machine."""

import http.server
import json
import socketserver
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from recapito_embedded.inbox import api, page
from recapito_embedded.inbox.mailbox import Mailbox

BODY_BYTES: Final = 1024 * 1024
_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# a mail's own HTML: nothing runs, nothing is loaded from anywhere
_VIEW_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class Server(http.server.ThreadingHTTPServer):
    """Serves a mailbox on a loopback address."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], mailbox: Mailbox, sms_domain: str) -> None:
        super().__init__(address, _Handler)
        self.mailbox = mailbox
        self.sms_domain = sms_domain

    def server_bind(self) -> None:
        """Binds without asking a name server who we are, as http.server would."""
        socketserver.TCPServer.server_bind(self)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        if not self._is_for_us():
            return
        url = urlsplit(self.path)
        if url.path.startswith("/api/v1/"):
            self._answer_api(url.path, url.query)
        elif url.path in {"/readyz", "/livez"}:
            self._send(HTTPStatus.OK, "text/plain", b"ok\n")
        elif url.path == "/style.css":
            self._send(HTTPStatus.OK, "text/css", page.STYLE.encode())
        elif url.path == "/":
            self._send_page(page.listing(self.server.mailbox.all(), self.server.sms_domain))
        else:
            self._answer_message(url.path)

    def do_DELETE(self) -> None:
        if not self._is_for_us():
            return
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and int(length) <= BODY_BYTES):
            self.close_connection = True
            self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "text/plain", b"too large\n")
            return
        try:
            status = api.delete(self.server.mailbox, urlsplit(self.path).path, self.rfile.read(int(length)))
        except api.BadRequest as error:
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", f"{error}\n".encode())
            return
        self._send(status, "text/plain", b"ok" if status is HTTPStatus.OK else b"not found\n")

    def _answer_api(self, path: str, query: str) -> None:
        try:
            answer = api.get(self.server.mailbox, path, parse_qs(query))
        except api.BadRequest as error:
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", f"{error}\n".encode())
            return
        if answer is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")
            return
        self._send(HTTPStatus.OK, "application/json", json.dumps(answer, ensure_ascii=False).encode(errors="replace"))

    def _answer_message(self, path: str) -> None:
        _, folder, name, *_ = (*path.split("/"), "", "")
        message = self.server.mailbox.get(name.removesuffix(".html")) if folder in {"message", "view"} else None
        if message is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")
        elif folder == "view":
            self._send(HTTPStatus.OK, "text/html", message.html.encode(errors="replace"), _VIEW_POLICY)
        else:
            self._send_page(page.single(message, self.server.sms_domain))

    def _is_for_us(self) -> bool:
        """Refuses a name that isn't this machine's: a page elsewhere could have it point here and read the codes."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if host in _HOSTS:
            return True
        self.close_connection = True
        self._send(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"this inbox answers to localhost alone\n")
        return False

    def _send_page(self, content: str) -> None:
        self._send(HTTPStatus.OK, "text/html", content.encode(errors="replace"))

    def _send(self, status: HTTPStatus, media_type: str, body: bytes, policy: str = "") -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, policy if policy and name == "Content-Security-Policy" else value)
        self.send_header("Content-Type", f"{media_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the page asks every few seconds."""
