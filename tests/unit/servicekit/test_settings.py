"""Settings: all faults together, secrets from files, bounds held."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from recapito_servicekit.settings import BadSettings, between, load, setting


@dataclass(frozen=True, kw_only=True)
class Example:
    """A few of every kind."""

    name: str = setting("NAME", "a name")
    count: int = setting("COUNT", "a count", default=5, check=between(1, 10))
    on: bool = setting("ON", "a switch", default=False)
    place: Path = setting("PLACE", "a place", default=Path("here"))
    key: str = setting("KEY", "a key", secret=True)

    def __post_init__(self) -> None:
        if self.on and self.count == 1:
            raise ValueError("RECAPITO_ON: not with a count of 1")


def test_what_is_given_is_read_by_its_type() -> None:
    read = load(
        Example,
        "x",
        {"RECAPITO_NAME": "n", "RECAPITO_COUNT": "7", "RECAPITO_ON": "1", "RECAPITO_PLACE": "/p", "RECAPITO_KEY": "k"},
    )
    assert read == Example(name="n", count=7, on=True, place=Path("/p"), key="k")


def test_all_faults_are_told_together() -> None:
    with pytest.raises(BadSettings) as caught:
        load(Example, "x", {"RECAPITO_COUNT": "11", "RECAPITO_ON": "perhaps", "RECAPITO_KEY_FILE": "/not/there"})
    for part in ("RECAPITO_NAME: missing", "RECAPITO_COUNT: ", "RECAPITO_ON: ", "RECAPITO_KEY_FILE: "):
        assert part in str(caught.value)


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(BadSettings, match="not with a count of 1"):
        load(Example, "x", {"RECAPITO_NAME": "n", "RECAPITO_KEY": "k", "RECAPITO_ON": "1", "RECAPITO_COUNT": "1"})


def test_secret_is_read_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("secret\n")
    assert load(Example, "x", {"RECAPITO_NAME": "n", "RECAPITO_KEY_FILE": str(file)}).key == "secret"


def test_value_of_a_secret_is_in_no_message() -> None:
    with pytest.raises(BadSettings) as caught:
        load(Example, "x", {"RECAPITO_KEY": "hunter2"})
    assert "hunter2" not in str(caught.value)


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """What production is particular about."""

    key: str = setting("KEY", "a key", secret=True, least=8)
    safe: bool = setting("SAFE", "a safe way", default=True, production=True, unless="NEAR")
    near: bool = setting("NEAR", "nobody else is on the way", default=False)


def test_production_refuses_all_that_is_unsafe_in_one_message() -> None:
    with pytest.raises(BadSettings) as caught:
        load(Guarded, "x", {"RECAPITO_KEY": "short", "RECAPITO_SAFE": "0"})
    assert caught.value.faults == (
        "RECAPITO_KEY: at least 8 characters in production",
        "RECAPITO_SAFE: production needs 1, or RECAPITO_NEAR=1",
    )


def test_production_refuses_a_development_secret_and_does_not_tell_it() -> None:
    with pytest.raises(BadSettings, match="RECAPITO_KEY: a development secret") as caught:
        load(Guarded, "x", {"RECAPITO_KEY": "development-hunter2"})
    assert "hunter2" not in str(caught.value)


def test_unsafe_switch_is_taken_where_another_says_why_it_is_safe() -> None:
    assert not load(Guarded, "x", {"RECAPITO_KEY": "k" * 8, "RECAPITO_SAFE": "0", "RECAPITO_NEAR": "1"}).safe


def test_development_takes_what_production_refuses() -> None:
    given = {"RECAPITO_ENVIRONMENT": "development", "RECAPITO_KEY": "development", "RECAPITO_SAFE": "0"}
    assert load(Guarded, "x", given) == Guarded(key="development", safe=False)


def test_secret_file_that_is_not_text_is_a_fault_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="RECAPITO_KEY_FILE: not UTF-8"):
        load(Guarded, "x", {"RECAPITO_KEY_FILE": str(file)})
