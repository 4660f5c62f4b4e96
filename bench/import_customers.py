"""The registry import against a bare bulk insert of the same rows, in the same run.

``python -m bench.import_customers [--rows N] [--rounds R] [--match]``, from the checkout. The floor: the rows as the database
keeps them, ready in memory, inserted by SQLAlchemy Core into the same table with the same indexes, in the import's own batches,
each committed. It reads no file, checks nothing, folds no name. Both run in a process of their own, interleaved; CPU seconds
are the figure to compare on a machine that does other work as well. ``--match``: what the look-up of StartRegistration
costs at N rows against 10,000.
"""

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import recapito_auth
from bench import customers as registry
from bench.report import Row, compare
from recapito_auth.domain.customers import PersonType
from recapito_auth.registry_import.parse import records
from recapito_auth.registry_import.rules import check
from recapito_auth.registry_import.run import BATCH
from recapito_auth.store import customers
from recapito_auth.store.tables import CUSTOMERS
from recapito_servicekit.sql import Database, migrate

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(recapito_auth.__file__).parent
LOOKUPS = 2_000
SMALL = 10_000


def main() -> None:
    """Prints a table, then the same as JSON."""
    top = argparse.ArgumentParser(description="the registry import against a bare bulk insert")
    top.add_argument("--rows", type=int, default=1_000_000)
    top.add_argument("--rounds", type=int, default=1)
    top.add_argument("--match", action="store_true", help="measure the look-up too")
    top.add_argument("--bare", nargs=2, metavar=("FILE", "URL"), help=argparse.SUPPRESS)
    arguments = top.parse_args()
    if arguments.bare:
        print(json.dumps(bare_insert(Path(arguments.bare[0]), arguments.bare[1])))
        return
    with tempfile.TemporaryDirectory(prefix="recapito-bench-") as folder:
        found = measure(Path(folder), arguments.rows, arguments.rounds)
        if arguments.match:
            found["match"] = match(Path(folder), arguments.rows)
    tell(found)
    print(json.dumps(found))


def compared(rows: int, rounds: int) -> list[Row]:
    """The import beside the bare insert, a row a call; and the look-up at ``rows`` beside the same at 10,000."""
    with tempfile.TemporaryDirectory(prefix="recapito-bench-") as folder:
        found = measure(Path(folder), rows, rounds)
        looked = match(Path(folder), rows)["microseconds"]
    bare, own = (_told(found["runs"][name], rows) for name in ("bare insert", "import"))
    large, small = (
        {"calls": 1.0, "seconds": looked[str(count)] / 1e6, "cpu_ms": looked[str(count)] / 1e3, "slowest_ms": 0.0}
        for count in (rows, SMALL)
    )
    return [
        compare("import, a row", "bare insert", 1, [own], [bare]),
        compare(f"match, {rows:,} rows", f"{SMALL:,} rows", 1, [large], [small]),
    ]


def _told(run: dict[str, float], rows: int) -> dict[str, float]:
    return {"calls": rows, "seconds": run["seconds"], "cpu_ms": run["cpu"] * 1000 / rows, "slowest_ms": 0.0}


