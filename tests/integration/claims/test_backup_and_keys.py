"""Backup, restore and document keys, by the commands, beside a running service; on SQLite or PostgreSQL as the run has it."""

import base64
import dataclasses
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from recapito_claims.__main__ import main
from recapito_claims.store.tables import attachments, metadata
from recapito_documents.blobs import FolderBlobs
from recapito_documents.errors import UnknownKey
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit.sql import Database
from tests.integration.claims.claimant import Claims, picture

OLD = "k1:" + base64.b64encode(bytes(32)).decode()
NEW = "k2:" + base64.b64encode(b"2" * 32).decode()


@pytest.fixture
def commands(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> Claims:
    """The service, and its settings in the environment of the commands."""
    for item in dataclasses.fields(claims.settings):
        monkeypatch.setenv(item.metadata["name"], str(getattr(claims.settings, item.name)))
    return claims


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


def pages(claims: Claims, keys: str) -> list[bytes]:
    """The first page of every attachment, opened with these keys."""
    database = Database(claims.settings.database_url, 1)
    with database.read() as connection:
        rows = connection.execute(sa.select(attachments).order_by(attachments.c.position)).all()
    database.close()
    pipeline = DocumentPipeline(FolderBlobs(claims.settings.blob_dir), KeyRing.parse(keys))
    names = ("media_type", "pages", "key_id", "wrapped_key")
    refs = [DocumentRef(document_id=row.attachment_id, **{name: getattr(row, name) for name in names}) for row in rows]
    return [pipeline.read_page(ref, 1)[1] for ref in refs]


def empty(claims: Claims) -> None:
    database = Database(claims.settings.database_url, 1)
    with database.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    database.close()
    for file in claims.settings.blob_dir.iterdir():
        file.unlink()


def test_what_was_backed_up_comes_back(commands: Claims, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    customer = commands.sign_in()
    claim = customer.complete()
    before, folder = pages(commands, OLD), tmp_path / "backup"
    assert command("backup", folder) == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["blobs"], manifest["keys"]["k1"]["rows"], manifest["rows"]["claims"]) == (1, 1, 1)
    assert command("backup", folder) == 1, "a backup is never overwritten"
    assert command("restore", folder) == 1, "the database isn't empty"
    empty(commands)
    assert command("restore", folder) == 0
    assert "migrate" in capsys.readouterr().out
    assert pages(commands, OLD) == before
    assert customer.get(claim) == claim
    customer.create()
    assert command("restore", folder, "--force") == 0
    assert customer.get(claim) == claim


@pytest.mark.parametrize("harm", ["changed", "missing", "foreign", "newer", "unfinished"])
def test_backup_that_is_not_whole_is_refused_before_anything_is_written(commands: Claims, tmp_path: Path, harm: str) -> None:
    customer = commands.sign_in()
    claim = customer.complete()
    folder = tmp_path / "backup"
    assert command("backup", folder) == 0
    (blob,) = (folder / "blobs").iterdir()
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    if harm == "changed":
        blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    elif harm == "missing":
        blob.unlink()
    elif harm == "unfinished":
        file.unlink()
    else:
        file.write_text(json.dumps({**manifest, "service" if harm == "foreign" else "revision": "9999"}))
    assert command("restore", folder, "--force") == 1
    assert customer.get(claim) == claim


def test_backup_without_a_blob_that_a_row_names_is_no_backup(
    commands: Claims, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.sign_in().complete()
    for file in commands.settings.blob_dir.iterdir():
        file.unlink()
    assert command("backup", tmp_path / "backup") == 1
    assert "would not be whole" in capsys.readouterr().err
    assert command("restore", tmp_path / "backup", "--force") == 1


def test_restore_tells_of_keys_that_are_not_held(
    commands: Claims, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.sign_in().complete()
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("corretto cavallo batteria")
    assert command("backup", tmp_path / "backup", "--with-keys", "--passphrase-file", passphrase) == 0
    for other, words in ((NEW, "don't hold"), ("k1:" + NEW[3:], "another one under that name")):
        monkeypatch.setenv("RECAPITO_DOCUMENT_KEYS", other)
        assert command("restore", tmp_path / "backup", "--force") == 0
        said = capsys.readouterr().out
        assert words in said
        assert "open-keys" in said
    passphrase.write_text("another passphrase")
    assert command("open-keys", tmp_path / "backup", tmp_path / "keys", "--passphrase-file", passphrase) == 1
    passphrase.write_text("corretto cavallo batteria")
    assert command("open-keys", tmp_path / "backup", tmp_path / "keys", "--passphrase-file", passphrase) == 0
    assert (tmp_path / "keys" / "RECAPITO_DOCUMENT_KEYS").read_text() == OLD


def test_documents_are_readable_in_every_step_of_a_new_key(
    commands: Claims, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = commands.sign_in()
    claim = customer.complete()
    before = pages(commands, OLD)
    monkeypatch.setenv("RECAPITO_DOCUMENT_KEYS", f"{NEW},{OLD}")
    assert command("rewrap-keys") == 0
    assert "its line may go" in capsys.readouterr().out
    assert pages(commands, f"{OLD}\n{NEW}") == pages(commands, NEW) == before
    customer.attach(claim, picture(9))  # by the process that still runs with the old key
    with pytest.raises(UnknownKey):
        pages(commands, NEW)
    assert command("rewrap-keys") == 0  # so the command is run again once all processes have the new key
    assert pages(commands, NEW)[0] == before[0]
    monkeypatch.setenv("RECAPITO_DOCUMENT_KEYS", OLD)
    assert command("rewrap-keys") == 1
    assert "can't be unwrapped" in capsys.readouterr().out
