"""Makes a backup, and brings one back."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from recapito_servicekit import sql
from recapito_servicekit.backup import dumps, manifest, sealed
from recapito_servicekit.backup.estate import Estate, Failed
from recapito_servicekit.backup.manifest import Manifest

BLOBS: Final = "blobs"


def back_up(estate: Estate, folder: Path, now: datetime, passphrase: str | None) -> Manifest:
    """Writes a backup into a folder that is empty or isn't there. With a passphrase the keys go along, sealed. Raises Failed."""
    if folder.exists() and any(folder.iterdir()):
        raise Failed(f"{folder} isn't empty: every backup gets a folder of its own")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / BLOBS).mkdir(mode=0o700)
    try:
        with dumps.dumped(estate.database_url, folder) as snapshot:
            revision, rows = dumps.revision(snapshot), dumps.rows(snapshot)
            needed = estate.needed(snapshot)
            named = list(estate.named(snapshot))
    except (sa.exc.OperationalError, sqlite3.OperationalError) as error:
        raise Failed(f"the database can't be read: {error}") from error
    copied = _copy_blobs(estate, folder, named)
    if passphrase is not None:
        sealed.seal(folder / sealed.NAME, estate.secrets, passphrase)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    made = Manifest(
        service=estate.service,
        at=now,
        database=dumps.kind(estate.database_url),
        revision=revision,
        rows=rows,
        blobs=copied,
        keys={key: {"check": estate.held.get(key, ""), "rows": count} for key, count in needed.items()},
        files={path.relative_to(folder).as_posix(): manifest.figures_of(path) for path in files},
    )
    manifest.write(folder, made)
    return made


def restore(estate: Estate, folder: Path, *, force: bool) -> list[str]:
    """Brings a backup back; gives the keys that its rows need and the settings don't hold, in words. Raises Failed.

    Everything is checked before anything is written.
    """
    found = manifest.read(folder)
    if found.service != estate.service:
        raise Failed(f"this is a backup of {found.service}, not of {estate.service}")
    engine = dumps.kind(estate.database_url)
    if found.database != engine:
        raise Failed(f"this is a backup of {found.database}, and RECAPITO_DATABASE_URL names {engine}")
    manifest.demand_whole(folder, found)
    if not sql.knows(estate.package, found.revision):
        raise Failed(f"the backup's schema {found.revision} is newer than this release: restore it with the release that made it")
    if not force and not dumps.is_empty(estate.database_url):
        raise Failed("the database isn't empty: --force replaces all that is in it")
    if estate.blobs is not None:
        for file in sorted((folder / BLOBS).iterdir()):
            estate.blobs.put(file.name, file.read_bytes())
    dumps.load(estate.database_url, folder)
    with dumps.opened(estate.database_url) as connection:
        rows = dumps.rows(connection)
    if rows != found.rows:
        raise Failed(f"what was restored isn't what was backed up: rows {rows}, in the manifest {dict(found.rows)}")
    return list(_missing_keys(estate, found))


def _copy_blobs(estate: Estate, folder: Path, named: list[str]) -> int:
    if estate.blobs is None:
        return 0
    gone = []
    for key in named:
        try:
            manifest.write_private(folder / BLOBS / key, estate.blobs.get(key))
        except LookupError:
            gone.append(key)
    if (
        gone
    ):  # destroyed since the snapshot, as its row then says; otherwise it is lost, and nobody should learn that at a restore
        with dumps.opened(estate.database_url) as connection:
            lost = sorted(set(gone).intersection(estate.named(connection)))
        if lost:
            raise Failed(f"{len(lost)} blobs that rows name aren't there, {lost[0]} the first: the backup would not be whole")
    return len(named) - len(gone)


def _missing_keys(estate: Estate, found: Manifest) -> Iterable[str]:
    for key, needs in found.keys.items():
        if key not in estate.held:
            yield f"{needs['rows']} rows need the key {key}, which the settings don't hold"
        elif needs["check"] and needs["check"] != estate.held[key]:
            yield f"{needs['rows']} rows need the key {key}, and the settings hold another one under that name"
