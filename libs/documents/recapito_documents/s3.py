"""Blobs as objects of an S3-compatible store; needs ``recapito-documents[s3]``.

What lies there is sealed by the pipeline, so whoever runs the store reads nothing. An object is written in one request and is
there as a whole or not at all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from recapito_documents.blobs import BlobNotFound, demand_key, is_key
from recapito_documents.errors import StoreUnavailable

CONNECT_SECONDS: Final = 2
ANSWER_SECONDS: Final = 5
TRIES: Final = 2
CONNECTIONS: Final = 16
_MISSING: Final = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True, slots=True)
class Access:
    """How the store is reached. ``endpoint``: https://host:port; empty: Amazon's own of that region."""

    endpoint: str
    region: str
    key_id: str
    secret: str = field(repr=False)


class S3Blobs:
    """Objects of one bucket, their keys under a prefix. One is shared by all threads of a process."""

    def __init__(self, bucket: str, prefix: str, access: Access) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=access.endpoint or None,
            region_name=access.region,
            aws_access_key_id=access.key_id,
            aws_secret_access_key=access.secret,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
                retries={"total_max_attempts": TRIES, "mode": "standard"},
                max_pool_connections=CONNECTIONS,
                s3={"addressing_style": "path" if access.endpoint else "auto"},
                # a store that isn't Amazon's may not know the newer checksums
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def put(self, key: str, data: bytes) -> None:
        """Writes the object. Raises StoreUnavailable."""
        with _told(key):
            self._client.put_object(Bucket=self._bucket, Key=self._name(key), Body=data, ContentType="application/octet-stream")

    def get(self, key: str) -> bytes:
        """Reads the object. Raises BlobNotFound and StoreUnavailable."""
        with _told(key):
            data: bytes = self._client.get_object(Bucket=self._bucket, Key=self._name(key))["Body"].read()
        return data

    def delete(self, key: str) -> None:
        """Removes the object, if there is one. Raises StoreUnavailable."""
        with _told(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._name(key))

    def sweep(self, before: datetime, keep: Callable[[str], bool]) -> int:
        """Removes objects one by one; what else lies under the prefix stays. Raises StoreUnavailable."""
        removed = 0
        with _told(self._prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for found in (each for page in pages for each in page.get("Contents", ())):
                key = str(found["Key"]).removeprefix(self._prefix)
                if is_key(key) and found["LastModified"] < before and not keep(key):
                    self.delete(key)
                    removed += 1
        return removed

    def _name(self, key: str) -> str:
        demand_key(key)
        return f"{self._prefix}{key}"


@contextmanager
def _told(key: str) -> Iterator[None]:
    """What went wrong, in the words of a BlobStore. The store's own words may hold its address, but no secret."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise BlobNotFound(key) from None
        raise StoreUnavailable(f"the blob store refuses: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise StoreUnavailable(f"the blob store can't be asked: {type(error).__name__}") from error
