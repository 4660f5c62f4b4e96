"""OTP issue and check against two floors, in the same run: A B A B, medians. ``python -m bench.codes``.

One floor makes a Lua call and nothing else; the composed one does what the contract forces as well (``bench.servers``).
"""

import argparse
import base64
from typing import Any

from bench.parts import Loads, Parts, Server, parts
from bench.report import Row, compare, write
from recapito_otp.settings import OtpSettings
from recapito_otp.store import keys
from recapito_otp.vault import Vault
from recapito_servicekit.settings import load
from tests.support.ports import free_port
from tests.support.serving import server_environment

CALLS = {1: 800, 16: 4_000, 64: 4_000}
FLOORS = {"otp-floor": "1 Lua call", "otp-composed": "composed"}
PEPPER = "a pepper for benchmarks of more than 32 characters"
SEAL_KEY = bytes(range(32))


def environment(some: Parts, port: int) -> dict[str, str]:
    """The settings of ours and of the floor."""
    return {
        **server_environment(some.pki, "otp", port),
        "RECAPITO_LOG_LEVEL": "INFO",
        "RECAPITO_REDIS_URL": some.redis.url(),
        "RECAPITO_OTP_PEPPER": PEPPER,
        "RECAPITO_OTP_SEAL_KEY": base64.b64encode(SEAL_KEY).decode(),
    }


def confirm(some: Parts, count: int) -> None:
    """The mobiles that the load asks for confirmed a code before, as most that are signed in with have."""
    settings = load(OtpSettings, "otp", environment(some, 0))
    vault = Vault(settings.peppers(), settings.seal_keys(), settings.otp_names_key)
    client: Any = some.redis.client()
    client.flushall()
    pipeline = client.pipeline(transaction=False)
    for number in range(count):
        mobile = f"+39320{1_000_000 + number}"
        pipeline.zadd(keys.confirmed(vault.shard(mobile)), {vault.alias("destination", mobile): 2e12})
    pipeline.execute()


def measure(rounds: int) -> list[Row]:
    """Rows for each phase and number of connections."""
    found: dict[tuple[str, int], dict[str, list[dict[str, float]]]] = {}
    with parts() as some:
        servers = {}
        for name in ("otp", *FLOORS):
            port = free_port()
            servers[name] = Server(some, name, port, environment(some, port))
        try:
            for round_ in range(rounds + 1):  # the first warms up
                for connections, calls in CALLS.items():
                    for name, server in servers.items():
                        confirm(some, calls)
                        loads = Loads(some, server.port, "auth", connections, calls)
                        for phase in ("issue", "check"):
                            before = server.cpu_seconds()
                            told = loads.phase(phase)
                            told["cpu_ms"] = (server.cpu_seconds() - before) * 1000 / told["calls"]
                            if round_:
                                found.setdefault((phase, connections), {}).setdefault(name, []).append(told)
                        loads.stop()
        finally:
            for server in servers.values():
                server.stop()
    return [
        compare(f"otp {phase}", floor, connections, told["otp"], told[name])
        for name, floor in FLOORS.items()
        for (phase, connections), told in sorted(found.items())
    ]


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    write("codes", measure(arguments.parse_args().rounds))


if __name__ == "__main__":
    main()
