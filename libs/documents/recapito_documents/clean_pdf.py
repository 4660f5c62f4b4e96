"""Cleans a PDF: a new one with nothing but what the pages show, and each page as a picture. Runs in the worker alone."""

import io
import math
from typing import Any, Final

import pikepdf
import pypdfium2

from recapito_documents.clean_image import encode
from recapito_documents.clean_jpeg import strip_jpeg
from recapito_documents.errors import Reason, refused
from recapito_documents.limits import Limits

# All that a page needs to be drawn (ISO 32000-1, table 30). Actions, annotations, thumbnails, metadata are not among it.
_PAGE_KEYS: Final = frozenset(
    {"/Type", "/Parent", "/MediaBox", "/CropBox", "/Rotate", "/UserUnit", "/Resources", "/Contents", "/Group"}
)
# What else hangs on resources and carries no ink: metadata, private data, attached files, links to other files.
_INKLESS: Final = frozenset({"/Metadata", "/PieceInfo", "/AF", "/OPI", "/EF", "/JS", "/AA", "/OpenAction", "/URI", "/Ref"})
_DPI: Final = 200
_MAX_PAGE_PIXELS: Final = 8_000_000  # an A3 at 200 dpi
_MAX_SIDE: Final = 8_000


def clean_pdf(data: bytes, limits: Limits) -> tuple[bytes, list[bytes]]:
    """The cleaned file, and its pages as JPEGs, rendered from it. Raises DocumentRefused, or what the libraries raise."""
    cleaned = _strip(data, limits)
    return cleaned, _render(cleaned)


def _strip(data: bytes, limits: Limits) -> bytes:
    try:
        source = pikepdf.open(io.BytesIO(data))
    except pikepdf.PasswordError as error:
        raise refused(Reason.ENCRYPTED, limits) from error
    if source.is_encrypted:
        raise refused(Reason.ENCRYPTED, limits)
    # A slightly wrong file is mended, as every viewer does; one that needs mending and has no end was cut off.
    if source.get_warnings() and b"%%EOF" not in data[-1024:]:
        raise refused(Reason.UNREADABLE, limits)
    if len(source.pages) > limits.max_pages:
        raise refused(Reason.TOO_MANY_PAGES, limits)
    if not source.pages:
        raise refused(Reason.UNREADABLE, limits)
    source.flatten_annotations("screen")  # a filled form or a stamp becomes part of its page
    with pikepdf.new() as fresh:
        for page in source.pages:
            for key in set(page.obj.keys()) - _PAGE_KEYS:
                del page.obj[key]
            fresh.pages.append(page)
        for thing in fresh.objects:
            _without_inkless(thing)
            if isinstance(thing, pikepdf.Stream):
                _clean_stream(fresh, thing)
        out = io.BytesIO()
        fresh.save(out)  # writes what the pages reach and no more
        return out.getvalue()


def _without_inkless(thing: Any) -> None:
    """Removes the inkless keys from an object and the direct objects in it."""
    if isinstance(thing, pikepdf.Array):
        values = list(thing)
    elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        for key in _INKLESS & set(thing.keys()):
            del thing[key]
        values = [thing[key] for key in thing.keys()]  # noqa: SIM118 - a pikepdf object iterates otherwise
    else:
        return
    for value in values:
        if isinstance(value, pikepdf.Object) and not value.is_indirect:
            _without_inkless(value)


def _clean_stream(pdf: pikepdf.Pdf, stream: pikepdf.Stream) -> None:
    if "/F" in stream:  # its content stands in another file
        del stream["/F"]
    filters = _listed(stream.get("/Filter"))
    if not filters or filters[-1] != pikepdf.Name.DCTDecode:
        return
    parameters = _listed(stream.get("/DecodeParms"))
    raw = stream.read_raw_bytes()
    if filters[:-1]:  # a JPEG wrapped in other filters, such as ASCII85
        wrapped = pikepdf.Stream(pdf, raw)
        wrapped.Filter = pikepdf.Array(filters[:-1])
        if parameters[:-1]:
            wrapped.DecodeParms = pikepdf.Array(parameters[:-1])
        raw = wrapped.read_bytes()
    last = parameters[-1] if len(parameters) == len(filters) else None
    stream.write(strip_jpeg(raw), filter=pikepdf.Name.DCTDecode, decode_parms=last)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, pikepdf.Array) else [value]


def _render(cleaned: bytes) -> list[bytes]:
    pages = []
    with pypdfium2.PdfDocument(cleaned) as document:
        for page in document:
            width, height = page.get_size()  # points, 72 an inch
            scale = min(_DPI / 72, math.sqrt(_MAX_PAGE_PIXELS / (width * height)), _MAX_SIDE / max(width, height))
            bitmap = page.render(scale=scale)
            pages.append(encode(bitmap.to_pil().convert("RGB"), "JPEG"))
            bitmap.close()
            page.close()
    return pages
