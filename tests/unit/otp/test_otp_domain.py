"""The rules of codes."""

import pytest

from recapito_otp.domain import Channel, Faults, is_loopback, network_of, plain_code, shard_of
from recapito_servicekit.errors import Refusal


@pytest.mark.parametrize("typed", ["123456", " 123456 ", "123 456", "1 2 3 4 5 6", "123\u00a0456", "123\t456\n"])
def test_plain_code_passes_spaces_over(typed: str) -> None:
    assert plain_code(typed) == "123456"


def test_plain_code_keeps_what_is_no_space() -> None:
    assert plain_code("12-34é") == "12-34é"


@pytest.mark.parametrize("token", ["3-" + "0f" * 20, "0-" + "a" * 43])
def test_shard_of_our_own(token: str) -> None:
    assert shard_of(token) == int(token[0])


@pytest.mark.parametrize("token", ["", "3", "8-" + "0f" * 20, "-1", "3-" + "0F" * 20, "3-" + "0f" * 20 + "\n", "{x}-" + "a" * 43])
def test_shard_of_a_stranger_is_none(token: str) -> None:
    assert shard_of(token) is None


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
    ],
)
def test_network_of_an_address(ip: str, network: str) -> None:
    assert network_of(ip) == network


@pytest.mark.parametrize(("ip", "is_it"), [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False)])
def test_is_loopback(ip: str, is_it: bool) -> None:
    assert is_loopback(ip) is is_it


def test_faults_are_told_together() -> None:
    faults = Faults()
    faults.length("request_id", "", 1, 64)
    faults.purpose("gift")
    faults.hash("XYZ")
    faults.visible("summary", "a\u202eb", 60)
    faults.destination("3201234519", Channel.SMS)
    with pytest.raises(Refusal) as raised:
        faults.raise_any()
    found = [(violation.field, violation.reason) for violation in raised.value.violations]
    assert found == [
        ("request_id", "LENGTH"),
        ("purpose", "UNKNOWN_PURPOSE"),
        ("transaction_hash", "NOT_A_HASH"),
        ("summary", "CONTROL_CHARACTER"),
        ("destination", "NOT_E164"),
    ]


@pytest.mark.parametrize(
    ("value", "channel", "reason"),
    [
        ("anna@example.it", Channel.SMS, "NOT_A_NUMBER"),
        ("+393201234519", Channel.EMAIL, "NOT_AN_EMAIL"),
        ("", Channel.SMS, "EMPTY"),
        ("+390612345678", Channel.SMS, "LANDLINE"),
    ],
)
def test_destination_must_fit_its_channel(value: str, channel: Channel, reason: str) -> None:
    faults = Faults()
    faults.destination(value, channel)
    with pytest.raises(Refusal) as raised:
        faults.raise_any()
    assert [violation.reason for violation in raised.value.violations] == [reason]


def test_destination_by_mail_is_normalised() -> None:
    assert Faults().destination("Anna.Rossi@Example.IT", Channel.EMAIL) == "anna.rossi@example.it"
