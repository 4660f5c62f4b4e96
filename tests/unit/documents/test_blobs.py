"""Where sealed bytes are kept: a folder and an S3-compatible store do the same."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

from recapito_documents import s3, stores
from recapito_documents.blobs import BlobNotFound, BlobStore, FolderBlobs
from recapito_documents.errors import CleaningUnavailable, StoreUnavailable
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline
from tests.support.ports import free_port

KEYS = [f"{n:032x}-{n}" for n in range(8)]
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Settings:
    """As a service has them."""

    blob_dir: Path = Path()
    blob_bucket: str = ""
    s3_endpoint: str = ""
    s3_region: str = "eu-south-1"
    s3_key_id: str = ""
    s3_secret: str = ""
    document_keys: str = "test:" + "A" * 43 + "="
    clamd_address: str = ""


KEYED: Final = Settings(s3_key_id="id", s3_secret="secret")


@pytest.fixture(scope="module")
def s3_server() -> Iterator[Settings]:
    """A server of the S3 protocol with a bucket ``documents``: moto's, or ``RECAPITO_TEST_S3`` as http://ID:SECRET@HOST:PORT."""
    if told := os.environ.get("RECAPITO_TEST_S3"):
        url = urlsplit(told)
        endpoint = f"{url.scheme}://{url.hostname}:{url.port}"
        yield Settings(s3_endpoint=endpoint, s3_key_id=unquote(url.username or ""), s3_secret=unquote(url.password or ""))
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = replace(KEYED, s3_endpoint=f"http://{host}:{port}")
    client_of(settings).create_bucket(Bucket="documents", CreateBucketConfiguration={"LocationConstraint": "eu-south-1"})
    yield settings
    server.stop()


def client_of(settings: Settings) -> Any:
    """What another owner of things in the bucket would use."""
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_key_id,
        aws_secret_access_key=settings.s3_secret,
    )


