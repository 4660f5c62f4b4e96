"""Cleans a picture: decodes it, turns it upright, and encodes its pixels anew. Runs in the worker alone."""

import io
from typing import Final

from PIL import Image, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin

from recapito_documents.errors import Reason, refused
from recapito_documents.limits import Limits

_FORMATS: Final = {
    "image/jpeg": JpegImagePlugin.JpegImageFile.format,
    "image/png": PngImagePlugin.PngImageFile.format,
}
JPEG_QUALITY: Final = 90
# Pillow imports its plugins where a picture needs them, and the worker opens no file by then
Image.preinit()
_NEEDED_BY_JPEG: Final = (MpoImagePlugin, TiffImagePlugin)


def clean_image(data: bytes, media_type: str, limits: Limits) -> bytes:
    """The picture in its own format without anything but its pixels. Raises DocumentRefused, or what Pillow raises."""
    image_format = _FORMATS[media_type]
    Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit is another one, and only warns at first
    image: Image.Image
    with Image.open(io.BytesIO(data), formats=[image_format]) as image:
        if image.width * image.height > limits.max_pixels or max(image.size) > limits.max_side:
            raise refused(Reason.TOO_MANY_PIXELS, limits)
        # A phone's JPEG may carry a second picture (MPO: depth, HDR); the first is the photo, and the rest goes.
        # What tells an animated PNG may stand anywhere before its pixels, so the type alone doesn't find all of them.
        if media_type == "image/png" and getattr(image, "is_animated", False):
            raise refused(Reason.ANIMATED, limits)
        image.load()  # a truncated file fails here, not before
        clean = _plain(_upright(image))
    return encode(clean, image_format)


def encode(image: Image.Image, image_format: str) -> bytes:
    """The pixels as a file; ``info`` is emptied first because Pillow would write profiles and comments from it."""
    image.info = {}
    out = io.BytesIO()
    options = {"quality": JPEG_QUALITY} if image_format == "JPEG" else {}
    image.save(out, image_format, **options)
    return out.getvalue()


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # metadata that can't be read says nothing about the picture, and goes anyway
        return image


def _plain(image: Image.Image) -> Image.Image:
    """The same in grey or RGB, 8 bits a sample, on white where it was transparent."""
    if image.mode.startswith("I"):  # 16 bits a sample: Pillow's own conversion clips instead of scaling
        return image.convert("I").point([value >> 8 for value in range(65536)], "L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGB", image.size, "white")
        ground.paste(image, mask=image.getchannel("A"))
        return ground
    if image.mode in {"1", "L"}:
        return image.convert("L")
    return image.convert("RGB")
