"""What the worst documents cost: peak memory and time of the process that cleans one, hostile samples and the largest allowed.

python -m bench.documents
"""

import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import filetype
from PIL import Image

from recapito_documents.limits import Limits

HOSTILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "hostile"


def main() -> None:
    """Prints a line for each, the one with most memory first. What is refused by its size or type alone starts no process."""
    rows = sorted((cost(name, data) for name, data in documents()), reverse=True)
    print(f"{'MiB':>6}{'CPU s':>8}{'s':>7}  document")
    for mebibytes, cpu, seconds, name, answer in rows:
        print(f"{mebibytes:>6.0f}{cpu:>8.2f}{seconds:>7.2f}  {name}: {answer}")


def documents() -> Iterator[tuple[str, bytes]]:
    if HOSTILE.is_dir():
        for entry in json.loads((HOSTILE / "hostile.json").read_text()):
            if entry["file"]:
                yield entry["file"], (HOSTILE / entry["file"]).read_bytes()
    noise = random.Random(1).randbytes(2500 * 1600)
    grain = Image.frombytes("L", (2500, 1600), noise).resize((8000, 5000)).convert("RGB")
    for image_format, options in (("JPEG", {"quality": 35}), ("PNG", {"compress_level": 1})):
        out = io.BytesIO()
        (grain if image_format == "JPEG" else Image.new("RGB", (8000, 5000), "navy")).save(out, image_format, **options)
        yield f"40 megapixels, {image_format}, {out.tell() / 2**20:.1f} MiB", out.getvalue()


def cost(name: str, data: bytes) -> tuple[float, float, float, str, str]:
    media_type = filetype.guess_mime(data[:8192])
    if media_type not in ("image/jpeg", "image/png", "application/pdf") or len(data) > Limits().max_bytes:
        return 0, 0, 0, name, "refused unseen"
    started = time.monotonic()
    options = json.dumps(asdict(Limits()))
    worker = subprocess.Popen(
        [sys.executable, "-I", "-m", "recapito_documents.clean_worker", media_type, options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={},
    )  # fmt: skip
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdout.readline()
    worker.stdin.write(data)
    worker.stdin.close()
    answer = worker.stdout.read().partition(b"\n")[0].decode()
    _, _, used = os.wait4(worker.pid, 0)
    told = json.loads(answer).get("refused", "cleaned") if answer else "died"
    return used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, time.monotonic() - started, name, told


if __name__ == "__main__":
    main()
