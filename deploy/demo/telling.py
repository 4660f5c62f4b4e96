"""How the demo tells its story on a terminal."""

import sys
from typing import Final

_COLOURS: Final = {"chapter": "1;36", "sees": "0", "arrives": "33", "does": "1", "good": "32", "bad": "1;31"}


def chapter(title: str) -> None:
    """A new part of the story."""
    _say("chapter", f"\n— {title} —")


def does(who: str, what: str) -> None:
    """Somebody does something."""
    _say("does", f"  {who}: {what}")


def sees(what: str) -> None:
    """What is on the screen."""
    _say("sees", f"      sees     {what}")


def arrives(where: str, what: str) -> None:
    """A message that arrived."""
    first = " ".join(what.split())
    _say("arrives", f"      arrives  {where}: {first[:160]}{'…' if len(first) > 160 else ''}")


def good(what: str) -> None:
    """Something that had to hold, and did."""
    _say("good", f"      holds    {what}")


def bad(what: str) -> None:
    """The end of a story that didn't hold."""
    _say("bad", what)


def _say(kind: str, text: str) -> None:
    print(f"\033[{_COLOURS[kind]}m{text}\033[0m" if sys.stdout.isatty() else text, flush=True)
