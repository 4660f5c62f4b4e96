"""Registration and sign-in with a code against the Argon2id ceiling: the password's hash alone. A B A B, medians.

``python -m bench.sign_in``. Real auth and otp as processes, SQLite and Redis; no front end: one client process on ``grpc.aio``,
eight journeys under way at once. The ceiling: as many hashes at once as there are cores (``bench.hashes``), with nobody to drive
it: what the driver takes of the two cores is in our figures alone. A sign-in stands beside a composed floor too, driven as ours
is (``bench.sign_in_floor``). CPU: auth and otp together, without Redis and the driver.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Final

from bench import codes, introspect, people
from bench.parts import Loads, Parts, Server, parts
from bench.report import Row, compare, write
from bench.sign_in_floor import CUSTOMERS as SEEDED
from recapito_embedded.environment import HASHING
from tests.support.ports import free_port
from tests.support.serving import run_command

CUSTOMERS: Final = 48  # new ones in each round
TURNS: Final = 3  # sign-ins a customer; ten codes in ten minutes is the most that otp can be set to
JOURNEYS: Final = 8  # at once


def import_registry(some: Parts, environment: dict[str, str], count: int) -> None:
    """Puts the customers into a new database. Raises RuntimeError."""
    file = some.folder / "customers.csv"
    people.write(file, count)
    for command in (["migrate"], ["import-customers", str(file)]):
        if (done := run_command("auth", command, environment)).returncode:
            raise RuntimeError(done.stdout + done.stderr)


def ceiling(count: int) -> dict[str, float]:
    """So many hashes, by a thread a core, in a process that has its memory as auth has."""
    command = [sys.executable, "-m", "bench.hashes", str(count)]
    told: dict[str, float] = json.loads(subprocess.check_output(command, env={**os.environ, **HASHING}))
    return told


class Pair:
    """Auth and otp, or the floors of both, as processes."""

    def __init__(self, some: Parts, names: tuple[str, str], settings: dict[str, str]) -> None:
        otp_port, port = free_port(), free_port()
        limits = {"SENDS_IN_10_MINUTES": "10", "SENDS_A_DAY": "50", "PREFIX_SENDS_AN_HOUR": "1000"}
        more = {f"RECAPITO_OTP_{name}": value for name, value in limits.items()}
        self._some = some
        self._otp = Server(some, names[0], otp_port, {**codes.environment(some, otp_port), **more})
        self._auth = Server(some, names[1], port, {**introspect.environment(some, port, otp_port), **settings})

    def phase(self, name: str, first: int, count: int) -> dict[str, float]:
        """So many journeys of the customers from ``first`` on."""
        loads = Loads(self._some, self._auth.port, "portal", JOURNEYS, count, processes=1, first=first, customers=CUSTOMERS)
        before = self._cpu_seconds()
        told = loads.phase(name)
        told["cpu_ms"] = (self._cpu_seconds() - before) * 1000 / told["calls"]
        loads.stop()
        return told

    def stop(self) -> None:
        self._auth.stop()
        self._otp.stop()

    def _cpu_seconds(self) -> float:
        return self._auth.cpu_seconds() + self._otp.cpu_seconds()


def measure(rounds: int) -> list[Row]:
    """A row for registration, two for sign-in; the first round warms up."""
    found: dict[str, list[dict[str, float]]] = {}
    with parts() as some:
        settings = {"RECAPITO_SIGN_INS_PER_USERNAME": "100", "RECAPITO_SIGN_INS_PER_ADDRESS": "1000"}
        import_registry(some, {**introspect.environment(some, 0, 0), **settings}, CUSTOMERS * (rounds + 1))
        seeded = {SEEDED: str(CUSTOMERS * (rounds + 1)), "RECAPITO_DATABASE_URL": f"sqlite:///{some.folder / 'floor.db'}"}
        ours, floor = Pair(some, ("otp", "auth"), settings), Pair(some, ("otp-composed", "sign-in-composed"), seeded)
        try:
            for round_ in range(rounds + 1):
                first, sign_ins = round_ * CUSTOMERS, CUSTOMERS * TURNS
                told = {
                    "register": ours.phase("register", first, CUSTOMERS),
                    "hashes to register": ceiling(CUSTOMERS),
                    "sign_in": ours.phase("sign_in", first, sign_ins),
                    "hashes to sign in": ceiling(sign_ins),
                    "composed": floor.phase("sign_in", first, sign_ins),
                }
                for name, one in told.items() if round_ else ():
                    found.setdefault(name, []).append(one)
        finally:
            ours.stop()
            floor.stop()
    return [
        compare("registration", "hash alone", JOURNEYS, found["register"], found["hashes to register"]),
        compare("sign-in", "hash alone", JOURNEYS, found["sign_in"], found["hashes to sign in"]),
        compare("sign-in", "composed", JOURNEYS, found["sign_in"], found["composed"]),
        compare("composed", "hash alone", JOURNEYS, found["composed"], found["hashes to sign in"]),
    ]


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    write("sign_in", measure(arguments.parse_args().rounds))


if __name__ == "__main__":
    main()
