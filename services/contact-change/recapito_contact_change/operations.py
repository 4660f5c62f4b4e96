"""What ops do with the service's state: back it up, bring it back, rotate its keys."""

import argparse
from pathlib import Path
from typing import Final

from recapito_contact_change import exporting
from recapito_contact_change.settings import ContactChangeSettings
from recapito_contact_change.store.tables import DOCUMENTS
from recapito_documents.blobs import FolderBlobs
from recapito_documents.errors import DocumentDamaged, UnknownKey
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import blob_keys
from recapito_servicekit import export
from recapito_servicekit.backup import commands as backup
from recapito_servicekit.backup import documents
from recapito_servicekit.backup.estate import Estate
from recapito_servicekit.rewrap import Place
from recapito_servicekit.settings import load

SERVICE: Final = "contact-change"
D: Final = DOCUMENTS.c
KEPT: Final = documents.Documents(Place(DOCUMENTS, D.document_id, D.key_id, D.wrapped_key), D.media_type, D.pages, blob_keys)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    backup.add(commands, _estate)
    export.add_command(commands, exporting.files)
    documents.add_rewrap(commands, _open, (UnknownKey, DocumentDamaged))


def _settings() -> ContactChangeSettings:
    return load(ContactChangeSettings, SERVICE)


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
        blobs=FolderBlobs(settings.blob_dir),
        afterwards=("start the service: events that were open are published again, and each takes effect once",),
    )
