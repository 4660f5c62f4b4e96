"""What ops do with the service's state: back it up, bring it back, end all sessions, rotate the key of operators' secrets."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from recapito.otp.v1 import otp_pb2_grpc

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.flows.erase_customer import EraseCustomer
from recapito_auth.flows.export_customer import export_customer
from recapito_auth.senders.codes import Codes
from recapito_auth.settings import AuthSettings, EnrolmentSettings, StateSettings
from recapito_auth.store import audit, operators, sealing
from recapito_auth.store.redisio import connect
from recapito_auth.store.sessions import Sessions
from recapito_servicekit import calling, cli, export, privacy
from recapito_servicekit.backup import commands as backup
from recapito_servicekit.backup.estate import Estate, check_value, no_blobs
from recapito_servicekit.clock import system_clock
from recapito_servicekit.privacy import Erased
from recapito_servicekit.settings import SqlSettings, load
from recapito_servicekit.sql import Database
from recapito_servicekit.tls import Identity

SERVICE: Final = "auth"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    backup.add(commands, _estate)
    export.add_command(commands, _files)
    erase = privacy.add_erase(commands, _erase)
    erase.add_argument("--registry-entry", action="store_true", help="the registry entry as well: the company holds them no more")
    cli.add(commands, "end-all-sessions", "ends every session and all that is under way: after a restore, or an incident", _end)
    cli.add(
        commands, "rewrap-keys", "seals every operator's TOTP secret with the current key (RECAPITO_TOTP_KEY, first)", _rewrap
    )


def _estate() -> Estate:
    settings = load(EnrolmentSettings, SERVICE)
    keys = {check_value(key): key for key in settings.totp_keys}

    def needed(connection: sa.Connection) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for operator_id, sealed in operators.all_sealed(connection):
            key = sealing.key_of(settings.totp_keys, operator_id, sealed)
            name = check_value(key) if key is not None else "unknown"
            found[name] = found.get(name, 0) + 1
        return found

    return Estate(
        service=SERVICE,
        package=Path(__file__).parent,
        database_url=settings.database_url,
        named=no_blobs,
        needed=needed,
        held={name: name for name in keys},
        secrets={"RECAPITO_TOTP_KEY": settings.totp_key},
        afterwards=(
            "recapito-auth end-all-sessions: what Redis holds belongs to a time that the database no longer knows",
            "start the service",
        ),
    )


def _files(customer_id: str) -> Iterator[tuple[str, bytes]]:
    database = Database(load(SqlSettings, SERVICE).database_url, 1)
    try:
        yield from export_customer(database, system_clock, customer_id)
    finally:
        database.close()


def _erase(arguments: argparse.Namespace) -> Erased:
    settings = load(AuthSettings, SERVICE)
    database, redis = Database(settings.database_url, 1), connect(settings.redis_url, 1)
    otp = calling.channel(settings.otp_address, Identity.read(settings))
    codes = Codes(otp_pb2_grpc.OtpServiceStub(otp))
    try:
        erase = EraseCustomer(database, Sessions(redis), codes, system_clock)
        return erase.run(arguments.customer_id, registry_entry=arguments.registry_entry, dry_run=arguments.dry_run)
    finally:
        codes.close()
        otp.close()
        redis.close()
        database.close()


def _end(_: argparse.Namespace) -> None:
    settings = load(StateSettings, SERVICE)
    redis, database = connect(settings.redis_url, 1), Database(settings.database_url, 1)
    try:
        ended = Sessions(redis).end_all()
        with database.transaction() as connection:
            audit.append(connection, system_clock(), Entry(Event.EVERYTHING_ENDED, details={"count": ended}))
    finally:
        redis.close()
        database.close()
    sys.stdout.write(f"{ended} sessions and flows under way were ended\n")


def _rewrap(_: argparse.Namespace) -> int:
    """Each by a guarded UPDATE: an operator who is enrolled anew meanwhile keeps the new secret."""
    settings = load(EnrolmentSettings, SERVICE)
    current = settings.totp_keys[0]
    database = Database(settings.database_url, 1)
    done = stuck = 0
    try:
        with database.read() as connection:
            found = operators.all_sealed(connection)
        for operator_id, sealed in found:
            key = sealing.key_of(settings.totp_keys, operator_id, sealed)
            if key is None:
                sys.stdout.write(
                    f"! the secret of operator {operator_id} can't be opened: its key isn't held, or it is damaged\n"
                )
                stuck += 1
            elif key != current:
                fresh = sealing.seal(current, operator_id, sealing.open_sealed((key,), operator_id, sealed))
                with database.transaction() as connection:
                    done += operators.replace_sealed(connection, operator_id, sealed, fresh)
        if done:
            with database.transaction() as connection:
                entry = Entry(Event.OPERATOR_SECRETS_SEALED_ANEW, details={"count": done})
                audit.append(connection, system_clock(), entry)
    finally:
        database.close()
    sys.stdout.write(f"{done} secrets sealed anew\n")
    if not stuck and len(settings.totp_keys) > 1:
        sys.stdout.write("no operator needs the older keys any more: they may go\n")
    return 1 if stuck else 0
