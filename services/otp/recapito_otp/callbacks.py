"""HTTP <-> domain for Twilio's status callbacks, nothing more. What isn't signed changes nothing.

The place is public, behind what ends TLS: so a request is small, has seconds, and there are few at a time.
"""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from redis.exceptions import RedisError

from recapito_otp import metrics
from recapito_otp.domain import Delivery
from recapito_otp.flows.take_receipt import TakeReceipt
from recapito_otp.senders.twilio import MESSAGE, TwilioSettings, is_signed
from recapito_servicekit import logs

log = logs.get(__name__)

READ_SECONDS: Final = 5.0
MOST_BYTES: Final = 16 * 1024
MOST_FIELDS: Final = 100
MOST_AT_A_TIME: Final = 32
_FINAL: Final = {
    "delivered": (Delivery.DELIVERED, ""),
    "read": (Delivery.DELIVERED, ""),
    "undelivered": (Delivery.FAILED, "UNDELIVERED"),
    "failed": (Delivery.FAILED, "REJECTED"),
    "canceled": (Delivery.FAILED, "REJECTED"),
}
"""The statuses after which nothing more comes; the others (queued, sent, …) say nothing new."""


def serve(settings: TwilioSettings, take: TakeReceipt) -> Callable[[], None]:
    """Serves from threads of its own; returns what closes it."""
    host, _, port = settings.twilio_callback_bind.rpartition(":")
    server = _Server((host, int(port)), settings, take)
    threading.Thread(target=server.serve_forever, name="receipts", daemon=True).start()

    def close() -> None:
        server.shutdown()
        server.server_close()

    return close


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], settings: TwilioSettings, take: TakeReceipt) -> None:
        self.url = settings.twilio_callback_url
        self.path = urlsplit(self.url).path or "/"
        self.token = settings.twilio_auth_token
        self.take = take
        self._room = threading.BoundedSemaphore(MOST_AT_A_TIME)
        super().__init__(address, _Callback)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.info("callback broken off")


class _Callback(BaseHTTPRequestHandler):
    server: _Server
    server_version = "recapito"
    sys_version = ""
    timeout = READ_SECONDS

    def do_POST(self) -> None:
        """Takes a callback: 204 whether or not it was news, 403 unsigned, 503 where Redis is away, so that it comes again."""
        status = self._status()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _status(self) -> HTTPStatus:
        path, _, query = self.path.partition("?")
        if path != self.server.path:
            return HTTPStatus.NOT_FOUND
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        try:
            fields = parse_qsl(self.rfile.read(int(length)).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
            message = parse_qs(query, max_num_fields=MOST_FIELDS).get(MESSAGE, [""])[0]
        except ValueError:
            metrics.RECEIPTS.labels("malformed").inc()
            return HTTPStatus.BAD_REQUEST
        url = f"{self.server.url}?{query}" if query else self.server.url
        if not is_signed(self.server.token, url, fields, self.headers.get("X-Twilio-Signature", "")):
            metrics.RECEIPTS.labels("forged").inc()
            log.warning("callback that Twilio did not sign")
            return HTTPStatus.FORBIDDEN
        return self._take(message, dict(fields).get("MessageStatus", ""))

    def _take(self, message: str, said: str) -> HTTPStatus:
        final = _FINAL.get(said)
        try:
            news = final is not None and self.server.take(message, *final)
        except RedisError as error:
            log.warning("callback not noted", error=type(error).__name__)
            return HTTPStatus.SERVICE_UNAVAILABLE
        metrics.RECEIPTS.labels(final[0].value.lower() if final and news else "stale").inc()
        return HTTPStatus.NO_CONTENT

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what matters is counted and logged above."""
