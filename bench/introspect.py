"""Introspect against a handler with one Redis round trip, in the same run: A B A B, medians. ``python -m bench.introspect``."""

import argparse
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.parts import Loads, Parts, Server, parts
from bench.report import Row, compare, write
from recapito_auth.store.redisio import connect
from recapito_auth.store.sessions import Kind, Session, Sessions
from recapito_embedded.environment import HASHING
from tests.support.ports import free_port
from tests.support.serving import run_command, server_environment

CALLS = {1: 800, 16: 4_000, 64: 4_000}
SESSIONS = 500


def environment(some: Parts, port: int, otp_port: int) -> dict[str, str]:
    """The settings of auth and of the floor."""
    return {
        **server_environment(some.pki, "auth", port),
        **HASHING,
        "RECAPITO_LOG_LEVEL": "INFO",
        "RECAPITO_REDIS_URL": some.redis.url(),
        "RECAPITO_DATABASE_URL": f"sqlite:///{some.folder / 'auth.db'}",
        "RECAPITO_OTP_ADDRESS": f"localhost:{otp_port}",
        "RECAPITO_TOTP_KEY": base64.b64encode(bytes(range(32))).decode(),
    }


def open_sessions(some: Parts) -> list[str]:
    """Tokens of live sessions, kept for the floor too."""
    now = datetime.now(UTC)
    sessions = Sessions(connect(some.redis.url(), 1))
    client: Any = some.redis.client()
    tokens = []
    for number in range(SESSIONS):
        expires_at, idle = now + timedelta(hours=12), timedelta(minutes=30)
        session = Session(Kind.SESSION, f"C{number}", 0, "recapito:aal2", ("pwd", "otp"), now, expires_at, idle)
        tokens.append(token := sessions.open(session, now))
        client.hset(f"floor:{token}", mapping={"customer_id": f"C{number}", "acr": "recapito:aal2", "epoch": 0})
    return tokens


def measure(rounds: int) -> list[Row]:
    """Rows for each number of connections."""
    found: dict[int, dict[str, list[dict[str, float]]]] = {}
    with parts() as some:
        servers = {}
        for name in ("auth", "introspect-floor"):
            port = free_port()
            settings = environment(some, port, free_port())
            if name == "auth" and (done := run_command("auth", ["migrate"], settings)).returncode:
                raise RuntimeError(done.stderr)
            servers[name] = Server(some, name, port, settings)
        tokens = open_sessions(some)
        try:
            for round_ in range(rounds + 1):  # the first warms up
                for connections, calls in CALLS.items():
                    for name, server in servers.items():
                        loads = Loads(some, server.port, "internal", connections, calls, tokens=tokens)
                        before = server.cpu_seconds()
                        told = loads.phase("introspect")
                        told["cpu_ms"] = (server.cpu_seconds() - before) * 1000 / told["calls"]
                        loads.stop()
                        if round_:
                            found.setdefault(connections, {}).setdefault(name, []).append(told)
        finally:
            for server in servers.values():
                server.stop()
    return [
        compare("introspect", "1 Lua call", connections, told["auth"], told["introspect-floor"])
        for connections, told in found.items()
    ]


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    write("introspect", measure(arguments.parse_args().rounds))


if __name__ == "__main__":
    main()
