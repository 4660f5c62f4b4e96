"""``recapito-auth``: reads settings, wires, serves. Nothing else wires."""

import argparse
import asyncio
import functools
import secrets
import sys
from pathlib import Path

import grpc
import segno
from recapito.auth.v1 import (
    authentication_pb2_grpc,
    operator_pb2_grpc,
    privacy_pb2_grpc,
    recovery_pb2_grpc,
    registration_pb2_grpc,
    registry_pb2_grpc,
    session_pb2_grpc,
)
from recapito.otp.v1 import otp_pb2_grpc

import recapito_auth
from recapito_auth import doctor, operations
from recapito_auth.flows.assert_epochs import keep_asserting
from recapito_auth.flows.create_operator import ROLES, CannotEnrol, Enrolment, create_operator
from recapito_auth.flows.parts import Parts
from recapito_auth.flows.tell import keep_telling
from recapito_auth.flows.verify_audit import verify_audit
from recapito_auth.registry_import import command as import_command
from recapito_auth.senders.codes import Codes
from recapito_auth.servicers.account import AccountServicer
from recapito_auth.servicers.authentication import AuthenticationServicer
from recapito_auth.servicers.operators import OperatorServicer
from recapito_auth.servicers.privacy import AccountPrivacyServicer
from recapito_auth.servicers.recovery import RecoveryServicer
from recapito_auth.servicers.registration import RegistrationServicer
from recapito_auth.servicers.registry import CustomerRegistryServicer
from recapito_auth.servicers.sessions import SessionServicer, own_introspection
from recapito_auth.settings import AuthSettings, EnrolmentSettings
from recapito_auth.store.audit import Head
from recapito_auth.store.hashes import Hasher
from recapito_auth.store.limits import Limits
from recapito_auth.store.redisio import UNAVAILABLE, connect
from recapito_auth.store.sessions import Introspection, Sessions
from recapito_auth.store.tables import OUTBOX
from recapito_auth.store.underway import UnderWay
from recapito_servicekit import backlog, calling, cli, logs, management, serving, settings, sql, work
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.outbox import Outbox
from recapito_servicekit.redis_pipe import RedisPipe
from recapito_servicekit.settings import SqlSettings
from recapito_servicekit.tls import Identity

SERVICE = "auth"
SERVICES = (
    "recapito.auth.v1.RegistrationService",
    "recapito.auth.v1.AuthenticationService",
    "recapito.auth.v1.RecoveryService",
    "recapito.auth.v1.SessionService",
    "recapito.auth.v1.AccountService",
    "recapito.auth.v1.CustomerRegistryService",
    "recapito.auth.v1.OperatorService",
    "recapito.auth.v1.AccountPrivacyService",
)


async def wire(read: AuthSettings, clock: Clock = system_clock) -> serving.Wiring:
    """Puts the service together on the running loop."""
    database = sql.Database(read.database_url, read.threads)
    redis = connect(read.redis_url, read.threads)
    pipe = RedisPipe(read.redis_url, UNAVAILABLE)
    otp = calling.channel(read.otp_address, Identity.read(read))
    codes = Codes(otp_pb2_grpc.OtpServiceStub(otp))
    parts = Parts(
        settings=read,
        database=database,
        sessions=Sessions(redis),
        underway=UnderWay(redis),
        limits=Limits(redis, exempt_loopback=read.limit_exempt_loopback),
        codes=codes,
        hasher=Hasher(read.argon2_memory_kib, read.argon2_passes),
        clock=clock,
    )
    introspection = Introspection(pipe)

    def add(server: grpc.aio.Server) -> None:
        registration_pb2_grpc.add_RegistrationServiceServicer_to_server(RegistrationServicer(parts), server)
        authentication_pb2_grpc.add_AuthenticationServiceServicer_to_server(AuthenticationServicer(parts), server)
        recovery_pb2_grpc.add_RecoveryServiceServicer_to_server(RecoveryServicer(parts), server)
        session_pb2_grpc.add_SessionServiceServicer_to_server(SessionServicer(introspection, clock), server)
        session_pb2_grpc.add_AccountServiceServicer_to_server(AccountServicer(parts), server)
        registry_pb2_grpc.add_CustomerRegistryServiceServicer_to_server(CustomerRegistryServicer(parts), server)
        operator_pb2_grpc.add_OperatorServiceServicer_to_server(OperatorServicer(parts), server)
        privacy_pb2_grpc.add_AccountPrivacyServiceServicer_to_server(AccountPrivacyServicer(parts), server)

    async def ready() -> bool:
        await introspection.ping()
        return await asyncio.to_thread(database.ping)

    async def close() -> None:
        await asyncio.to_thread(codes.close)
        otp.close()
        await pipe.close()
        redis.close()
        database.close()

    return serving.Wiring(
        add=add,
        services=SERVICES,
        introspect=own_introspection(introspection, clock),
        ready=ready,
        close=close,
        clock=clock,
    )


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    top, commands = cli.parser(SERVICE, "Customers, accounts, passwords, sign-in, sessions, operators.")
    cli.add(commands, "serve", "serves gRPC", _serve)
    cli.add(commands, "migrate", "brings the database to the newest schema", _migrate)
    cli.add_work(commands, ("epochs", "notices"), _work)
    import_command.add(commands)
    verify = cli.add(commands, "verify-audit", "says whether the audit's chain is whole (exit 0) or where it breaks (1)", _verify)
    verify.add_argument("--anchor", type=_head, metavar="SEQ:HASH", help="a head printed earlier: was the end cut off?")
    create = cli.add(commands, "create-operator", "enrols an operator and prints the TOTP enrolment once", _create_operator)
    create.add_argument("name", metavar="NAME", help="the user name")
    create.add_argument("--role", required=True, choices=ROLES)
    create.add_argument("--customer-id", default="", metavar="ID", help="who the operator is as a customer")
    create.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="the operator's password; without it one is made, which they must change at the first sign-in",
    )
    operations.add(commands)
    cli.add_doctor(commands, doctor.checks)
    cli.main(top, argv)


