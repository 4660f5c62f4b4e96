"""Names: what is the same, and who is picked."""

from dataclasses import dataclass

import pytest

from recapito_auth.domain import names


@dataclass
class Somebody:
    given_folded: str
    family_folded: str


def somebody(given: str, family: str) -> Somebody:
    return Somebody(names.fold_given(given), names.fold_family(family))


def picked(candidates: list[Somebody], given: str, family: str) -> Somebody | None:
    return names.pick(candidates, names.fold_given(given), names.fold_family(family))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nicolò", "nicolo'"),
        ("NICOLO\u0300", "Nicolo"),
        ("D’Angelo", "D'ANGELO"),
        ("D`Angelo", "Dangelo"),
        ("Aït  Ouarab", "ait ouarab"),
        ("De Luca", "DeLuca"),
        ("Groß", "GROSS"),
        ("PALUMBO S.R.L.S. - L'AQUILA", "Palumbo srls L’Aquila"),
        ("ﬁore", "Fiore"),
    ],
)
def test_family_names_that_are_the_same(one: str, other: str) -> None:
    assert names.fold_family(one) == names.fold_family(other) != ""


def test_names_in_their_own_script_stay_apart() -> None:
    folded = {names.fold_family(name) for name in ("陳", "김", "Шевченко", "العلوي", "Chen")}
    assert len(folded) == 5
    assert "" not in folded


@pytest.mark.parametrize(
    ("typed", "fits"),
    [("Maria", True), ("Maria Pia", True), ("Maria Antonietta", True), ("Pia", False), ("Antonietta Maria", False), ("", False)],
)
def test_given_names_may_be_a_subset_that_starts_with_the_first(typed: str, fits: bool) -> None:
    assert names.given_names_fit(names.fold_given(typed), names.fold_given("Maria Antonietta Pia")) is fits


def test_hyphen_separates_given_names() -> None:
    assert names.given_names_fit(names.fold_given("Jean"), names.fold_given("Jean-Paul"))


def test_company_without_given_name_is_picked_by_its_name() -> None:
    company = somebody("", "Rossi & C. S.n.c.")
    assert picked([company], "", "rossi & c snc") is company


def test_homonyms_are_not_told_apart() -> None:
    assert picked([somebody("Anna", "Verdi"), somebody("ANNA", "verdi")], "Anna", "Verdi") is None


@pytest.mark.parametrize("typed", ["Maria", "Maria Antonietta"])
def test_name_that_is_the_beginning_of_another_tells_neither(typed: str) -> None:
    assert picked([somebody("Maria", "Rossi"), somebody("Maria Antonietta", "Rossi")], typed, "Rossi") is None


def test_relatives_are_told_apart_by_their_given_names() -> None:
    anna, luca = somebody("Anna", "Verdi"), somebody("Luca", "Verdi")
    assert picked([anna, luca], "luca", "verdi") is luca


def test_name_without_a_letter_picks_nobody() -> None:
    assert picked([somebody("!", "?")], "!", "?") is None
