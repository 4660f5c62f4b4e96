"""The manifest: what a backup holds, written last, so that a backup without one was never finished."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields
from marshmallow import validate as checks

from recapito_servicekit.backup.estate import Failed

NAME: Final = "manifest.json"
FORMAT: Final = "recapito backup 1"
CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """``database``: the engine, ``rows`` by table. ``keys``: id to ``{check, rows}``. ``files``: name to ``{size, sha256}``."""

    service: str
    at: datetime
    database: str
    revision: str
    rows: Mapping[str, int]
    blobs: int
    keys: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Mapping[str, Any]]


class _File(Schema):
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True, validate=checks.Length(64, 64))


class _Key(Schema):
    check = fields.String(required=True)
    rows = fields.Integer(required=True)


class _ManifestSchema(Schema):
    format = fields.String(required=True, validate=checks.Equal(FORMAT))
    service = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    database = fields.String(required=True)
    revision = fields.String(required=True)
    rows = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    blobs = fields.Integer(required=True)
    keys = fields.Dict(keys=fields.String(), values=fields.Nested(_Key), required=True)
    files = fields.Dict(keys=fields.String(), values=fields.Nested(_File), required=True)


def write(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest, durably."""
    text = json.dumps({"format": FORMAT, **asdict(manifest), "at": manifest.at.isoformat()}, indent=1)
    write_private(folder / NAME, text.encode() + b"\n")


def read(folder: Path) -> Manifest:
    """Reads the manifest. Raises Failed."""
    try:
        found: dict[str, Any] = _ManifestSchema().loads((folder / NAME).read_bytes())
    except FileNotFoundError:
        raise Failed(f"{folder} holds no {NAME}: it is no backup, or one that was never finished") from None
    except (OSError, ValidationError, ValueError) as error:
        raise Failed(f"{folder / NAME} can't be read: {error}") from None
    del found["format"]
    return Manifest(**found)


def figures_of(file: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def demand_whole(folder: Path, manifest: Manifest) -> None:
    """Compares every file with the manifest. Raises Failed, naming the first that differs."""
    for name, expected in manifest.files.items():
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
            raise Failed(f"{name} is missing from the backup")
        if figures_of(file) != dict(expected):
            raise Failed(f"{name} isn't what was backed up: its SHA-256 differs from the manifest's")


def write_private(file: Path, data: bytes) -> None:
    """A new file for this user alone, on the disk when it returns. Raises OSError: it exists."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
