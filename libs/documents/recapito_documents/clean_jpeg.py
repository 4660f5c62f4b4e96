"""Cleans a JPEG inside a PDF without decoding it: its picture stays bit by bit, everything beside the picture goes."""

from typing import Final

_SOI, _EOI, _SOS, _TEM, _COM = 0xD8, 0xD9, 0xDA, 0x01, 0xFE
_RESTARTS: Final = range(0xD0, 0xD8)
_APPLICATION: Final = range(0xE0, 0xF0)
_KEPT_APPLICATION: Final = {0xE0, 0xEE}  # JFIF and Adobe: a decoder takes the colour space from them
_JFIF_BYTES: Final = 18  # marker, length, header; a thumbnail may follow
_ADOBE_BYTES: Final = 16


def strip_jpeg(data: bytes) -> bytes:
    """The JPEG without EXIF, comments, thumbnails, and what follows its end (ITU-T T.81, annex B).

    Raises ValueError where the markers can't be followed.
    """
    if data[:2] != bytes((0xFF, _SOI)):
        raise ValueError("no JPEG")
    kept = [data[:2]]
    at = 2
    while at < len(data):
        at = _marker(data, at)
        code = data[at + 1]
        if code == _EOI:
            break
        if code in _RESTARTS or code == _TEM:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise ValueError("a JPEG segment leads out of the file")
        if code == _SOS:
            end = _scan_end(data, end)
        if code not in _APPLICATION and code != _COM:
            kept.append(data[at:end])
        elif code in _KEPT_APPLICATION:
            kept.append(_header(data[at:end]))
        at = end
    kept.append(bytes((0xFF, _EOI)))
    return b"".join(kept)


def _marker(data: bytes, at: int) -> int:
    """Where the marker begins whose fill bytes may begin here."""
    if data[at] != 0xFF:
        raise ValueError("no JPEG marker where one must stand")
    while at + 1 < len(data) and data[at + 1] == 0xFF:
        at += 1
    if at + 1 >= len(data):
        raise ValueError("the JPEG breaks off in a marker")
    return at


def _scan_end(data: bytes, at: int) -> int:
    """Where the compressed samples end that begin here: at the next marker that isn't part of them."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] != 0 and data[at + 1] not in _RESTARTS and data[at + 1] != 0xFF:
            return at
        at += 1 if data[at + 1] == 0xFF else 2
    return len(data)


def _header(segment: bytes) -> bytes:
    """JFIF or Adobe without a thumbnail or an extension; nothing of a segment that is neither."""
    if segment[4:9] == b"JFIF\0" and len(segment) >= _JFIF_BYTES:
        return segment[:2] + (_JFIF_BYTES - 2).to_bytes(2, "big") + segment[4:16] + b"\0\0"
    if segment[4:9] == b"Adobe" and len(segment) >= _ADOBE_BYTES:
        return segment[:2] + (_ADOBE_BYTES - 2).to_bytes(2, "big") + segment[4:16]
    return b""
