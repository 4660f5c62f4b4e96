"""Checked rows between the two passes, in a database of SQLite's without a name: it spills to disk, a million take no memory."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from recapito_auth.registry_import.rules import COLUMNS_KEPT, Row

_CACHE_KIB: Final = 16_384
_INSERT: Final = f"INSERT OR IGNORE INTO spool VALUES (NULL{', ?' * len(COLUMNS_KEPT)})"  # noqa: S608 - our own names


class Spool:
    """Keeps each customer's first row, in the file's order; what was checked is what is written, whatever becomes of the file."""

    def __init__(self) -> None:
        self._kept = sqlite3.connect("", isolation_level=None)
        self._kept.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._kept.execute("PRAGMA journal_mode=OFF")
        self._kept.execute("PRAGMA synchronous=OFF")
        columns = ", ".join(f"{name} TEXT{' UNIQUE' if name == 'customer_id' else ''}" for name in COLUMNS_KEPT)
        self._kept.execute(f"CREATE TABLE spool (number INTEGER PRIMARY KEY, {columns})")
        self._kept.execute("BEGIN")

    def add(self, row: Row) -> bool:
        """Keeps a row. False: the customer has one already."""
        return self._kept.execute(_INSERT, tuple(map(row.__getitem__, COLUMNS_KEPT))).rowcount == 1

    def __len__(self) -> int:
        return int(self._kept.execute("SELECT count(*) FROM spool").fetchone()[0])

    def batches(self, most: int) -> Iterator[list[Row]]:
        """The rows, up to ``most`` at a time."""
        found = self._kept.execute(f"SELECT {', '.join(COLUMNS_KEPT)} FROM spool ORDER BY number")  # noqa: S608 - our own names
        while rows := found.fetchmany(most):
            yield [dict(zip(COLUMNS_KEPT, row, strict=True)) for row in rows]

    def close(self) -> None:
        """Forgets everything."""
        self._kept.close()
