"""A registry of invented customers, as many as wanted: the same seed, the same file."""

import csv
import random
from pathlib import Path
from typing import Final

from codicefiscale import codicefiscale
from codicefiscale.data import get_indexed_data

from recapito_auth.registry_import.parse import COLUMNS

_GIVEN: Final = [
    "Anna",
    "Bruno",
    "Carla",
    "Dario",
    "Elena",
    "Franco",
    "Giulia",
    "Hans",
    "Irène",
    "Luca",
    "Marta",
    "Nicolò",
    "Olga",
    "Pietro",
    "Rosa",
    "Sara",
    "Tommaso",
    "Zoë",
]
_HEADS: Final = ["Bian", "Cal", "D’An", "De", "Fer", "Gal", "Lom", "Man", "Mon", "Pel", "Ric", "Ros", "San", "Ver", "Zan"]
_MIDDLES: Final = ["ba", "ce", "chi", "do", "fa", "gio", "la", "li", "ma", "ni", "ra", "ri", "sa", "to", "vi", "zo"]
_TAILS: Final = ["belli", "chi", "co", "ghetti", "lli", "ni", "no", "rò", "ssi", "tti"]
_DOMAINS: Final = ["example.com", "posta.example", "mail.example.org", "studio-rossi.example", "provincia.example.net"]
_PREFIXES: Final = ["320", "328", "333", "338", "340", "347", "349", "351", "366", "380", "391"]
_MONTHS: Final = "ABCDEHLMPRST"
_LETTERS: Final = "ABCDEFGHILMNOPQRSTUVZ"


def write(file: Path, count: int, seed: int = 1) -> None:
    """Writes ``count`` valid rows: nine in ten are persons, one in twelve has no mobile, every contact is one customer's."""
    chance = random.Random(seed)
    places = sorted(code for code in get_indexed_data()["codes"] if len(code) == 4)
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for number in range(count):
            writer.writerow(_row(chance, places, number))


def _row(chance: random.Random, places: list[str], number: int) -> tuple[str, ...]:
    is_person = number % 10 != 9
    family = chance.choice(_HEADS) + chance.choice(_MIDDLES) + chance.choice(_MIDDLES) + chance.choice(_TAILS)
    given = " ".join(chance.sample(_GIVEN, 1 + (chance.random() < 0.2)))
    mobile = f"{_PREFIXES[number % len(_PREFIXES)]}{number:07d}" if number % 12 else ""
    if mobile and number % 7 == 0:
        mobile = f"+39 {mobile[:3]} {mobile[3:]}"
    return (
        f"C{number:08d}",
        "PERSON" if is_person else "COMPANY",
        given if is_person else "",
        family if is_person else f"{family} & C. s.r.l.",
        _person_code(chance, places) if is_person else _company_code(number),
        f"c{number}.{family.lower().replace('’', '').replace('ò', 'o')}@{chance.choice(_DOMAINS)}",
        mobile,
        chance.choice(("it", "it", "it", "en", "de-AT")),
        ";".join(f"POL-{number}-{n}" for n in range(chance.randrange(4))),
    )


def _person_code(chance: random.Random, places: list[str]) -> str:
    letters = "".join(chance.choices(_LETTERS, k=6))
    day = chance.randrange(1, 29) + chance.choice((0, 40))
    code = f"{letters}{chance.randrange(40, 100)}{chance.choice(_MONTHS)}{day:02d}{chance.choice(places)}"
    return code + str(codicefiscale.encode_cin(code))


def _company_code(number: int) -> str:
    digits = f"{number:010d}"
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[1::2])
    return digits + str(-(sum(int(digit) for digit in digits[::2]) + doubled) % 10)
