"""Plays the manual and tells the story: ``python deploy/demo``. Exit 0 only if every step held."""

import sys
import time
from pathlib import Path

import grpc
import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.demo import story, telling
from deploy.demo.place import Place


def main() -> int:
    """Plays all chapters; stops at the first step that doesn't hold."""
    begun = time.monotonic()
    try:
        steps = story.play(Place())
    except (AssertionError, OSError, httpx.TransportError, grpc.RpcError, story.Unexpected) as error:
        telling.bad(f"\nThis step did not hold: {error}")
        return 1
    telling.chapter(f"The manual came true: {steps} things held, in {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
