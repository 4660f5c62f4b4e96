"""What ops do with the service's state: back it up, bring it back, rotate its keys."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recapito_claims.flows.privacy import erase_customer, export_customer
from recapito_claims.settings import ClaimsSettings
from recapito_claims.store.tables import attachments
from recapito_documents import stores
from recapito_documents.errors import DocumentDamaged, UnknownKey
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline, blob_keys
from recapito_servicekit import export, privacy
from recapito_servicekit.backup import commands as backup
from recapito_servicekit.backup import documents
from recapito_servicekit.backup.estate import Estate
from recapito_servicekit.clock import system_clock
from recapito_servicekit.privacy import Erased
from recapito_servicekit.rewrap import Place
from recapito_servicekit.settings import load
from recapito_servicekit.sql import Database

SERVICE: Final = "claims"
A: Final = attachments.c
KEPT: Final = documents.Documents(Place(attachments, A.attachment_id, A.key_id, A.wrapped_key), A.media_type, A.pages, blob_keys)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    backup.add(commands, _estate)
    export.add_command(commands, _files)
    privacy.add_erase(commands, _erase)
    documents.add_rewrap(commands, _open, (UnknownKey, DocumentDamaged))


def _settings() -> ClaimsSettings:
    return load(ClaimsSettings, SERVICE)


def _open() -> tuple[str, documents.Documents, KeyRing]:
    settings = _settings()
    return settings.database_url, KEPT, KeyRing.parse(settings.document_keys)


def _estate() -> Estate:
    settings = _settings()
    return Estate(
        service=SERVICE,
        package=Path(__file__).parent,
        database_url=settings.database_url,
        named=KEPT.named,
        needed=KEPT.needed,
        held=documents.held(KeyRing.parse(settings.document_keys)),
        secrets={"RECAPITO_DOCUMENT_KEYS": settings.document_keys},
        blobs=stores.blob_store(settings),
        afterwards=("start the service",),
    )


def _pipeline(settings: ClaimsSettings) -> DocumentPipeline:
    return stores.pipeline(settings)


def _files(customer_id: str) -> Iterator[tuple[str, bytes]]:
    settings = _settings()
    database = Database(settings.database_url, 1)
    try:
        yield from export_customer(database, _pipeline(settings), customer_id)
    finally:
        database.close()


def _erase(arguments: argparse.Namespace) -> Erased:
    settings = _settings()
    database = Database(settings.database_url, 1)
    try:
        pipeline = _pipeline(settings)
        return erase_customer(database, pipeline, system_clock, arguments.customer_id, dry_run=arguments.dry_run)
    finally:
        database.close()
