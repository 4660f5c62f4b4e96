"""Sign-in with a code, password to session, against the Argon2id ceiling: the password's hash alone. A B A B, medians.

``python -m bench.sign_in``. Real auth and otp as processes, SQLite and Redis; no front end: a client with eight threads. The
ceiling is as many hashes at once as there are cores, in this process.
"""

import argparse
import csv
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any, Final

import grpc
from argon2 import PasswordHasher
from codicefiscale import codicefiscale
from recapito.auth.v1 import authentication_pb2, authentication_pb2_grpc, registration_pb2, registration_pb2_grpc
from recapito.common.v1 import client_pb2
from recapito.otp.v1 import otp_pb2

from bench import codes, introspect
from bench.parts import Parts, Server, parts
from bench.report import CODE, Row, compare, write
from recapito_auth.registry_import.parse import COLUMNS
from tests.support.ports import free_port
from tests.support.serving import channel_as, run_command

CUSTOMERS: Final = 32
TURNS: Final = 3  # journeys a customer and round; ten codes in ten minutes is the most that otp can be set to
ROUNDS: Final = 3
CLIENTS: Final = 8
PASSWORD: Final = "tre cavalli blu al galoppo"


def mobile(number: int) -> str:
    """The mobile of a customer, who is registered with it."""
    return f"+39320{2_000_000 + number}"


def family_name(number: int) -> str:
    """A family name that nobody else has."""
    return "Rossi" + "".join("abcdefghij"[int(digit)] for digit in f"{number:03d}")


def import_registry(some: Parts, environment: dict[str, str]) -> None:
    """Puts the customers into a new database. Raises RuntimeError."""
    file = some.folder / "customers.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for number in range(CUSTOMERS):
            born = (date(1950, 1, 1) + timedelta(days=number)).strftime("%d/%m/%Y")
            code = codicefiscale.encode(family_name(number), "Maria", "F", born, "Roma")
            email = f"n{number}@example.com"
            row = ("PERSON", "Maria", family_name(number), code, email, mobile(number), "it", f"P-{number}")
            writer.writerow((f"C{number}", *row))
    for command in (["migrate"], ["import-customers", str(file)]):
        if (done := run_command("auth", command, environment)).returncode:
            raise RuntimeError(done.stdout + done.stderr)


def register(channel: grpc.Channel, number: int) -> None:
    """Registers a customer."""
    stub = registration_pb2_grpc.RegistrationServiceStub(channel)
    named: dict[str, Any] = {"given_name": "Maria", "family_name": family_name(number), "contact": mobile(number)}
    asked = registration_pb2.StartRegistrationRequest(person_type=registration_pb2.PERSON_TYPE_PERSON, **named)
    made = stub.StartRegistration(asked, timeout=10).registration_id
    stub.VerifyContact(registration_pb2.VerifyContactRequest(registration_id=made, code=CODE), timeout=10)
    stub.CompleteRegistration(registration_pb2.CompleteRegistrationRequest(registration_id=made, password=PASSWORD), timeout=10)


def sign_in(channel: grpc.Channel, number: int) -> None:
    """Password, code, session. Raises RuntimeError where it doesn't end with one."""
    stub = authentication_pb2_grpc.AuthenticationServiceStub(channel)
    device = client_pb2.Client(ip=f"10.0.0.{number}")
    asked = authentication_pb2.SignInRequest(username=mobile(number), password=PASSWORD, max_age=0, client=device)
    started = stub.SignIn(asked, timeout=10).code_required
    done = stub.CompleteSignIn(authentication_pb2.CompleteSignInRequest(sign_in_id=started.sign_in_id, code=CODE), timeout=10)
    if done.outcome != otp_pb2.OUTCOME_APPROVED or not done.session.token:
        raise RuntimeError(f"a sign-in ended with {done}")


def timed(threads: int, count: int, act: Callable[[int], object], cpu_seconds: Callable[[], float]) -> dict[str, float]:
    """What a row is made of."""
    slowest = 0.0

    def one(number: int) -> None:
        nonlocal slowest
        started = time.perf_counter()
        act(number)
        slowest = max(slowest, time.perf_counter() - started)

    before, started = cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))
    seconds = time.perf_counter() - started
    return {
        "calls": count,
        "seconds": seconds,
        "cpu_ms": (cpu_seconds() - before) * 1000 / count,
        "slowest_ms": slowest * 1000,
    }


def measure() -> list[Row]:
    """The one row."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    ours, ceiling = [], []
    with parts() as some:
        otp_port, auth_port = free_port(), free_port()
        limits = {"SENDS_IN_10_MINUTES": "10", "SENDS_A_DAY": "50", "PREFIX_SENDS_AN_HOUR": "1000"}
        more = {f"RECAPITO_OTP_{name}": value for name, value in limits.items()}
        environment = {
            **introspect.environment(some, auth_port, otp_port),
            "RECAPITO_SIGN_INS_PER_USERNAME": "100",
            "RECAPITO_SIGN_INS_PER_ADDRESS": "1000",
        }
        import_registry(some, environment)
        otp = Server(some, "otp", otp_port, {**codes.environment(some, otp_port), **more})
        auth = Server(some, "auth", auth_port, environment)
        try:
            channel = channel_as(some.pki, "portal", auth_port)
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(lambda number: register(channel, number), range(CUSTOMERS)))
            for _ in range(ROUNDS):
                both = lambda: auth.cpu_seconds() + otp.cpu_seconds()  # noqa: E731
                ours.append(timed(CLIENTS, CUSTOMERS * TURNS, lambda n: sign_in(channel, n % CUSTOMERS), both))
                cores = os.cpu_count() or 1
                ceiling.append(timed(cores, CUSTOMERS * TURNS, lambda _: hasher.hash(PASSWORD), time.process_time))
            channel.close()
        finally:
            auth.stop()
            otp.stop()
    return [compare("sign-in", CLIENTS, ours, ceiling)]


def main() -> None:
    """The command."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    write("sign_in", measure())


if __name__ == "__main__":
    main()
