"""Figures beside their floor, as a table and as JSON."""

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

CODE = "271828"
"""What every code is while a benchmark runs."""
RESULTS = Path(__file__).parent / "results"
HEADS = ("connections", "ours /s", "floor /s", "ratio", "ours CPU ms", "floor CPU ms", "CPU ratio", "slowest ms", "rounds")


@dataclass(frozen=True)
class Row:
    """Medians over the rounds. ``rate``: ours, calls a second, over the floor's; ``cpu``: CPU a call, ms; its ratio: the floor's
    over ours, so that 1 is the floor's cost and less is more.
    """

    what: str
    floor: str
    connections: int
    ours_per_second: float
    floor_per_second: float
    rate: float
    ours_cpu_ms: float
    floor_cpu_ms: float
    cpu_rate: float
    slowest_ms: float
    rounds: int


def compare(what: str, floor: str, connections: int, ours: list[dict[str, float]], least: list[dict[str, float]]) -> Row:
    """A row of what rounds told: ``calls``, ``seconds``, ``cpu_ms``, ``slowest_ms``. The rates are the rounds' medians."""
    speeds = [[told["calls"] / told["seconds"] for told in side] for side in (ours, least)]
    cpu = [[told["cpu_ms"] for told in side] for side in (ours, least)]
    return Row(
        what=what,
        floor=floor,
        connections=connections,
        ours_per_second=round(statistics.median(speeds[0])),
        floor_per_second=round(statistics.median(speeds[1])),
        rate=round(statistics.median(mine / its for mine, its in zip(*speeds, strict=True)), 3),
        ours_cpu_ms=round(statistics.median(cpu[0]), 3),
        floor_cpu_ms=round(statistics.median(cpu[1]), 3),
        cpu_rate=round(statistics.median(its / mine for mine, its in zip(*cpu, strict=True)), 3),
        slowest_ms=round(max(told["slowest_ms"] for told in ours), 1),
        rounds=len(ours),
    )


def write(name: str, rows: list[Row]) -> None:
    """Prints the table, and keeps it as JSON with the machine and its load."""
    load = os.getloadavg()
    print(f"\n{name}: {os.cpu_count()} cores, load {load[0]:.1f}, Python {platform.python_version()}, medians")
    print(" " * 32 + "".join(f"{head:>14}" for head in HEADS))
    for row in rows:
        figures = "".join(f"{figure:>14,}" for figure in list(asdict(row).values())[2:])
        print(f"{f'{row.what} / {row.floor}':<32}" + figures)
    RESULTS.mkdir(exist_ok=True)
    at = datetime.now(UTC)
    told = {"name": name, "at": at.isoformat(), "cores": os.cpu_count(), "load": load, "rows": [asdict(row) for row in rows]}
    (RESULTS / f"{name}-{at:%Y%m%d-%H%M%S}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
