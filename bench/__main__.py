"""Every benchmark, one table and one JSON file: ``python -m bench`` (``make bench``), about seven minutes."""

import argparse
import sys
import time
from collections.abc import Callable

from bench import claims, codes, import_customers, introspect, pages, sign_in
from bench.report import Row, write

ROWS = 200_000
"""Of the registry: enough to tell what an import costs a row. A million takes twenty minutes (``bench.import_customers``)."""


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=4, help="of each comparison; one more warms up")
    arguments.add_argument("--rows", type=int, default=ROWS, help="of the registry that is imported and searched")
    asked = arguments.parse_args()
    parts: list[tuple[str, Callable[[], list[Row]]]] = [
        ("codes", lambda: codes.measure(asked.rounds)),
        ("introspection", lambda: introspect.measure(asked.rounds)),
        ("registration and sign-in", lambda: sign_in.measure(asked.rounds)),
        ("pages", lambda: pages.measure(max(1, asked.rounds // 2))),
        ("claims", lambda: claims.measure(asked.rounds)),
        ("registry", lambda: import_customers.compared(asked.rows, 1)),
    ]
    rows: list[Row] = []
    for name, measure in parts:
        started = time.perf_counter()
        rows += measure()
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    write("bench", rows)


if __name__ == "__main__":
    main()
