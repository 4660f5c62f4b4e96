"""``recapito-claims``: serve, work, migrate."""

import argparse
import asyncio
from datetime import timedelta
from pathlib import Path

import grpc
from recapito.claims.v1 import claims_pb2_grpc, intake_pb2_grpc, privacy_pb2_grpc

from recapito_claims import doctor, operations
from recapito_claims.flows.clean_up import CleanUp
from recapito_claims.flows.send_notices import SendNotices
from recapito_claims.senders.mails import Mails
from recapito_claims.senders.receipt import Receipts
from recapito_claims.servicers.customer import ClaimsServicer, Daily
from recapito_claims.servicers.intake import IntakeServicer
from recapito_claims.servicers.privacy import PrivacyServicer
from recapito_claims.settings import ClaimsSettings
from recapito_claims.store.tables import OUTBOX
from recapito_claims.upstream import Proofs, Registry
from recapito_documents import stores
from recapito_servicekit import backlog, calling, cli, logs, management, persons, serving, sql, work
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.mail import Mailer
from recapito_servicekit.settings import load
from recapito_servicekit.tls import Identity

SERVICE = "claims"
ROLES = ("notices", "clean-up")
SERVICES = (
    "recapito.claims.v1.ClaimsService",
    "recapito.claims.v1.ClaimsIntakeService",
    "recapito.claims.v1.ClaimsPrivacyService",
)


async def wire(settings: ClaimsSettings, clock: Clock = system_clock) -> serving.Wiring:
    """Puts the service together; on the running loop, to which its channels belong."""
    identity = Identity.read(settings)
    database = sql.Database(settings.database_url, settings.threads)
    auth = calling.channel(settings.auth_address, identity)
    otp = calling.channel(settings.otp_address, identity)
    sessions = calling.aio_channel(settings.auth_address, identity)
    pipeline = stores.pipeline(settings)
    receipts = Receipts(settings.company, settings.help_contact)
    daily = Daily(settings.drafts_a_day, settings.attachments_a_day)
    servicer = ClaimsServicer(database, pipeline, Registry(auth), Proofs(otp), clock, receipts, daily)

    intake = IntakeServicer(database, pipeline, clock, timedelta(days=settings.question_days))

    privacy = PrivacyServicer(database, pipeline, clock)

    def add(server: grpc.aio.Server) -> None:
        claims_pb2_grpc.add_ClaimsServiceServicer_to_server(servicer, server)
        privacy_pb2_grpc.add_ClaimsPrivacyServiceServicer_to_server(privacy, server)
        intake_pb2_grpc.add_ClaimsIntakeServiceServicer_to_server(intake, server)

    async def ready() -> bool:
        return await asyncio.to_thread(database.ping)

    async def close() -> None:
        await sessions.close()
        auth.close()
        otp.close()
        database.close()

    return serving.Wiring(
        add=add,
        services=SERVICES,
        introspect=persons.introspection(sessions),
        ready=ready,
        close=close,
        clock=clock,
    )


def roles(settings: ClaimsSettings, clock: Clock = system_clock) -> dict[str, work.Role]:
    """The background jobs by name."""
    database = sql.Database(settings.database_url, len(ROLES))
    registry = Registry(calling.channel(settings.auth_address, Identity.read(settings)))
    mails = Mails(Mailer(settings), settings.company, settings.help_contact, settings.portal_url)
    pipeline = stores.pipeline(settings)
    return {
        "notices": SendNotices(database, registry, mails, clock, settings.delivery_tries).run,
        "clean-up": CleanUp(database, pipeline, clock).run,
    }


def _work(arguments: argparse.Namespace) -> None:
    found = load(ClaimsSettings, SERVICE)
    logs.configure(found, SERVICE)
    management.measure(backlog.gauges(sql.Database(found.database_url, 1), OUTBOX, system_clock))
    work.run(roles(found), tuple(arguments.only), found.work_metrics_bind)


def _serve(_: argparse.Namespace) -> None:
    found = load(ClaimsSettings, SERVICE)
    logs.configure(found, SERVICE)
    serving.run(found, lambda: wire(found))


def _migrate(_: argparse.Namespace) -> None:
    found = load(ClaimsSettings, SERVICE)
    logs.configure(found, SERVICE)
    print(f"claims: the database is at {sql.migrate(found.database_url, Path(__file__).parent)}")


def main(argv: list[str] | None = None) -> None:
    """Runs a command."""
    top, commands = cli.parser(SERVICE, "Health claims: drafts, expenses, attachments, submission.")
    cli.add(commands, "serve", "serves gRPC", _serve)
    cli.add(commands, "migrate", "brings the database to the newest schema", _migrate)
    cli.add_work(commands, ROLES, _work)
    operations.add(commands)
    cli.add_doctor(commands, doctor.checks)
    cli.main(top, argv)


if __name__ == "__main__":
    main()
