"""What dashboards and alerts ask for is there: each metric in the code, with its labels, each alert in the runbook."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "recapito.json"
RUNBOOK = ROOT / "docs" / "runbook.md"
SUFFIXES = {"Counter": ("_total",), "Histogram": ("_bucket", "_sum", "_count"), "Gauge": ("",), "gauge": ("",)}


def in_the_code() -> dict[str, set[str]]:
    """Every series that a process of ours shows, with its labels."""
    found: dict[str, set[str]] = {}
    for file in [*ROOT.glob("libs/*/recapito_*/**/*.py"), *ROOT.glob("services/*/recapito_*/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            kind = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0] if node.args else None
            name = first.value if isinstance(first, ast.Constant) else None
            if kind in SUFFIXES and isinstance(name, str) and name.startswith("recapito_"):
                given = node.args[3:] if kind == "gauge" else [*node.args[2:], *(word.value for word in node.keywords)]
                labels = {str(part.value) for arg in given for part in ast.walk(arg) if isinstance(part, ast.Constant)}
                for suffix in SUFFIXES[kind]:
                    found[f"{name}{suffix}"] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def queries() -> Iterator[str]:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ()))
    text = ALERTS.read_text(encoding="utf-8")
    yield from (
        found[1] for found in re.finditer(r"^ +expr: (?:\|\n)?((?:.+\n(?= {10}))*.+)\n +(?:for|labels):", text, re.MULTILINE)
    )


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))


def test_every_metric_that_is_asked_for_is_in_the_code() -> None:
    known = in_the_code()
    asked = {name for query in queries() for name in re.findall(r"recapito_\w+", query)}
    assert len(asked) > 20
    assert asked <= set(known), asked - set(known)


def test_labels_that_queries_go_by_are_the_metrics_own() -> None:
    known = in_the_code()
    for query in queries():
        names = re.findall(r"recapito_\w+", query)
        if not names:
            continue
        own = {"process", "job"}.union(*(known[name] for name in names))
        by = {label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")}
        matched = set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", query))
        assert by | matched <= own, query


def test_every_alert_has_its_entry_in_the_runbook() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    headings = re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert alerts()
    assert sorted(headings) == sorted(alerts())
    assert re.findall(r"runbook: docs/runbook\.md#(\w+)", text) == [name.lower() for name in alerts()]
    assert len(list(queries())) > len(alerts())
