"""Which texts are addresses: ``ipaddress`` says, and IPv4's fast way agrees with it."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapito_servicekit.addresses import is_address, is_ipv4

NEARLY = st.text(alphabet="0123456789.:abf%x \0-", max_size=24) | st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,4}){2,4}", fullmatch=True)


@given(NEARLY | st.text(max_size=12))
def test_agrees_with_ipaddress(text: str) -> None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        assert not is_address(text)
    else:
        assert is_address(text) is ("%" not in text)
        assert is_ipv4(text) is isinstance(found, ipaddress.IPv4Address)


@pytest.mark.parametrize("text", ["203.0.113.7", "0.0.0.0", "255.255.255.255"])
def test_ipv4_has_one_text(text: str) -> None:
    assert is_ipv4(text)
    assert str(ipaddress.ip_address(text)) == text


@pytest.mark.parametrize("text", ["", "1.2.3", "01.2.3.4", "1.2.3.4 ", "1.2.3.4\0", "256.1.1.1", "٣.2.3.4", "\ud800", "::1"])
def test_is_not_ipv4(text: str) -> None:
    assert not is_ipv4(text)


def test_an_address_with_a_zone_is_none() -> None:
    assert is_address("fe80::1")
    assert not is_address("fe80::1%eth0")
