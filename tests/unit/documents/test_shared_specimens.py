"""The project's specimens and hostile files, where ``shared/`` lies beside the checkout."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recapito_documents.errors import DocumentRefused
from recapito_documents.pipeline import DocumentPipeline

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no shared/data beside the checkout")

# In two pieces, so that no virus scanner takes this file for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
# What the refusal must say, and the words in which ours says it.
SAID = {
    "the accepted types: JPEG, PNG, PDF": ("JPEG", "PNG", "PDF"),
    "the limit in megapixels": ("40 megapixels",),
    "the limit in pages": ("10 pages",),
    "the limit in MiB": ("8 MiB",),
    "that the file is damaged": ("damaged",),
    "that the file is empty": ("empty",),
    "to send it without a password": ("send it without a password",),
    "that HEIC is not accepted and how to send a JPEG instead": ("HEIC pictures are not accepted", "as JPEG"),
}


def _read(path: str) -> Any:
    file = DATA / path
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def _specimens() -> dict[str, dict[str, Any]]:
    found = _read("documents/documents.json")
    return {file["file"]: file for submission in found and found["submissions"] for file in submission["files"]}


def _kept(pipeline: DocumentPipeline, document: Any, unpacked: Callable[[bytes], bytes]) -> bytes:
    """All that is kept of a document, in plain; a PDF unpacked."""
    parts = [pipeline.read_page(document, page)[1] for page in range(1, document.pages + 1)]
    if document.media_type == "application/pdf":
        parts.append(unpacked(pipeline.read_file(document)[1]))
    return b"\n".join(parts)


@pytest.mark.parametrize("entry", _read("hostile/hostile.json"), ids=lambda entry: ascii(entry["upload_name"])[:60])
def test_hostile_file_is_refused_or_cleaned_as_it_says(
    pipeline: DocumentPipeline, folder: Path, unpacked: Callable[[bytes], bytes], entry: dict[str, Any]
) -> None:
    data = (DATA / "hostile" / entry["file"]).read_bytes() if entry["file"] else EICAR
    assert len(data) == entry["bytes"]
    chunks = [data[at : at + 65536] for at in range(0, len(data), 65536)]
    if entry["expected"] == "refuse":
        with pytest.raises(DocumentRefused) as refusal:
            pipeline.store(entry["upload_name"], chunks)
        for said in entry["message_should_say"].split("; "):
            for words in SAID[said]:
                assert words in refusal.value.message
        assert list(folder.iterdir()) == []
        return
    document = pipeline.store(entry["upload_name"], chunks)
    kept = _kept(pipeline, document, unpacked)
    for gone in entry.get("absent_after_cleaning", []):
        assert gone.encode() not in kept
    assert document.name.isprintable()
    assert len(document.name) <= 100
    assert not set(document.name) & set("/\\")
    assert all(file.name.startswith(document.document_id) for file in folder.iterdir())


@pytest.mark.parametrize("specimen", _specimens().values(), ids=lambda specimen: specimen["file"])
def test_specimen_is_taken_upright_and_without_its_metadata(
    pipeline: DocumentPipeline, unpacked: Callable[[bytes], bytes], specimen: dict[str, Any]
) -> None:
    document = pipeline.store(specimen["file"], [(DATA / "documents" / specimen["file"]).read_bytes()])
    assert (document.media_type, document.size, document.sha256, document.pages) == (
        specimen["media_type"],
        specimen["bytes"],
        specimen["sha256"],
        specimen.get("pages", 1),
    )
    picture = Image.open(io.BytesIO(pipeline.read_page(document, 1)[1]))
    assert dict(picture.getexif()) == {}
    if "pixels" in specimen:
        removed = specimen.get("metadata_to_remove", {})
        width, height = specimen["pixels"]
        assert picture.size == ((height, width) if removed.get("orientation") == 6 else (width, height))
        kept = _kept(pipeline, document, unpacked)
        for gone in (
            b"Exif",
            b"GPS",
            *(str(removed[name]).encode() for name in ("camera", "taken", "comment") if name in removed),
        ):
            assert gone not in kept
