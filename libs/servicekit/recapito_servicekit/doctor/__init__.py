"""``recapito-<service> doctor``: says in plain words what is wrong with a setup, a line a finding, and what to do about it.

A check is a function that gives findings; one that raises has found that it can't look. A service lists the checks of what it
uses. Nothing here changes anything, and no line holds a secret.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from recapito_servicekit.settings import BadSettings


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it."""

    level: Level
    text: str
    advice: str = ""


Check = Callable[[], Iterable[Finding]]


def ok(text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, text)


def warn(text: str, advice: str) -> Finding:
    """It works, but not for long, or not as safely as it should."""
    return Finding(Level.WARN, text, advice)


def fail(text: str, advice: str) -> Finding:
    """It doesn't work."""
    return Finding(Level.FAIL, text, advice)


def examine(list_checks: Callable[[], Iterable[tuple[str, Check]]]) -> int:
    """Runs the checks that ``list_checks`` gives once it could load the settings, and prints their findings.

    Gives the exit code: 0 if nothing fails.
    """
    try:
        checks = list(list_checks())
    except BadSettings as error:
        findings = [("settings", fail(fault, "set it; docs/settings.md says how")) for fault in error.faults]
    else:
        findings = [("settings", ok("all can be taken"))]
        findings += [(subject, finding) for subject, check in checks for finding in _looked(check)]
    for subject, finding in findings:
        sys.stdout.write(_line(subject, finding) + "\n")
    return int(any(finding.level is Level.FAIL for _, finding in findings))


def _looked(check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        yield fail(
            f"can't be looked at ({type(error).__name__})", "see the service's log; if nothing there explains it, report it"
        )


def _line(subject: str, finding: Finding) -> str:
    return f"{finding.level:<4}  {subject}: {finding.text}" + (f" -> {finding.advice}" if finding.advice else "")
