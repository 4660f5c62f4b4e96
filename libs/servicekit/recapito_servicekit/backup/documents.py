"""What services with documents share: which blobs and keys their rows name, and the command that wraps the keys anew."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from recapito_servicekit import cli
from recapito_servicekit.backup.estate import check_value
from recapito_servicekit.rewrap import Place, in_use, rewrap, told
from recapito_servicekit.sql import Database


class Ring(Protocol):
    """Key-encryption keys, as ``recapito_documents.keys`` has them."""

    keys: dict[str, bytes]
    current: str

    def rewrap(self, document_id: str, key_id: str, wrapped: bytes) -> tuple[str, bytes]:
        """The document's key wrapped by the current key instead."""


@dataclass(frozen=True, slots=True)
class Documents:
    """A table of documents. ``place.key_id`` is empty where a document was destroyed: nothing of it is backed up."""

    place: Place
    media_type: sa.Column[str]
    pages: sa.Column[int]
    blob_keys: Callable[[str, str, int], list[str]]

    def named(self, connection: sa.Connection) -> Iterable[str]:
        """The blobs of every document that can be read."""
        query = sa.select(self.place.id, self.media_type, self.pages).where(self.place.key_id != "").order_by(self.place.id)
        return [key for row in connection.execute(query) for key in self.blob_keys(row[0], row[1], row[2])]

    def needed(self, connection: sa.Connection) -> Mapping[str, int]:
        """How many documents need which key."""
        return in_use(connection, self.place)


def held(ring: Ring) -> dict[str, str]:
    """The ring's keys by id, as check values."""
    return {key_id: check_value(key) for key_id, key in ring.keys.items()}


def add_rewrap(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    open_all: Callable[[], tuple[str, Documents, Ring]],
    cannot: tuple[type[Exception], ...],
) -> None:
    """Adds ``rewrap-keys``. ``open_all`` gives the database's URL, the table and the ring."""

    def run(_: argparse.Namespace) -> int:
        url, documents, ring = open_all()
        database = Database(url, 1)
        try:
            outcome = rewrap(database, documents.place, ring.current, ring.rewrap, cannot)
        finally:
            database.close()
        sys.stdout.write("\n".join(told(outcome, ring.current, ring.keys)) + "\n")
        return 1 if outcome.stuck else 0

    cli.add(commands, "rewrap-keys", "wraps every document's key under the current one (RECAPITO_DOCUMENT_KEYS, first line)", run)
