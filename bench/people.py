"""The customers who register and sign in while a benchmark runs."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from codicefiscale import codicefiscale

from recapito_auth.registry_import.parse import COLUMNS

PASSWORD: Final = "tre cavalli blu al galoppo"


def mobile(number: int) -> str:
    """The mobile of a customer, who registers with it."""
    return f"+39320{2_000_000 + number}"


def family_name(number: int) -> str:
    """A family name that nobody else has."""
    return "Rossi" + "".join("abcdefghij"[int(digit)] for digit in f"{number:04d}")


def address(number: int) -> str:
    """Where a customer comes from."""
    return f"10.0.{number >> 8}.{number & 255}"


def write(file: Path, count: int) -> None:
    """The registry that holds them."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for number in range(count):
            born = (date(1950, 1, 1) + timedelta(days=number)).strftime("%d/%m/%Y")
            code = codicefiscale.encode(family_name(number), "Maria", "F", born, "Roma")
            email = f"n{number}@example.com"
            row = ("PERSON", "Maria", family_name(number), code, email, mobile(number), "it", f"P-{number}")
            writer.writerow((f"C{number}", *row))
