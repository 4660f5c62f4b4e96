"""When a code is asked for, as a table; what a device and a network are called."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recapito_auth.domain.customers import Account, Customer, PersonType
from recapito_auth.domain.devices import Device, label_of, network_of
from recapito_auth.domain.sign_in_policy import Attempt, reasons

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ACCOUNT = Account("a", "C1", "+393201234519", "hash", NOW - 90 * DAY, NOW - 80 * DAY, NOW - DAY, 0, None, last_code_at=NOW - DAY)
CUSTOMER = Customer("C1", PersonType.PERSON, "", "", "", "", "", "", "", "it", (), 1, 1, None, None, True)
DEVICE = Device("d", "C1", "", 1, NOW - DAY, NOW - DAY, NOW - DAY, NOW + 29 * DAY)
NEVER = {"first_signed_in_at": None, "last_code_at": None}
ATTEMPT = Attempt(NOW, DEVICE, network_known=True, max_age=None, burst=5, trusted_for=30 * DAY)


@pytest.mark.parametrize(
    ("account", "customer", "attempt", "found"),
    [
        pytest.param({}, {}, {}, [], id="trusted device"),
        pytest.param({}, {}, {"device": None}, ["UNKNOWN_DEVICE"], id="no device"),
        pytest.param(NEVER, {}, {"device": None, "network_known": False}, ["FIRST_SIGN_IN"], id="first"),
        pytest.param({}, {}, {"network_known": False}, ["NEW_COUNTRY_OR_NETWORK"], id="network"),
        pytest.param({}, {}, {"at": NOW + 29 * DAY}, ["CODE_TOO_OLD"], id="thirty days"),
        pytest.param({}, {}, {"at": NOW + 29 * DAY - timedelta(seconds=1)}, [], id="nearly thirty days"),
        pytest.param({"last_code_at": NOW - 31 * DAY}, {}, {"device": None}, ["UNKNOWN_DEVICE", "CODE_TOO_OLD"], id="long away"),
        pytest.param({"failed_passwords": 5}, {}, {}, ["FAILED_ATTEMPTS"], id="passwords"),
        pytest.param({"wrong_codes": 5}, {}, {}, ["FAILED_ATTEMPTS"], id="codes"),
        pytest.param({"failed_passwords": 4, "wrong_codes": 4}, {}, {}, [], id="no burst"),
        pytest.param({}, {"contact_changed_at": NOW}, {}, ["CONTACT_CHANGED"], id="contact"),
        pytest.param({}, {"contact_changed_at": NOW - 2 * DAY}, {}, [], id="contact before the last code"),
        pytest.param({"password_changed_at": NOW}, {}, {}, ["PASSWORD_CHANGED"], id="password"),
        pytest.param({"recovered_at": NOW}, {}, {}, ["RECOVERED"], id="recovery"),
        pytest.param({}, {}, {"max_age": timedelta(hours=23)}, ["DEMANDED"], id="demanded"),
        pytest.param({}, {}, {"max_age": DAY}, [], id="young enough"),
    ],
)  # fmt: skip
def test_reasons_for_a_code(account: dict[str, Any], customer: dict[str, Any], attempt: dict[str, Any], found: list[str]) -> None:
    facts = (dataclasses.replace(ACCOUNT, **account), dataclasses.replace(CUSTOMER, **customer))
    assert [str(r) for r in reasons(*facts, dataclasses.replace(ATTEMPT, **attempt))] == found


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.9", "192.0.0.0/16"),
        ("::ffff:192.0.2.9", "192.0.0.0/16"),
        ("2001:db8:1::1", "2001:db8::/32"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_network_of_an_address(ip: str, network: str) -> None:
    assert network_of(ip) == network


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Mobile Safari/537.36",
         "Chrome · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (like Gecko) Version/17.5 Safari/604.1",
         "Safari · iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (like Gecko) Chrome/129.0 Safari/537.36 Edg/129.0",
         "Edge · Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox · macOS"),
        ("curl/8", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_label_of_a_device(agent: str, label: str) -> None:
    assert label_of(agent) == label
