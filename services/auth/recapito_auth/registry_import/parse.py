"""Files to records: CSV (UTF-8, header row, byte order mark allowed) or JSON Lines, read as a stream in flat memory."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple

COLUMNS: Final = (
    "customer_id",
    "person_type",
    "given_name",
    "family_name",
    "codice_fiscale",
    "email",
    "mobile",
    "language",
    "policy_numbers",
)
LONGEST: Final = 1024 * 1024  # characters of a line or a field; a longer one is cut and then has a fault
PACE: Final = 1000  # records between two reports of progress
JSON_SUFFIXES: Final = (".jsonl", ".ndjson")


class Unreadable(Exception):
    """Raised when the file as a whole can't be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a record: the field (None: the record as a whole) and the kind, a stable lower-case word."""

    field: str | None
    kind: str


class Record(NamedTuple):
    """A record as it stands in the file. ``number`` counts records, the header being 1; ``line`` is where it begins."""

    number: int
    line: int
    values: dict[str, str]
    fault: Fault | None = None


Progress = Callable[[int], None]
"""Is told how many bytes of the file have been read."""


def records(file: Path, progress: Progress) -> Iterator[Record]:
    """Every record of the file. Raises Unreadable, OSError."""
    csv.field_size_limit(LONGEST)
    # bytes that aren't UTF-8 come through as lone surrogates, so that the record can be named
    with file.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        read = _json_records if file.suffix.lower() in JSON_SUFFIXES else _csv_records
        for number, record in enumerate(read(_Lines(text))):
            if number % PACE == 0:
                progress(raw.tell())
            yield record


class _Lines:
    """The lines of a file, counted; the lines of the record under way are kept for finding the field at fault."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.count = 0
        self.kept: list[str] = []

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(LONGEST):
            self.count += 1
            self.kept.append(line)
            yield line


def _csv_records(lines: _Lines) -> Iterator[Record]:
    reader = csv.reader(iter(lines), strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise Unreadable(f"the header row can't be read: {error}") from error
    if sorted(header) != sorted(COLUMNS):
        raise Unreadable(f"the header row must name the columns {','.join(COLUMNS)}")
    number = 1
    while True:
        lines.kept.clear()
        begins = lines.count + 1
        number += 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Record(number, begins, {}, _quoting_fault(header, lines.kept, str(error)))
            continue
        if row is None:
            return
        if not row:  # an empty line
            continue
        if len(row) != len(header):
            yield Record(number, begins, {}, Fault(None, "column_count"))
            continue
        yield Record(number, begins, dict(zip(header, row, strict=True)))


def _quoting_fault(header: list[str], kept: list[str], error: str) -> Fault:
    try:
        fields = next(csv.reader(kept), [])
    except csv.Error:  # a field that never ends
        return Fault(None, "unterminated_quote")
    field = header[len(fields) - 1] if 0 < len(fields) <= len(header) else None
    return Fault(field, "unterminated_quote" if "end of data" in error else "wrong_format")


def _json_records(lines: _Lines) -> Iterator[Record]:
    for line in lines:
        lines.kept.clear()
        if line.strip():
            yield _json_record(lines.count, line)


def _json_record(number: int, line: str) -> Record:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return Record(number, number, {}, Fault(None, "wrong_format"))
    if not isinstance(found, dict):
        return Record(number, number, {}, Fault(None, "wrong_format"))
    if not set(found) <= set(COLUMNS):
        return Record(number, number, {}, Fault(None, "column_count"))
    values = {}
    for column in COLUMNS:
        value = found.get(column)
        if column == "policy_numbers" and isinstance(value, list) and all(isinstance(part, str) for part in value):
            value = ";".join(value)
        if value is not None and not isinstance(value, str):
            return Record(number, number, {}, Fault(column, "wrong_format"))
        values[column] = value or ""
    return Record(number, number, values)
