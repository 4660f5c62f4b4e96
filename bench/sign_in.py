"""Registration and sign-in with a code against the Argon2id ceiling: the password's hash alone. A B A B, medians.

``python -m bench.sign_in``. Real auth and otp as processes, SQLite and Redis; no front end: one client process on ``grpc.aio``,
eight journeys under way at once. The ceiling: as many hashes at once as there are cores (``bench.hashes``), with nobody to drive
it: what the driver takes of the two cores is in our figures alone. CPU: auth and otp together, without Redis and the driver.
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


def measure(rounds: int) -> list[Row]:
    """A row for registration, one for sign-in; the first round warms up."""
    phases = {"register": 1, "sign_in": TURNS}
    ours: dict[str, list[dict[str, float]]] = {phase: [] for phase in phases}
    least: dict[str, list[dict[str, float]]] = {phase: [] for phase in phases}
    with parts() as some:
        otp_port, auth_port = free_port(), free_port()
        limits = {"SENDS_IN_10_MINUTES": "10", "SENDS_A_DAY": "50", "PREFIX_SENDS_AN_HOUR": "1000"}
        more = {f"RECAPITO_OTP_{name}": value for name, value in limits.items()}
        environment = {
            **introspect.environment(some, auth_port, otp_port),
            "RECAPITO_SIGN_INS_PER_USERNAME": "100",
            "RECAPITO_SIGN_INS_PER_ADDRESS": "1000",
        }
        import_registry(some, environment, CUSTOMERS * (rounds + 1))
        otp = Server(some, "otp", otp_port, {**codes.environment(some, otp_port), **more})
        auth = Server(some, "auth", auth_port, environment)
        try:
            for round_ in range(rounds + 1):
                first = round_ * CUSTOMERS
                for phase, turns in phases.items():
                    count = CUSTOMERS * turns
                    loads = Loads(some, auth_port, "portal", JOURNEYS, count, processes=1, first=first, customers=CUSTOMERS)
                    before = auth.cpu_seconds() + otp.cpu_seconds()
                    told = loads.phase(phase)
                    told["cpu_ms"] = (auth.cpu_seconds() + otp.cpu_seconds() - before) * 1000 / told["calls"]
                    loads.stop()
                    hashes = ceiling(count)
                    if round_:
                        ours[phase].append(told)
                        least[phase].append(hashes)
        finally:
            auth.stop()
            otp.stop()
    names = {"register": "registration", "sign_in": "sign-in"}
    return [compare(names[phase], "hash alone", JOURNEYS, ours[phase], least[phase]) for phase in phases]


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    write("sign_in", measure(arguments.parse_args().rounds))


if __name__ == "__main__":
    main()
