"""Where sealed bytes are kept, by keys that the pipeline makes up."""

import os
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

_KEY: Final = re.compile(r"[0-9a-f]{32}-[0-9]{1,4}")
_PART: Final = ".part"


def is_key(text: str) -> bool:
    """Whether the pipeline makes up such keys."""
    return _KEY.fullmatch(text) is not None


def demand_key(text: str) -> None:
    """Raises ValueError where it is none of the pipeline's keys."""
    if not is_key(text):
        raise ValueError("a blob's key is 32 hex digits, '-' and a number")


class BlobNotFound(LookupError):
    """Raised when there is no blob under a key."""


class BlobStore(Protocol):
    """Keeps bytes under a key: 32 hex digits, ``-``, a number. One that is away raises StoreUnavailable, or an OSError."""

    def put(self, key: str, data: bytes) -> None:
        """Keeps the bytes, wholly and durably when it returns, or not at all."""

    def get(self, key: str) -> bytes:
        """The bytes. Raises BlobNotFound."""

    def delete(self, key: str) -> None:
        """Forgets the bytes; nothing happens where there are none."""

    def sweep(self, before: datetime, keep: Callable[[str], bool]) -> int:
        """Forgets what was written before that instant and ``keep``, asked by key, doesn't want; gives how many blobs."""


class FolderBlobs:
    """Blobs as files of one folder, readable for their owner alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def put(self, key: str, data: bytes) -> None:
        """Writes beside, syncs, then renames: a reader sees all of it or nothing, also after a power cut."""
        target = self._path(key)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=_PART)  # created 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).rename(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._sync_folder()

    def get(self, key: str) -> bytes:
        """Reads the file. Raises BlobNotFound."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise BlobNotFound(key) from error

    def delete(self, key: str) -> None:
        """Removes the file, if there is one."""
        self._path(key).unlink(missing_ok=True)

    def sweep(self, before: datetime, keep: Callable[[str], bool]) -> int:
        """Removes files, and the pieces that a crash left between writing and renaming."""
        removed = 0
        for file in self._folder.iterdir():
            is_blob = is_key(file.name)
            wanted = keep(file.name) if is_blob else file.suffix != _PART
            try:
                if wanted or file.stat().st_mtime >= before.timestamp():
                    continue
            except FileNotFoundError:  # deleted meanwhile
                continue
            file.unlink(missing_ok=True)
            removed += is_blob
        return removed

    def _path(self, key: str) -> Path:
        demand_key(key)
        return self._folder / key

    def _sync_folder(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
