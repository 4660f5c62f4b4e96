"""An example of an internal service: it answers over HTTP to customers who are signed in, and lets those who gave a code in the
last ten minutes do what matters more.

    python docs/examples/session_service.py 8090 localhost:50051 var/tls/ca.pem var/tls/internal.pem var/tls/internal-key.pem
    curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8090/policies
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc

from recapito_session import AAL2, Refused, Sessions, channel

# what each path demands: the assurance, and how old the last code may be in seconds
PATHS: dict[str, tuple[str, int | None]] = {"/policies": (AAL2, None), "/payments": (AAL2, 600)}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    sessions: Sessions

    def do_GET(self) -> None:
        """Answers whom the session stands for, or what it lacks."""
        if self.path not in PATHS:
            return self._answer(404, {"error": "not_found"})
        acr, max_age = PATHS[self.path]
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            person = self.sessions.require(token, acr=acr, max_age=max_age)
        except Refused as refused:
            return self._answer(401, {"error": type(refused).__name__}, refused.challenge())
        except grpc.RpcError:  # nobody is let in where nobody can be asked
            return self._answer(503, {"error": "unavailable"})
        return self._answer(200, {"customer_id": person.customer_id})

    def _answer(self, status: int, body: dict[str, str], challenge: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


def main(port: str, auth: str, ca: str, cert: str, key: str) -> None:
    """Serves on loopback until it is stopped."""
    Handler.sessions = Sessions(channel(auth, ca=ca, cert=cert, key=key))
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
