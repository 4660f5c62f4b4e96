"""``recapito-claims``: serve, migrate."""

import argparse
import asyncio
from pathlib import Path

import grpc
from recapito.claims.v1 import claims_pb2, claims_pb2_grpc

from recapito_claims import doctor, operations
from recapito_claims.servicer import ClaimsServicer
from recapito_claims.settings import ClaimsSettings
from recapito_claims.upstream import Proofs, Registry
from recapito_documents.blobs import FolderBlobs
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit import calling, cli, logs, persons, serving, sql
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.settings import load
from recapito_servicekit.tls import Identity

SERVICE = "claims"


async def wire(settings: ClaimsSettings, clock: Clock = system_clock) -> serving.Wiring:
    """Puts the service together; on the running loop, to which its channels belong."""
    identity = Identity.read(settings)
    database = sql.Database(settings.database_url, settings.threads)
    auth = calling.channel(settings.auth_address, identity)
    otp = calling.channel(settings.otp_address, identity)
    sessions = calling.aio_channel(settings.auth_address, identity)
    pipeline = DocumentPipeline(FolderBlobs(settings.blob_dir), KeyRing.parse(settings.document_keys))
    servicer = ClaimsServicer(database, pipeline, Registry(auth), Proofs(otp), clock)

    def add(server: grpc.aio.Server) -> None:
        claims_pb2_grpc.add_ClaimsServiceServicer_to_server(servicer, server)

    async def ready() -> bool:
        return await asyncio.to_thread(database.ping)

    async def close() -> None:
        await sessions.close()
        auth.close()
        otp.close()
        database.close()

    return serving.Wiring(
        add=add,
        services=[claims_pb2.DESCRIPTOR.services_by_name["ClaimsService"].full_name],
        introspect=persons.introspection(sessions),
        ready=ready,
        close=close,
        clock=clock,
    )


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
    operations.add(commands)
    cli.add_doctor(commands, doctor.checks)
    cli.main(top, argv)


if __name__ == "__main__":
    main()
