"""Asks a running Prometheus what it sees: ``watched.py http://localhost:9090 12`` demands 12 processes, and all queries.

Exit 0: all are up, and every query of the dashboard and of the alert rules can be evaluated. What has no data yet is told.
"""

import json
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
DASHBOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"
SECONDS: Final = 60


def main(url: str, wanted: int) -> str:
    """What is wrong; empty: nothing."""
    until = time.monotonic() + SECONDS
    while len(up := _up(url)) < wanted and time.monotonic() < until:
        time.sleep(2)
    print(f"{len(up)} processes are up: " + ", ".join(f"{name} {n}" for name, n in sorted(Counter(up).items())))
    if len(up) < wanted:
        return f"there should be {wanted}"
    rules = [rule for group in _ask(url, "rules")["groups"] for rule in group["rules"]]
    ill = [rule["name"] for rule in rules if rule["health"] not in ("ok", "unknown")]
    firing = [rule["name"] for rule in rules if rule["state"] != "inactive"]
    print(f"{len(rules)} alert rules are loaded; pending or firing: {', '.join(firing) or 'none'}")
    dashboards = [json.loads(file.read_text(encoding="utf-8")) for file in DASHBOARDS.glob("*.json")]
    panels = [panel for dashboard in dashboards for panel in dashboard["panels"]]
    queries = [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", ())]
    silent = [
        title for title, query in queries if not _ask(url, "query", query=query.replace("$__rate_interval", "1m"))["result"]
    ]
    print(f"{len(queries)} queries of {len(panels)} panels are answered; no data yet: {', '.join(silent) or 'none'}")
    return f"rules that can't be evaluated: {', '.join(ill)}" if ill else ""


def _up(url: str) -> list[str]:
    return [found["metric"]["process"] for found in _ask(url, "query", query='up{job="recapito"} == 1')["result"]]


def _ask(url: str, what: str, **values: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/api/v1/{what}?{urllib.parse.urlencode(values)}", timeout=10) as answer:  # noqa: S310
        data: dict[str, Any] = json.load(answer)["data"]
    return data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])) or 0)
