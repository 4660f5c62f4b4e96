"""A pipeline over a throwaway folder, and small documents made on the spot."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from recapito_documents.blobs import FolderBlobs
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline


def key_line(key_id: str, fill: int) -> str:
    """A line of a key file."""
    return f"{key_id}:{base64.b64encode(bytes([fill]) * 32).decode()}"


@pytest.fixture
def key_lines() -> Callable[..., str]:
    """Makes the text of a key file of ids; a key is told by its id, so the same id is the same key."""
    return lambda *ids: "\n".join(key_line(key_id, sum(key_id.encode()) % 256) for key_id in ids) + "\n"


@pytest.fixture
def keys(key_lines: Callable[..., str]) -> KeyRing:
    return KeyRing.parse(key_lines("k1"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def pipeline(folder: Path, keys: KeyRing) -> DocumentPipeline:
    return DocumentPipeline(FolderBlobs(folder), keys)


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """Writes a picture in a format, with Pillow's options."""

    def encode(image: Image.Image, image_format: str, **options: Any) -> bytes:
        out = io.BytesIO()
        image.save(out, image_format, **options)
        return out.getvalue()

    return encode


@pytest.fixture
def jpeg(encoded: Callable[..., bytes]) -> bytes:
    return encoded(Image.new("RGB", (60, 40), "navy"), "JPEG")


@pytest.fixture
def pdf_of() -> Callable[..., bytes]:
    """Makes a PDF of blank pages; ``change`` may add to it, further options go to pikepdf's save."""

    def make(pages: int, change: Callable[[pikepdf.Pdf], None] = lambda pdf: None, **options: Any) -> bytes:
        pdf = pikepdf.new()
        for _ in range(pages):
            pdf.add_blank_page(page_size=(200, 100))
        change(pdf)
        out = io.BytesIO()
        pdf.save(out, **options)
        return out.getvalue()

    return make


@pytest.fixture
def unpacked() -> Callable[[bytes], bytes]:
    """All objects of a PDF, spelled out, with the content of its streams unpacked: where a hidden text would be found."""

    def unpack(data: bytes) -> bytes:
        found = [data]
        with pikepdf.open(io.BytesIO(data)) as pdf:
            found.append(pdf.trailer.unparse(resolved=True))
            for thing in pdf.objects:
                found.append(thing.unparse(resolved=True))
                if isinstance(thing, pikepdf.Stream):
                    try:
                        found.append(thing.read_bytes())
                    except pikepdf.PdfError:  # a picture in its own encoding
                        found.append(thing.read_raw_bytes())
        return b"\n".join(found)

    return unpack
