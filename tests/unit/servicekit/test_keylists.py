"""Settings that hold several keys."""

import base64

import pytest

from recapito_servicekit import keylists

ONE = base64.b64encode(b"1" * 32).decode()
TWO = base64.b64encode(b"2" * 32).decode()


@pytest.mark.parametrize("text", [f"{ONE},{TWO}", f"{ONE}\n{TWO}\n", f"\n {ONE} ,\r\n{TWO}"])
def test_lines_and_commas_separate_and_the_first_comes_first(text: str) -> None:
    assert keylists.listed(text) == (ONE, TWO)
    assert keylists.keys(text) == (b"1" * 32, b"2" * 32)


@pytest.mark.parametrize("text", ["", " , ", "short", base64.b64encode(b"x" * 31).decode(), "é" * 44, f"{ONE},{ONE}"])
def test_what_is_no_list_of_keys_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|none|twice") as raised:
        keylists.keys(text)
    assert ONE not in str(raised.value)


def test_short_entry_does_not_hide_behind_a_long_one() -> None:
    with pytest.raises(ValueError, match="RECAPITO_X"):
        keylists.demand_length("RECAPITO_X", f"{'a' * 40},short", 32)
