"""Receiving, refusing, keeping and reading back."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recapito_documents.blobs import BlobNotFound, FolderBlobs
from recapito_documents.errors import DocumentDamaged, DocumentRefused, StoreUnavailable, UnknownKey
from recapito_documents.keys import KeyRing
from recapito_documents.limits import Limits
from recapito_documents.pipeline import DocumentPipeline


def test_stored_document_tells_what_was_received(pipeline: DocumentPipeline, jpeg: bytes) -> None:
    document = pipeline.store("front.jpg", [jpeg[:100], b"", jpeg[100:]])
    assert re.fullmatch(r"[0-9a-f]{32}", document.document_id)
    assert (document.name, document.media_type, document.pages, document.key_id) == ("front.jpg", "image/jpeg", 1, "k1")
    assert (document.size, document.sha256) == (len(jpeg), hashlib.sha256(jpeg).hexdigest())
    assert "wrapped_key" not in repr(document)


def test_type_is_told_by_content_not_by_name(pipeline: DocumentPipeline, pdf_of: Callable[..., bytes]) -> None:
    assert pipeline.store("picture.png", [pdf_of(1)]).media_type == "application/pdf"


def test_picture_is_its_own_only_page(pipeline: DocumentPipeline, jpeg: bytes) -> None:
    document = pipeline.store("a.jpg", [jpeg])
    assert pipeline.read_page(document, 1) == pipeline.read_file(document)
    with pytest.raises(LookupError):
        pipeline.read_page(document, 2)
    with pytest.raises(LookupError):
        pipeline.read_page(document, 0)


def test_pdf_is_read_as_page_pictures_and_as_file(pipeline: DocumentPipeline, pdf_of: Callable[..., bytes]) -> None:
    document = pipeline.store("a.pdf", [pdf_of(3)])
    assert document.pages == 3
    for page in (1, 2, 3):
        media_type, data = pipeline.read_page(document, page)
        assert (media_type, Image.open(io.BytesIO(data)).format) == ("image/jpeg", "JPEG")
    media_type, data = pipeline.read_file(document)
    assert (media_type, data[:5]) == ("application/pdf", b"%PDF-")


def test_upload_beyond_the_limit_is_refused_while_it_streams(folder: Path, keys: KeyRing) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"\xff\xd8\xff" + bytes(997)

    with pytest.raises(DocumentRefused, match=r"^DOCUMENT_TOO_LARGE: .*0\.00953674 MiB"):
        DocumentPipeline(FolderBlobs(folder), keys, Limits(max_bytes=10_000)).store("a.jpg", endless())
    assert taken == 11


def test_upload_of_exactly_the_limit_is_taken(folder: Path, keys: KeyRing, jpeg: bytes) -> None:
    DocumentPipeline(FolderBlobs(folder), keys, Limits(max_bytes=len(jpeg))).store("a.jpg", [jpeg])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "DOCUMENT_EMPTY"),
        (b"GIF89a" + bytes(100), "DOCUMENT_TYPE_NOT_ALLOWED"),
        (b"<html><script>alert(1)</script>", "DOCUMENT_TYPE_NOT_ALLOWED"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "DOCUMENT_HEIC_NOT_ALLOWED"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "DOCUMENT_UNREADABLE"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "DOCUMENT_UNREADABLE"),
        (b"%PDF-1.7\n" + bytes(500), "DOCUMENT_UNREADABLE"),
    ],
)
def test_what_is_no_document_is_refused_with_its_reason_and_leaves_nothing(
    pipeline: DocumentPipeline, folder: Path, data: bytes, reason: str
) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        pipeline.store("a.jpg", [data])
    assert refusal.value.reason == reason
    assert list(folder.iterdir()) == []


def test_blob_folder_holds_no_plain_byte_and_is_the_owners_alone(
    pipeline: DocumentPipeline, folder: Path, jpeg: bytes, pdf_of: Callable[..., bytes]
) -> None:
    picture = pipeline.store("Rossi Mario.jpg", [jpeg])
    paper = pipeline.store("Rossi Mario.pdf", [pdf_of(2)])
    plain = [pipeline.read_page(picture, 1)[1], pipeline.read_file(paper)[1], pipeline.read_page(paper, 2)[1]]
    names = sorted(file.name for file in folder.iterdir())
    assert names == sorted([f"{picture.document_id}-1", *(f"{paper.document_id}-{place}" for place in range(3))])
    for file in folder.iterdir():
        kept = file.read_bytes()
        assert file.stat().st_mode & 0o777 == 0o600
        for data in plain:
            assert not any(data[at : at + 16] in kept for at in range(0, len(data) - 16, 16))


@pytest.mark.parametrize("at", [0, 12, -1])
def test_changed_blob_is_detected(pipeline: DocumentPipeline, folder: Path, jpeg: bytes, at: int) -> None:
    document = pipeline.store("a.jpg", [jpeg])
    file = folder / f"{document.document_id}-1"
    kept = bytearray(file.read_bytes())
    kept[at] ^= 1
    file.write_bytes(kept)
    with pytest.raises(DocumentDamaged):
        pipeline.read_page(document, 1)


def test_cut_and_missing_blobs_are_detected(pipeline: DocumentPipeline, folder: Path, jpeg: bytes) -> None:
    document = pipeline.store("a.jpg", [jpeg])
    file = folder / f"{document.document_id}-1"
    file.write_bytes(b"short")
    with pytest.raises(DocumentDamaged):
        pipeline.read_page(document, 1)
    file.unlink()
    with pytest.raises(BlobNotFound):
        pipeline.read_page(document, 1)


def test_exchanged_pages_are_detected(pipeline: DocumentPipeline, folder: Path, pdf_of: Callable[..., bytes]) -> None:
    document = pipeline.store("a.pdf", [pdf_of(2)])
    (folder / f"{document.document_id}-2").replace(folder / f"{document.document_id}-1")
    with pytest.raises(DocumentDamaged):
        pipeline.read_page(document, 1)


def test_one_documents_key_opens_no_other(pipeline: DocumentPipeline, jpeg: bytes) -> None:
    first, second = pipeline.store("a.jpg", [jpeg]), pipeline.store("b.jpg", [jpeg])
    stolen = replace(second, wrapped_key=first.wrapped_key)
    with pytest.raises(DocumentDamaged):
        pipeline.read_page(stolen, 1)


def test_rotated_keys_read_old_documents_and_wrap_new_ones(
    pipeline: DocumentPipeline, folder: Path, key_lines: Callable[..., str], jpeg: bytes
) -> None:
    old = pipeline.store("a.jpg", [jpeg])
    rotated = DocumentPipeline(FolderBlobs(folder), KeyRing.parse(key_lines("k2", "k1")))
    new = rotated.store("b.jpg", [jpeg])
    assert (old.key_id, new.key_id) == ("k1", "k2")
    assert rotated.read_page(old, 1) == pipeline.read_page(old, 1)
    with pytest.raises(UnknownKey, match="needs key k2; the ring holds k1"):
        pipeline.read_page(new, 1)


def test_destroyed_document_leaves_nothing(pipeline: DocumentPipeline, folder: Path, pdf_of: Callable[..., bytes]) -> None:
    document = pipeline.store("a.pdf", [pdf_of(2)])
    pipeline.destroy(document)
    pipeline.destroy(document)
    assert list(folder.iterdir()) == []


def test_store_that_fails_half_way_leaves_nothing(folder: Path, keys: KeyRing, pdf_of: Callable[..., bytes]) -> None:
    class FullDisk(FolderBlobs):
        def put(self, key: str, data: bytes) -> None:
            if key.endswith("-2"):
                raise OSError(28, "No space left on device")
            super().put(key, data)

    with pytest.raises(OSError, match="No space left"):
        DocumentPipeline(FullDisk(folder), keys).store("a.pdf", [pdf_of(3)])
    assert list(folder.iterdir()) == []


def test_store_that_is_away_is_not_asked_again(folder: Path, keys: KeyRing, pdf_of: Callable[..., bytes]) -> None:
    class Away(FolderBlobs):
        def put(self, key: str, data: bytes) -> None:
            asked.append("put")
            raise StoreUnavailable("the blob store can't be asked: ReadTimeoutError")

        def delete(self, key: str) -> None:
            asked.append("delete")

    asked: list[str] = []
    with pytest.raises(StoreUnavailable):
        DocumentPipeline(Away(folder), keys).store("a.pdf", [pdf_of(3)])
    assert asked == ["put"]


def test_parallel_stores_do_not_mix(pipeline: DocumentPipeline, encoded: Callable[..., bytes]) -> None:
    colours = ["red", "lime", "blue", "white", "black", "yellow"]

    def there_and_back(colour: str) -> Any:
        document = pipeline.store(f"{colour}.png", [encoded(Image.new("RGB", (30, 20), colour), "PNG")])
        return Image.open(io.BytesIO(pipeline.read_page(document, 1)[1])).getpixel((5, 5))

    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(there_and_back, colours))
    assert seen == [Image.new("RGB", (1, 1), colour).getpixel((0, 0)) for colour in colours]


@pytest.mark.parametrize("key", ["../etc/passwd", "a" * 32, "A" * 32 + "-1", "a" * 32 + "-1\n", ""])
def test_folder_takes_no_key_but_the_pipelines_own(folder: Path, key: str) -> None:
    blobs = FolderBlobs(folder)
    for act in (lambda: blobs.put(key, b"x"), lambda: blobs.get(key), lambda: blobs.delete(key)):
        with pytest.raises(ValueError, match="a blob's key"):
            act()
