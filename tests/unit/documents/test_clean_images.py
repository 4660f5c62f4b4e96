"""Pictures: upright, without metadata, bounded."""

import io
from collections.abc import Callable

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from recapito_documents.clean_image import clean_image
from recapito_documents.errors import DocumentRefused
from recapito_documents.limits import Limits
from recapito_documents.watermark import mark

LIMITS = Limits()
ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825


def _opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_picture_is_turned_upright_and_loses_its_metadata(encoded: Callable[..., bytes], image_format: str) -> None:
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 30, 40))  # left; turned clockwise it is above
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "SECRETMAKER"
    exif.get_ifd(GPS)[1] = "N"
    text = PngInfo()
    text.add_text("Comment", "SECRETCOMMENT")
    options = {"comment": b"SECRETCOMMENT"} if image_format == "JPEG" else {"pnginfo": text}
    data = encoded(image, image_format, exif=exif, icc_profile=b"SECRETPROFILE", **options) + b"SECRETTAIL<script>"
    clean = clean_image(data, f"image/{image_format.lower()}", LIMITS)
    assert b"SECRET" in data
    assert b"SECRET" not in clean
    seen = _opened(clean).convert("RGB")
    assert (seen.size, dict(_opened(clean).getexif())) == ((40, 60), {})
    above, below = seen.getpixel((20, 10)), seen.getpixel((20, 50))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    assert above[0] > 200
    assert below[0] < 60


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_exif_that_is_broken_does_not_stop_the_picture(encoded: Callable[..., bytes]) -> None:
    data = encoded(Image.new("RGB", (60, 40)), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12broken")
    assert _opened(clean_image(data, "image/jpeg", LIMITS)).size == (60, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_taken(encoded: Callable[..., bytes], mode: str) -> None:
    assert _opened(clean_image(encoded(Image.new(mode, (30, 20)), "PNG"), "image/png", LIMITS)).mode in {"L", "RGB"}


def test_sixteen_bits_are_scaled_not_clipped(encoded: Callable[..., bytes]) -> None:
    data = encoded(Image.new("I;16", (3, 3), 100 * 256), "PNG")
    assert _opened(clean_image(data, "image/png", LIMITS)).getpixel((1, 1)) == 100


def test_what_is_transparent_becomes_white(encoded: Callable[..., bytes]) -> None:
    data = encoded(Image.new("RGBA", (3, 3), (200, 0, 0, 0)), "PNG")
    assert _opened(clean_image(data, "image/png", LIMITS)).getpixel((1, 1)) == (255, 255, 255)


def test_cmyk_jpeg_becomes_rgb(encoded: Callable[..., bytes]) -> None:
    data = encoded(Image.new("CMYK", (30, 20), (0, 255, 255, 0)), "JPEG")
    seen = _opened(clean_image(data, "image/jpeg", LIMITS)).getpixel((10, 10))
    assert isinstance(seen, tuple)
    assert seen[0] > 200
    assert seen[1] < 60


def test_pixels_are_counted_before_they_are_decoded(encoded: Callable[..., bytes]) -> None:
    data = encoded(Image.new("L", (100, 50)), "PNG")
    clean_image(data, "image/png", Limits(max_pixels=5000))
    with pytest.raises(DocumentRefused, match="DOCUMENT_TOO_MANY_PIXELS"):
        clean_image(data[:60], "image/png", Limits(max_pixels=4999))  # the header alone is enough to say so


@pytest.mark.parametrize("turned", [False, True])
def test_picture_longer_than_the_one_it_is_shown_as_can_be_is_refused(encoded: Callable[..., bytes], turned: bool) -> None:
    def picture(longest: int) -> bytes:
        return encoded(Image.new("L", (1, longest) if turned else (longest, 1)), "PNG")

    assert mark(clean_image(picture(65_500), "image/png", LIMITS), "anna")
    with pytest.raises(DocumentRefused, match="DOCUMENT_TOO_MANY_PIXELS"):
        clean_image(picture(65_501), "image/png", LIMITS)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_truncated_picture_fails(encoded: Callable[..., bytes], image_format: str) -> None:
    data = encoded(Image.effect_noise((200, 200), 60), image_format)
    with pytest.raises(OSError, match="truncated"):
        clean_image(data[: len(data) // 2], f"image/{image_format.lower()}", LIMITS)


def test_animated_png_is_refused_and_a_phones_two_picture_jpeg_is_taken(encoded: Callable[..., bytes]) -> None:
    first, second = Image.new("RGB", (30, 20), "red"), Image.new("RGB", (30, 20), "blue")
    with pytest.raises(DocumentRefused, match="DOCUMENT_ANIMATED"):
        clean_image(encoded(first, "PNG", save_all=True, append_images=[second]), "image/png", LIMITS)
    clean = _opened(clean_image(encoded(first, "MPO", save_all=True, append_images=[second]), "image/jpeg", LIMITS))
    assert (clean.format, getattr(clean, "n_frames", 1)) == ("JPEG", 1)
