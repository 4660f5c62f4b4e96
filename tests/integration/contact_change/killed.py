"""Runs ``recapito-contact-change`` so that it dies by SIGKILL at named points, once at each: for tests alone.

    python -m tests.integration.contact_change.killed FOLDER POINT,POINT … -- work --only mailer

A point that was died at leaves a file in FOLDER, and lets the next process live.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from kombu.messaging import Producer

from recapito_contact_change.__main__ import main
from recapito_contact_change.adapters.codes import Codes
from recapito_contact_change.adapters.mails import Mails
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.flows.apply_decision import ApplyDecision
from recapito_contact_change.flows.decide_case import DecideCase
from recapito_contact_change.flows.open_case import OpenCase
from recapito_contact_change.flows.send_notice import SendNotice
from recapito_contact_change.flows.submit_request import SubmitRequest
from recapito_servicekit import outbox

POINTS: dict[str, tuple[type, str]] = {
    "submit": (SubmitRequest, "_write"),
    "decide": (DecideCase, "_give"),
    "publish": (Producer, "publish"),
    "open": (OpenCase, "run"),
    "apply": (ApplyDecision, "run"),
    "registry": (Registry, "change_mobile"),
    "notice": (SendNotice, "run"),
    "mail": (Mails, "send"),
    "text": (Codes, "text"),
}


def die_once(folder: Path, point: str) -> None:
    try:
        (folder / point).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def patch(folder: Path, point: str) -> None:
    """``WHEN-NAME`` or, for an event's publishing, ``WHEN-publish-TYPE`` (a word of the type)."""
    when, name, *word = point.split("-")
    owner, attribute = POINTS[name]
    real: Callable[..., Any] = getattr(owner, attribute)

    def patched(*args: Any, **kwargs: Any) -> Any:
        meant = not word or f"contact_change.{word[0]}.v1" in args[1]
        if meant and when == "before":
            die_once(folder, point)
        answer = real(*args, **kwargs)
        if meant and when == "after":
            die_once(folder, point)
        return answer

    setattr(owner, attribute, patched)


if __name__ == "__main__":
    marks, points, _, *arguments = sys.argv[1:]
    outbox.REPUBLISH_AFTER = timedelta(seconds=1)  # type: ignore[misc]  # half a minute in earnest
    for one in points.split(","):
        patch(Path(marks), one)
    main(arguments)
