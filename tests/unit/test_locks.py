"""requirements/*.txt hold what our pyproject.toml files ask for: nothing is missing, nothing more, nothing out of bounds.

What each dependency asks for in turn is read from what is installed, which setup made from dev.txt itself: no registry is asked.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
SERVICES = sorted(folder.name for folder in (ROOT / "services").iterdir() if (folder / "pyproject.toml").is_file())
OURS = {
    tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"]: tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    for pattern in ("proto", "libs/*", "services/*", "deploy/embedded")
    for file in ROOT.glob(f"{pattern}/pyproject.toml")
}


def locked(name: str) -> dict[str, tuple[str, bool]]:
    """Each dependency of a lock: its version, and whether it is for this machine."""
    found: dict[str, tuple[str, bool]] = {}
    for line in (LOCKS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if pinned := re.match(r"^([\w.-]+)==([^ ;]+)(?: ; ([^\\]+))?", line):
            here = not pinned[3] or Marker(pinned[3].strip()).evaluate()
            found[canonicalize_name(pinned[1])] = (pinned[2], here)
    return found


def asked(requirement: Requirement) -> Iterator[Requirement]:
    """What a requirement asks for in turn, on this machine."""
    if own := OURS.get(requirement.name):
        extras = [text for extra in requirement.extras for text in own["optional-dependencies"][extra]]
        yield from map(Requirement, [*own.get("dependencies", ()), *extras])
        return
    for found in map(Requirement, metadata.requires(requirement.name) or ()):
        chosen = ("", *requirement.extras)
        if found.marker is None or any(found.marker.evaluate({"extra": extra}) for extra in chosen):
            yield found


def closure(*requirements: str) -> list[Requirement]:
    """Everything that is asked for, directly or not, once for each set of extras."""
    waiting, seen = [Requirement(text) for text in requirements], {}
    while waiting:
        one = waiting.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras), str(one.specifier))
        if key not in seen:
            seen[key] = one
            waiting.extend(asked(one))
    return [one for one in seen.values() if one.name not in OURS]


def demand(lock: str, wanted: list[Requirement]) -> None:
    held = locked(lock)
    for one in wanted:
        name = canonicalize_name(one.name)
        assert name in held, f"{name} isn't in {lock}.txt: make lock"
        assert one.specifier.contains(held[name][0], prereleases=True), f"{lock}.txt has {name} {held[name][0]}: make lock"
    surplus = {name for name, (_, here) in held.items() if here} - {canonicalize_name(one.name) for one in wanted}
    assert not surplus, f"nobody asks for {surplus}: make lock"


@pytest.mark.parametrize("service", SERVICES)
def test_lock_of_a_service_is_what_it_asks_for_and_nothing_more(service: str) -> None:
    demand(service, closure(f"recapito-{service}"))


@pytest.mark.parametrize(("library", "extra"), [("recapito-servicekit", "otel"), ("recapito-documents", "s3")])
def test_lock_of_an_extra_is_what_it_asks_for(library: str, extra: str) -> None:
    demand(extra, closure(*OURS[library]["optional-dependencies"][extra]))


def test_lock_of_the_recogniser_holds_what_it_asks_for() -> None:
    # it isn't installed for development, so what it asks for in turn isn't known here
    wanted, held = map(Requirement, OURS["recapito-documents"]["optional-dependencies"]["ocr"]), locked("ocr")
    assert all(one.specifier.contains(held[canonicalize_name(one.name)][0]) for one in wanted)


def test_lock_of_development_holds_everything() -> None:
    lines = (LOCKS / "dev.in").read_text(encoding="utf-8").splitlines()
    demand("dev", closure(*OURS, *(line for line in lines if line and not line.startswith("#"))))


@pytest.mark.parametrize("lock", [*SERVICES, "otel", "s3", "ocr", "build"])
def test_every_lock_has_the_versions_of_development(lock: str) -> None:
    everything = locked("dev")
    assert lock == "ocr" or locked(lock).keys() <= everything.keys()
    assert all(everything[name][0] == version for name, (version, here) in locked(lock).items() if here and name in everything)
