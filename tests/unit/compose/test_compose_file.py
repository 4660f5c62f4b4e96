"""docker-compose.yml and what stands beside it fit together: who is watched, who sees backups, which keys Redis gives to whom."""

import inspect
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from recapito_otp.store import keys

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"


def blocks() -> dict[str, str]:
    """The text of each service."""
    services = COMPOSE[COMPOSE.index("\nservices:\n") : COMPOSE.index("\nnetworks:\n")]
    return {found[1]: found[2] for found in re.finditer(r"^  ([\w-]+):\n((?:    .*\n|\n(?=    ))+)", services, re.MULTILINE)}


def networks(block: str) -> set[str]:
    found = re.search(r"^    networks: \[(.*)\]$", block, re.MULTILINE)
    assert found
    return set(found[1].split(", "))


def lasting() -> dict[str, str]:
    """The processes of ours that stay: serve and work, and the two front ends."""
    ours = re.compile(r"<<: \*(otp|auth|contact-change|claims)\n|SERVICE:")
    return {name: block for name, block in blocks().items() if ours.search(block) and 'restart: "no"' not in block}


def test_prometheus_asks_every_process_and_can_reach_it() -> None:
    processes = lasting()
    assert len(processes) >= 9
    names = re.search(r"names: \[(.*)\]", PROMETHEUS.read_text(encoding="utf-8"))
    assert names
    assert set(names[1].split(", ")) == set(processes)
    own = networks(blocks()["prometheus"])
    for name, block in processes.items():
        assert own & networks(block), f"prometheus shares no network with {name}"
    assert not {"to-postgres", "to-redis", "to-rabbitmq"} & own


def test_in_the_network_of_metrics_are_workers_alone() -> None:
    inside = {name for name, block in lasting().items() if "metrics" in networks(block)}
    assert inside
    assert all(name.endswith("-work") for name in inside)


def test_who_publishes_or_consumes_events_reaches_the_broker() -> None:
    assert {name for name, block in lasting().items() if "to-rabbitmq" in networks(block)} == {
        "contact-change",
        "contact-change-work",
    }


def test_backups_are_seen_by_no_process_that_stays() -> None:
    assert [name for name, block in blocks().items() if "*backups" in block] == [
        f"{service}-backup" for service in ("auth", "contact-change", "claims")
    ]
    assert not [name for name, block in lasting().items() if "*backups" in block]


def test_every_name_of_otps_keys_begins_as_redis_lets_it() -> None:
    start = re.search(r'"otp": "~([^"*]+)\*"', (ROOT / "deploy" / "compose" / "prepare").read_text(encoding="utf-8"))
    assert start
    names = [make for make in vars(keys).values() if inspect.isfunction(make)]
    assert len(names) > 5
    for make in names:
        assert make(*["1"] * len(inspect.signature(make).parameters)).startswith(start[1])


def test_prometheus_takes_its_configuration_and_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here (Debian: prometheus)")
    done = subprocess.run([promtool, "check", "config", str(PROMETHEUS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
