"""How much a document may be, and how much may be spent on it. The defaults are the policy's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one pipeline."""

    max_bytes: int = 8 * 1024 * 1024  # of the upload
    max_pixels: int = 40_000_000  # of a picture, width times height
    max_side: int = 65_500  # pixels: operators are shown a JPEG, and none is longer
    max_pages: int = 10  # of a PDF
    worker_memory: int = 1024 * 1024 * 1024  # bytes of address space of the process that cleans one document
    worker_seconds: int = 20  # of its CPU time, and of waiting for a free one; by the clock it may take twice as long
    workers: int = 2  # that clean at the same time
    waiting: int = 4  # documents that wait for one; each holds a thread of its service, which others need