@pytest.fixture(params=["folder", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "folder":
        return Settings(blob_dir=tmp_path / "blobs")
    server: Settings = request.getfixturevalue("s3_server")
    return replace(server, blob_bucket=prefix_of(tmp_path))


def prefix_of(tmp_path: Path) -> str:
    return f"s3://documents/{tmp_path.parent.name}-{tmp_path.name}"


@pytest.fixture
def blobs(settings: Settings) -> BlobStore:
    return stores.blob_store(settings)


def test_what_was_put_is_read_until_it_is_deleted(blobs: BlobStore) -> None:
    blobs.put(KEYS[0], b"first")
    blobs.put(KEYS[0], b"\x00second\xff")
    blobs.put(KEYS[1], b"")
    assert (blobs.get(KEYS[0]), blobs.get(KEYS[1])) == (b"\x00second\xff", b"")
    blobs.delete(KEYS[0])
    blobs.delete(KEYS[0])
    with pytest.raises(BlobNotFound, match=KEYS[0]):
        blobs.get(KEYS[0])
    assert blobs.get(KEYS[1]) == b""


def test_sweep_takes_what_is_old_and_unwanted(blobs: BlobStore) -> None:
    for key in KEYS:
        blobs.put(key, b"x")
    now = datetime.now(UTC)
    assert blobs.sweep(now - HOUR, lambda _: False) == 0
    assert blobs.sweep(now + HOUR, lambda key: key in KEYS[:5]) == 3
    assert [blobs.get(key) for key in KEYS[:5]] == [b"x"] * 5
    with pytest.raises(BlobNotFound):
        blobs.get(KEYS[5])


@pytest.mark.parametrize("key", ["../etc/passwd", "a" * 32, "A" * 32 + "-1", "a" * 32 + "-1\n", ""])
def test_no_key_but_the_pipelines_own_is_taken(blobs: BlobStore, key: str) -> None:
    for act in (lambda: blobs.put(key, b"x"), lambda: blobs.get(key), lambda: blobs.delete(key)):
        with pytest.raises(ValueError, match="a blob's key"):
            act()


def test_document_is_kept_sealed_and_read_back(settings: Settings, jpeg: bytes) -> None:
    pipeline = stores.pipeline(settings)
    document = pipeline.store("a.jpg", [jpeg])
    assert pipeline.read_page(document, 1)[0] == "image/jpeg"
    assert jpeg[:100] not in stores.blob_store(settings).get(f"{document.document_id}-1")
    stores.try_out(settings)
    pipeline.destroy(document)
    with pytest.raises(BlobNotFound):
        pipeline.read_page(document, 1)


def test_sweep_of_a_bucket_leaves_what_others_keep_there(s3_server: Settings, tmp_path: Path) -> None:
    ours = replace(s3_server, blob_bucket=f"{prefix_of(tmp_path)}/ours")
    theirs = replace(ours, blob_bucket=f"{prefix_of(tmp_path)}/ours-too")
    for each in (ours, theirs):
        stores.blob_store(each).put(KEYS[0], b"x")
    client, readme = client_of(s3_server), f"{prefix_of(tmp_path).removeprefix('s3://documents/')}/ours/readme.txt"
    client.put_object(Bucket="documents", Key=readme, Body=b"x")
    assert stores.blob_store(ours).sweep(datetime.now(UTC) + HOUR, lambda _: False) == 1
    assert stores.blob_store(theirs).get(KEYS[0]) == b"x"
    assert client.head_object(Bucket="documents", Key=readme)


def test_bucket_that_is_not_there_is_an_outage(s3_server: Settings, keys: KeyRing, jpeg: bytes) -> None:
    store = stores.blob_store(replace(s3_server, blob_bucket="s3://nobodys"))
    with pytest.raises(StoreUnavailable, match="refuses: NoSuchBucket"):
        DocumentPipeline(store, keys).store("a.jpg", [jpeg])


def test_doctor_tells_of_a_key_that_may_not_list(s3_server: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon and Ceph then answer AccessDenied where nothing is. Moto knows no such key: it is put on."""
    settings = replace(s3_server, blob_bucket=prefix_of(tmp_path))
    stores.try_out(settings)
    read = s3.S3Blobs.get

    def guarded(store: s3.S3Blobs, key: str) -> bytes:
        try:
            return read(store, key)
        except BlobNotFound:
            raise StoreUnavailable("the blob store refuses: AccessDenied") from None

    monkeypatch.setattr(s3.S3Blobs, "get", guarded)
    with pytest.raises(StoreUnavailable, match=r"AccessDenied \(the key needs s3:ListBucket"):
        stores.try_out(settings)


def test_store_that_is_away_or_silent_holds_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (free_port(), silent.getsockname()[1]):
            store = stores.blob_store(replace(KEYED, blob_bucket="s3://documents", s3_endpoint=f"http://127.0.0.1:{port}"))
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match="can't be asked"):
                store.get(KEYS[0])
            assert time.monotonic() - began < 30


def test_threads_share_a_store(blobs: BlobStore) -> None:
    def there_and_back(key: str) -> None:
        blobs.put(key, key.encode())
        seen.append(blobs.get(key) == key.encode())

    seen: list[bool] = []
    threads = [threading.Thread(target=there_and_back, args=(key,)) for key in KEYS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * len(KEYS)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, "RECAPITO_BLOB_DIR: missing"),
        ({"blob_dir": Path("x"), "s3_endpoint": "https://store.example"}, "RECAPITO_BLOB_BUCKET: missing"),
        ({"blob_bucket": "https://bucket"}, "RECAPITO_BLOB_BUCKET: s3://bucket"),
        ({"blob_bucket": "s3://bucket", "s3_endpoint": "http://store.example"}, "RECAPITO_S3_ENDPOINT: https"),
        ({"blob_bucket": "s3://bucket", "s3_secret": ""}, "RECAPITO_S3_KEY_ID, RECAPITO_S3_SECRET"),
        ({"blob_dir": Path("x"), "clamd_address": "nonsense"}, "RECAPITO_CLAMD_ADDRESS"),
        ({"blob_dir": Path("x"), "document_keys": "nonsense"}, "key"),
    ],
)
def test_settings_that_make_no_store_are_told_at_start(change: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        stores.check(replace(Settings(), **change))  # type: ignore[arg-type]


def test_missing_extra_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    none: Callable[[str], None] = lambda _: None  # noqa: E731
    monkeypatch.setattr(stores, "find_spec", none)
    with pytest.raises(ValueError, match=r"install recapito-documents\[s3\]"):
        stores.check(replace(KEYED, blob_bucket="s3://bucket"))


def test_documents_are_scanned_where_a_scanner_is_set(tmp_path: Path, jpeg: bytes) -> None:
    pipeline = stores.pipeline(Settings(blob_dir=tmp_path / "blobs", clamd_address=f"127.0.0.1:{free_port()}"))
    with pytest.raises(CleaningUnavailable, match="virus scanner"):
        pipeline.store("a.jpg", [jpeg])


def test_folder_is_its_owners_alone(tmp_path: Path) -> None:
    FolderBlobs(tmp_path / "blobs").put(KEYS[0], b"x")
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "blobs" / KEYS[0]).stat().st_mode & 0o777 == 0o600
