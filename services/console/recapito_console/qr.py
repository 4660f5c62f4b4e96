"""What an authenticator app reads off the screen."""

import segno


def image_of(uri: str) -> str:
    """The QR code as an image for ``src``: "data:image/svg+xml,…"."""
    return str(segno.make(uri, micro=False).svg_data_uri(scale=5, dark="#16232f", light="#ffffff", border=4))