def measure(folder: Path, rows: int, rounds: int) -> dict[str, Any]:
    """Bare insert, import, and the same import again, interleaved; medians."""
    file = folder / "customers.csv"
    registry.write(file, rows)
    runs: dict[str, list[dict[str, float]]] = {"bare insert": [], "import": [], "import again": []}
    for number in range(rounds):
        bare, own = (f"sqlite:///{folder / f'{name}-{number}.sqlite'}" for name in ("bare", "own"))
        migrate(bare, PACKAGE)
        migrate(own, PACKAGE)
        runs["bare insert"].append(_bare(file, bare))
        runs["import"].append(_import(file, own))
        runs["import again"].append(_import(file, own))
    figures = {name: {key: statistics.median(run[key] for run in of) for key in of[0]} for name, of in runs.items()}
    ratio = {key: figures["bare insert"][key] / figures["import"][key] for key in ("seconds", "cpu")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite"
    return {"machine": machine, "rows": rows, "rounds": rounds, "runs": figures, "ratio": ratio, "load": os.getloadavg()[0]}


def bare_insert(file: Path, url: str) -> dict[str, float]:
    """The floor. The rows are made ready first and don't count."""
    batches = list(_batches(file))
    database = Database(url, 1)
    started, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        with database.transaction() as connection:
            connection.execute(sa.insert(CUSTOMERS), batch)
    found = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    database.close()
    return {**found, "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _batches(file: Path) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for record in records(file, lambda _: None):
        row = check(record)
        assert isinstance(row, dict), row
        numbers = row["policy_numbers"].split(";") if row["policy_numbers"] else []
        batch.append({**row, "policy_numbers": numbers, "version": 1, "epoch": 1})
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _bare(file: Path, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.import_customers", "--bare", str(file), url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _import(file: Path, url: str) -> dict[str, float]:
    """The command itself, its start included."""
    environment = {**os.environ, "RECAPITO_ENVIRONMENT": "development", "RECAPITO_DATABASE_URL": url}
    command = [sys.executable, "-m", "recapito_auth", "import-customers", str(file)]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    assert " 0 in conflict, 0 bad" in said, said
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "memory_mib": usage.ru_maxrss / 1024}


def match(folder: Path, rows: int) -> dict[str, Any]:
    """Medians of the look-up by name and contact, interleaved over a small and the full registry, and how SQLite plans it."""
    small = folder / "small.csv"
    registry.write(small, SMALL)
    small_url, url = f"sqlite:///{folder / 'small.sqlite'}", f"sqlite:///{folder / 'own-0.sqlite'}"
    migrate(small_url, PACKAGE)
    _import(small, small_url)
    databases = {SMALL: Database(small_url, 1), rows: Database(url, 1)}
    wanted = {count: _wanted(database) for count, database in databases.items()}
    times: dict[int, list[float]] = {count: [] for count in databases}
    for number in range(LOOKUPS):
        for count, database in databases.items():
            times[count].append(_look_up(database, wanted[count][number % len(wanted[count])]))
    plans = [_plan(databases[rows], column) for column in ("mobile", "email")]
    for database in databases.values():
        database.close()
    micros = {str(count): statistics.median(of) * 1e6 for count, of in times.items()}
    return {"microseconds": micros, "ratio": micros[str(rows)] / micros[str(SMALL)], "plans": plans}


def _wanted(database: Database) -> list[tuple[PersonType, str, str]]:
    """Persons to look up, by email or mobile in turn, from all over the registry."""
    with database.read() as connection:
        count = int(connection.scalar(sa.select(sa.func.count()).select_from(CUSTOMERS)) or 0)
        ids = [f"C{number:08d}" for number in random.Random(2).sample(range(count), 500)]
        found = connection.execute(sa.select(CUSTOMERS).where(CUSTOMERS.c.customer_id.in_(ids), CUSTOMERS.c.mobile != "")).all()
    return [
        (PersonType(row.person_type), row.family_folded, row.mobile if number % 2 else row.email)
        for number, row in enumerate(found)
    ]


def _look_up(database: Database, wanted: tuple[PersonType, str, str]) -> float:
    with database.read() as connection:
        started = time.perf_counter()
        found = customers.by_name_and_contact(connection, *wanted)
        took = time.perf_counter() - started
    assert len(found) == 1
    return took


def _plan(database: Database, column: str) -> str:
    query = f"EXPLAIN QUERY PLAN SELECT * FROM customers WHERE {column} = 'x' AND family_folded = 'y' AND person_type = 'PERSON'"
    with database.read() as connection:
        return " / ".join(str(row[3]) for row in connection.exec_driver_sql(query))


def tell(found: dict[str, Any]) -> None:
    """The table."""
    print(f"{found['rows']:,} rows, {found['rounds']} rounds, {found['machine']}, {datetime.now(UTC):%Y-%m-%d}")
    print(f"{'':16}{'seconds':>10}{'CPU s':>10}{'rows/s':>12}{'peak MiB':>12}")
    for name, run in found["runs"].items():
        rate = found["rows"] / run["seconds"]
        print(f"{name:16}{run['seconds']:10.1f}{run['cpu']:10.1f}{rate:12,.0f}{run['memory_mib']:12.0f}")
    print(f"import / bare insert: {found['ratio']['seconds']:.0%} by the clock, {found['ratio']['cpu']:.0%} by CPU")
    if "match" in found:
        micros = ", ".join(f"{int(count):,} rows {took:.0f} µs" for count, took in found["match"]["microseconds"].items())
        print(f"match: {micros}: {found['match']['ratio']:.2f} x; {'; '.join(found['match']['plans'])}")


if __name__ == "__main__":
    main()
