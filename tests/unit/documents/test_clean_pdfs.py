"""PDFs: what their pages show stays, all else goes."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from recapito_documents.clean_jpeg import strip_jpeg
from recapito_documents.clean_pdf import clean_pdf
from recapito_documents.errors import DocumentRefused
from recapito_documents.limits import Limits

LIMITS = Limits()


def _script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS="SECRETSCRIPT")


def _make_active(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = _script()
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["a", _script()])))
    pdf.attachments["SECRETNAME.html"] = b"SECRETATTACHMENT"
    pdf.docinfo["/Author"] = "SECRETAUTHOR"
    page = pdf.pages[0].obj
    page.AA = Dictionary(O=_script())
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=Dictionary(S=Name.URI, URI="http://SECRET"))
    page.Annots = Array([pdf.make_indirect(link)])
    page.Resources = Dictionary(Properties=Dictionary(P=Dictionary(Metadata=pdf.make_stream(b"SECRETXMP"))))


def test_active_content_attachments_and_metadata_are_gone(
    pdf_of: Callable[..., bytes], unpacked: Callable[[bytes], bytes]
) -> None:
    data = pdf_of(2, _make_active)
    cleaned, pages = clean_pdf(data, LIMITS)
    assert b"SECRET" in unpacked(data)
    left = unpacked(cleaned)
    for gone in (b"SECRET", b"/JavaScript", b"/OpenAction", b"/EmbeddedFile", b"/Annot", b"/URI", b"/AA"):
        assert gone not in left
    assert len(pages) == 2


def test_stamp_and_inherited_page_box_are_still_shown(pdf_of: Callable[..., bytes]) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        look = pikepdf.Stream(pdf, b"1 0 0 rg 0 0 100 100 re f")
        look.Type, look.Subtype, look.BBox = Name.XObject, Name.Form, Array([0, 0, 100, 100])
        stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([0, 0, 360, 72]), AP=Dictionary(N=look))
        page = pdf.pages[0].obj
        page.Annots = Array([pdf.make_indirect(stamp)])
        del page["/MediaBox"]
        pdf.Root.Pages.MediaBox, pdf.Root.Pages.Rotate = Array([0, 0, 360, 144]), 90

    _, pages = clean_pdf(pdf_of(1, change), LIMITS)
    seen = Image.open(io.BytesIO(pages[0]))
    assert seen.size == (400, 1000)  # 144 by 360 points at 200 dpi, turned
    left, right = seen.getpixel((100, 500)), seen.getpixel((300, 500))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[1] < 60
    assert right[1] > 200


@pytest.mark.parametrize("size", [(14400, 3), (14400, 14400), (3, 3)])
def test_page_of_any_size_becomes_a_bounded_picture(size: tuple[int, int]) -> None:
    pdf, out = pikepdf.new(), io.BytesIO()
    pdf.add_blank_page(page_size=size)
    pdf.save(out)
    seen = Image.open(io.BytesIO(clean_pdf(out.getvalue(), LIMITS)[1][0]))
    assert seen.width * seen.height < 8_100_000
    assert max(seen.size) <= 8_001


def test_pages_are_counted(pdf_of: Callable[..., bytes]) -> None:
    clean_pdf(pdf_of(3), Limits(max_pages=3))
    with pytest.raises(DocumentRefused, match=r"DOCUMENT_TOO_MANY_PAGES: the PDF has more than 3 pages"):
        clean_pdf(pdf_of(4), Limits(max_pages=3))


@pytest.mark.parametrize("user", ["secret", ""])
def test_encrypted_is_refused_also_where_it_opens_without_a_password(pdf_of: Callable[..., bytes], user: str) -> None:
    data = pdf_of(1, encryption=pikepdf.Encryption(user=user, owner="owner"))
    with pytest.raises(DocumentRefused, match="DOCUMENT_ENCRYPTED"):
        clean_pdf(data, LIMITS)


def test_cut_off_is_refused_and_a_wrong_table_alone_is_mended(pdf_of: Callable[..., bytes]) -> None:
    data = pdf_of(2, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    for part in (0.5, 0.9):
        with pytest.raises((DocumentRefused, pikepdf.PdfError)):
            clean_pdf(data[: int(len(data) * part)], LIMITS)
    wrong = data.replace(b"startxref\n", b"startxref\n1")
    assert len(clean_pdf(wrong, LIMITS)[1]) == 2


def test_photo_in_a_pdf_loses_its_metadata(
    pdf_of: Callable[..., bytes], encoded: Callable[..., bytes], unpacked: Callable[[bytes], bytes]
) -> None:
    photo = _photo(encoded)

    def change(pdf: pikepdf.Pdf) -> None:
        image = pikepdf.Stream(pdf, base64.a85encode(photo) + b"~>")
        image.Type, image.Subtype, image.ColorSpace = Name.XObject, Name.Image, Name.DeviceRGB
        image.Width, image.Height, image.BitsPerComponent = 120, 80, 8
        image.Filter = Array([Name.ASCII85Decode, Name.DCTDecode])
        pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(I=image))
        pdf.pages[0].obj.Contents = pikepdf.Stream(pdf, b"200 0 0 100 0 0 cm /I Do")

    cleaned, pages = clean_pdf(pdf_of(1, change), LIMITS)
    assert b"SECRET" not in unpacked(cleaned)
    seen = Image.open(io.BytesIO(pages[0])).getpixel((50, 50))
    assert isinstance(seen, tuple)
    assert seen[0] > 200
    assert seen[1] < 60


@pytest.mark.parametrize(
    ("mode", "options"), [("RGB", {}), ("RGB", {"progressive": True}), ("L", {"restart_marker_blocks": 2}), ("CMYK", {})]
)
def test_stripped_jpeg_shows_the_same_pixels(encoded: Callable[..., bytes], mode: str, options: dict[str, Any]) -> None:
    data = _photo(encoded, mode, **options)
    stripped = strip_jpeg(data)
    assert b"SECRET" in data
    assert b"SECRET" not in stripped
    assert Image.open(io.BytesIO(stripped)).tobytes() == Image.open(io.BytesIO(data)).tobytes()


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\xff\xff", b"\xff\xd8\xff\xe1\x00\x00", b"\xff\xd8ab"])
def test_jpeg_whose_markers_lead_nowhere_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG"):
        strip_jpeg(data)


def _photo(encoded: Callable[..., bytes], mode: str = "RGB", **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "SECRETMAKER"
    image = Image.new("RGB", (120, 80), "red").convert(mode)
    return encoded(image, "JPEG", exif=exif, comment=b"SECRETCOMMENT", **options) + b"SECRETTAIL"
