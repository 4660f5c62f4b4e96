"""The process that cleans one document: ``python -m recapito_documents.clean_worker MEDIA_TYPE LIMITS``.

It says ``ready`` on a line of its own once it has shut itself in; only then does it read the document, from standard input. It
answers with a line of JSON, ``{"sizes": [file, page 1, page 2, …]}`` followed by those bytes, or ``{"refused": reason}``. The
parent believes none of it unchecked (``cleaning``).
"""

import json
import sys
from collections.abc import Callable

from recapito_documents.errors import DocumentRefused, Reason
from recapito_documents.limits import Limits
from recapito_documents.shut_in import shut_in


def main(argv: list[str]) -> None:
    """Cleans what comes on standard input as the media type and the limits (JSON) say."""
    media_type, limits = argv[0], Limits(**json.loads(argv[1]))
    clean = _cleaner(media_type, limits)
    shut_in(limits.worker_memory, limits.worker_seconds)
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    answer, parts = _cleaned(clean, sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.writelines(parts)
    sys.stdout.buffer.flush()


def _cleaned(clean: Callable[[bytes], list[bytes]], data: bytes) -> tuple[dict[str, object], list[bytes]]:
    try:
        parts = clean(data)
    except DocumentRefused as refusal:
        return {"refused": refusal.reason}, []
    except (MemoryError, RecursionError):
        return {"refused": Reason.TOO_COMPLEX}, []
    except Exception:  # decoders raise almost anything over a broken file
        return {"refused": Reason.UNREADABLE}, []
    return {"sizes": [len(part) for part in parts]}, parts


def _cleaner(media_type: str, limits: Limits) -> Callable[[bytes], list[bytes]]:
    """What cleans this type: the file first, where it is kept beside its pages, then the pages. Imports only what that needs."""
    if media_type == "application/pdf":
        from recapito_documents.clean_pdf import clean_pdf  # noqa: PLC0415

        def pdf(data: bytes) -> list[bytes]:
            file, pages = clean_pdf(data, limits)
            return [file, *pages]

        return pdf
    from recapito_documents.clean_image import clean_image  # noqa: PLC0415

    return lambda data: [b"", clean_image(data, media_type, limits)]


if __name__ == "__main__":
    main(sys.argv[1:])
