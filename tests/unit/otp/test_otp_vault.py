"""Keyed hashes and sealed messages."""

import base64
import hashlib
import hmac

import pytest

from recapito_otp.domain import SHARDS, Channel, Message
from recapito_otp.vault import CannotOpen, Vault, random_code

KEY = bytes(range(32))
MESSAGE = Message("+393201234519", Channel.SMS, "code", {"code": "012345", "purpose": "sign_in"}, "it", decoy=True)


@pytest.mark.parametrize("length", [6, 10])
def test_random_code_is_digits_with_leading_zeros(length: int) -> None:
    codes = [random_code(length) for _ in range(500)]
    assert all(len(code) == length and code.isascii() and code.isdigit() for code in codes)
    assert any(code.startswith("0") for code in codes)


def test_seal_opens_again_for_the_same_thing_only() -> None:
    vault = Vault(["pepper"], [KEY])
    sealed = vault.seal(MESSAGE, "job 1")
    assert vault.open(sealed, "job 1") == MESSAGE
    assert "012345" not in base64.b64decode(sealed).decode("latin-1")
    for other, about in ((vault, "job 2"), (Vault(["pepper"], [KEY[::-1]]), "job 1")):
        with pytest.raises(CannotOpen):
            other.open(sealed, about)


def test_seal_says_nothing_of_a_decoy_by_its_length() -> None:
    vault = Vault(["pepper"], [KEY])
    assert abs(len(vault.seal(MESSAGE, "a")) - len(vault.seal(MESSAGE._replace(decoy=False), "a"))) <= 4


def test_digests_depend_on_pepper_challenge_and_code() -> None:
    vault = Vault(["pepper"], [KEY])
    digests = {
        vault.code_digest("1-a", "123456"),
        vault.code_digest("1-b", "123456"),
        vault.code_digest("1-a", "123457"),
        vault.code_digest("1-a1", "23456"),
        Vault(["other"], [KEY]).code_digest("1-a", "123456"),
    }
    assert len(digests) == 5


@pytest.mark.parametrize("pepper", ["pepper", "p" * 64, "p" * 65, "pèpper" * 30])
def test_digests_are_hmacs(pepper: str) -> None:
    right = hmac.new(pepper.encode(), b"4:code3:1-a6:123456", hashlib.sha256).hexdigest()
    assert Vault([pepper], [KEY]).code_digest("1-a", "123456") == right


def test_id_of_the_same_request_is_the_same() -> None:
    vault = Vault(["pepper"], [KEY])
    assert vault.id_of(3, "auth", "r1") == vault.id_of(3, "auth", "r1") != vault.id_of(3, "auth", "r2")


def test_shards_are_all_in_use() -> None:
    vault = Vault(["pepper"], [KEY])
    assert {vault.shard(f"+3932012345{n:02d}") for n in range(100)} == set(range(SHARDS))


def test_new_pepper_checks_older_codes_and_forgets_no_name() -> None:
    before, after = Vault(["old"], [KEY]), Vault(["new", "old"], [KEY], names="old")
    assert before.code_digest("1-a", "123456") in after.code_digests("1-a", "123456").split()
    assert after.code_digest("1-a", "123456") == Vault(["new"], [KEY]).code_digest("1-a", "123456")
    assert after.alias("destination", "x") == before.alias("destination", "x")
    assert (after.shard("x"), after.id_of(1, "r")) == (before.shard("x"), before.id_of(1, "r"))


def test_new_seal_key_opens_older_messages() -> None:
    before, after = Vault(["pepper"], [KEY]), Vault(["pepper"], [KEY[::-1], KEY])
    assert after.open(before.seal(MESSAGE, "job 1"), "job 1") == MESSAGE
    with pytest.raises(CannotOpen):
        before.open(after.seal(MESSAGE, "job 1"), "job 1")
