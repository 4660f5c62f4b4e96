"""A pipeline as a service's settings tell it: its blobs in a folder or an S3-compatible bucket, its keys, its virus scanner."""

import re
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

from recapito_documents.blobs import BlobNotFound, BlobStore, FolderBlobs
from recapito_documents.errors import StoreUnavailable
from recapito_documents.keys import KeyRing
from recapito_documents.limits import Limits
from recapito_documents.pipeline import DocumentPipeline
from recapito_documents.scanning import scanner

_BUCKET: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/[A-Za-z0-9/_.-]*)?")
_ENDPOINT: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")


class Told(Protocol):
    """The settings of a service that keeps documents (``recapito_servicekit.settings.DocumentSettings``)."""

    @property
    def blob_dir(self) -> Path: ...
    @property
    def blob_bucket(self) -> str: ...
    @property
    def s3_endpoint(self) -> str: ...
    @property
    def s3_region(self) -> str: ...
    @property
    def s3_key_id(self) -> str: ...
    @property
    def s3_secret(self) -> str: ...
    @property
    def document_keys(self) -> str: ...
    @property
    def clamd_address(self) -> str: ...


def check(told: Told) -> None:
    """Raises ValueError where no pipeline can be made of the settings; nobody is asked."""
    KeyRing.parse(told.document_keys)
    try:
        scanner(told.clamd_address)
    except ValueError as error:
        raise ValueError(f"RECAPITO_CLAMD_ADDRESS: {error}") from None
    if not told.blob_bucket:
        if told.s3_endpoint or told.s3_key_id or told.s3_secret:
            raise ValueError("RECAPITO_BLOB_BUCKET: missing (RECAPITO_S3_… are of a bucket; documents would go to a folder)")
        if told.blob_dir == Path():
            raise ValueError("RECAPITO_BLOB_DIR: missing (a folder for the documents, or a bucket in RECAPITO_BLOB_BUCKET)")
        return
    if not _BUCKET.fullmatch(told.blob_bucket):
        raise ValueError("RECAPITO_BLOB_BUCKET: s3://bucket or s3://bucket/prefix")
    if told.s3_endpoint and not _ENDPOINT.fullmatch(told.s3_endpoint):
        raise ValueError("RECAPITO_S3_ENDPOINT: https://host or https://host:port; http is for localhost alone")
    if not told.s3_key_id or not told.s3_secret:
        raise ValueError("RECAPITO_S3_KEY_ID, RECAPITO_S3_SECRET: RECAPITO_BLOB_BUCKET needs both")
    if find_spec("boto3") is None:
        raise ValueError("RECAPITO_BLOB_BUCKET: install recapito-documents[s3] for it")


def blob_store(told: Told) -> BlobStore:
    """The store of settings that ``check`` found good; nobody is asked yet."""
    if not told.blob_bucket:
        return FolderBlobs(told.blob_dir)
    from recapito_documents.s3 import Access, S3Blobs  # noqa: PLC0415  # an extra, which a folder does without

    bucket, _, prefix = told.blob_bucket.removeprefix("s3://").partition("/")
    return S3Blobs(bucket, prefix, Access(told.s3_endpoint, told.s3_region, told.s3_key_id, told.s3_secret))


def try_out(told: Told) -> None:
    """Writes, reads and deletes a blob, and looks for it again. Raises StoreUnavailable, or an OSError."""
    store, key, data = blob_store(told), f"{uuid.uuid4().hex}-0", b"recapito doctor"
    store.put(key, data)
    try:
        if store.get(key) != data:
            raise StoreUnavailable("what was written isn't what is read")
    finally:
        store.delete(key)
    try:
        store.get(key)
    except BlobNotFound:
        return
    except StoreUnavailable as error:  # an S3 store tells what isn't there from what is forbidden only to who may list
        raise StoreUnavailable(f"what isn't there: {error} (the key needs s3:ListBucket as well)") from error
    raise StoreUnavailable("what was deleted is still read")


def pipeline(told: Told, limits: Limits = Limits()) -> DocumentPipeline:  # noqa: B008 - frozen
    """The pipeline of such settings."""
    return DocumentPipeline(blob_store(told), KeyRing.parse(told.document_keys), limits, scanner(told.clamd_address))