def _serve(_: argparse.Namespace) -> None:
    read = settings.load(AuthSettings, SERVICE)
    logs.configure(read, SERVICE)
    serving.run(read, functools.partial(wire, read))


def _migrate(_: argparse.Namespace) -> None:
    read = settings.load(SqlSettings, SERVICE)
    print(f"auth: the schema is at {sql.migrate(read.database_url, Path(recapito_auth.__file__).parent)}")


def _work(arguments: argparse.Namespace) -> None:
    read = settings.load(AuthSettings, SERVICE)
    logs.configure(read, SERVICE)
    database = sql.Database(read.database_url, 2)
    redis = connect(read.redis_url, 2)
    sessions = Sessions(redis)
    otp = calling.channel(read.otp_address, Identity.read(read))
    codes = Codes(otp_pb2_grpc.OtpServiceStub(otp))
    management.measure(backlog.gauges(database, Outbox(OUTBOX), system_clock))
    work.run(
        {
            "epochs": lambda stop: keep_asserting(database, sessions, system_clock, stop),
            "notices": lambda stop: keep_telling(database, codes, system_clock, read.delivery_tries, stop),
        },
        tuple(arguments.only),
        read.work_metrics_bind,
    )
    codes.close()
    otp.close()
    redis.close()
    database.close()


def _verify(arguments: argparse.Namespace) -> int:
    database = sql.Database(settings.load(SqlSettings, SERVICE).database_url, 1)
    try:
        found = verify_audit(database, arguments.anchor)
    finally:
        database.close()
    if found.broken_at is not None:
        print(f"the audit is broken at record {found.broken_at}: {found.why}; {found.records} records before it are whole")
        return 1
    print(f"the audit is whole: {found.records} records; anchor {found.head.seq}:{found.head.hash}")
    return 0


def _head(text: str) -> Head:
    seq, _, hash = text.partition(":")
    return Head(int(seq), hash)


def _create_operator(arguments: argparse.Namespace) -> int:
    read = settings.load(EnrolmentSettings, SERVICE)
    try:
        given = arguments.password_file.read_text(encoding="utf-8").rstrip("\r\n") if arguments.password_file else None
    except (OSError, UnicodeDecodeError) as error:
        print(f"the password file can't be read: {error}", file=sys.stderr)
        return 1
    password = given if given is not None else secrets.token_urlsafe(12)
    database = sql.Database(read.database_url, 1)
    try:
        enrolment = Enrolment(arguments.name, arguments.role, arguments.customer_id, password, password_made=given is None)
        enrolled = create_operator(read, database, system_clock, enrolment)
    except CannotEnrol as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        database.close()
    print(f"Operator {arguments.name} ({arguments.role}). Add this to an authenticator app; it is shown only now:")
    segno.make(enrolled.uri).terminal(out=sys.stdout, compact=True)
    print(enrolled.uri)
    if given is None:
        print(f"First password: {password}")
    print("Recovery codes; each stands in for the app's code once:")
    for code in enrolled.recovery_codes:
        print(f"  {code}")
    return 0


if __name__ == "__main__":
    main()
