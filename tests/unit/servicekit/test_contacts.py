"""Mobiles and emails as people write them."""

import re

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from recapito_servicekit.contacts import BadContact, Fault, contact, email, mask, mobile


@pytest.mark.parametrize(
    "typed",
    ["3201234519", "320 123 4519", "320.123.45.19", "320-1234519", "+39 320 1234519", "00393201234519", " 0039 320/1234519 "],
)
def test_mobile_written_in_any_way_is_the_same_number(typed: str) -> None:
    assert mobile(typed) == "+393201234519"


@pytest.mark.parametrize(("typed", "kept"), [
    ("3912345678", "+393912345678"),
    ("3931234567", "+393931234567"),
    ("330123456", "+39330123456"),
    ("3112345678", "+393112345678"),
    ("4312345678", "+394312345678"),
])  # fmt: skip
def test_mobile_that_looks_odd_is_kept_whole(typed: str, kept: str) -> None:
    assert mobile(typed) == kept


@pytest.mark.parametrize(("typed", "fault"), [
    ("", Fault.EMPTY),
    ("0612345678", Fault.LANDLINE),
    ("+41791234567", Fault.FOREIGN_NUMBER),
    ("0041791234567", Fault.FOREIGN_NUMBER),
    ("\uff13\uff12\uff10\uff11\uff12\uff13\uff14\uff15\uff11\uff19", Fault.NOT_A_NUMBER),
    ("3201234519 ext 5", Fault.NOT_A_NUMBER),
    ("320+1234519", Fault.NOT_A_NUMBER),
    ("32012345", Fault.NOT_A_MOBILE),
    ("320123451900", Fault.NOT_A_MOBILE),
    ("800123456", Fault.NOT_A_MOBILE),
    ("3" * 5_000, Fault.NOT_A_MOBILE),
])  # fmt: skip
def test_number_that_is_no_italian_mobile_is_refused_with_its_fault(typed: str, fault: Fault) -> None:
    with pytest.raises(BadContact) as caught:
        mobile(typed)
    assert caught.value.fault is fault


@pytest.mark.parametrize(("typed", "kept"), [
    ("Mario.Rossi+casa@Example.IT", "mario.rossi+casa@example.it"),
    ("  info@BÜCHER.example ", "info@bücher.example"),
    ("info@xn--bcher-kva.example", "info@bücher.example"),
])  # fmt: skip
def test_email_is_compared_without_case_and_in_unicode(typed: str, kept: str) -> None:
    assert email(typed) == kept


@pytest.mark.parametrize("typed", ["x@y", "a b@example.com", "@example.com", "a@", "a@example.com\nBcc: b@example.com"])
def test_email_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(BadContact) as caught:
        email(typed)
    assert caught.value.fault is Fault.NOT_AN_EMAIL


@pytest.mark.parametrize(("kept", "shown"), [
    ("+393201234519", "320 *****19"),
    ("+39330123456", "330 ****56"),
    ("mario@example.it", "m***@e***.it"),
    ("+3932", "**"),
    ("nothing", "*******"),
])  # fmt: skip
def test_mask_shows_no_more_than_it_may(kept: str, shown: str) -> None:
    assert mask(kept) == shown


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_contact_or_a_fault(typed: str) -> None:
    try:
        kept = contact(typed)
    except BadContact:
        return
    assert contact(kept) == kept
    assert "@" in kept or re.fullmatch(r"\+39[0-9]{9,10}", kept)


@given(st.from_regex(r"(\+39)?[0-9]{5,12}", fullmatch=True) | st.from_regex(r"(3|43)[0-9]{6,11}", fullmatch=True))
def test_quick_way_for_mobiles_says_what_phonenumbers_says(typed: str) -> None:
    try:
        found = mobile(typed)
    except BadContact:
        return
    number = phonenumbers.parse(found)
    assert phonenumbers.is_valid_number(number)
    assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == found


_LOCALS = st.text("abzABZ09._+-", min_size=1, max_size=70)
_DOMAINS = st.lists(st.text("abxnz09-", min_size=1, max_size=12), min_size=1, max_size=4)
_TOPS = st.sampled_from(["it", "com", "test", "example", "local", "onion", "arpa", "c0m", "x", "invalid"])


@given(_LOCALS, _DOMAINS, _TOPS)
def test_quick_way_for_emails_says_what_email_validator_says(local: str, domain: list[str], top: str) -> None:
    typed = f"{local}@{'.'.join([*domain, top])}"
    try:
        expected = validate_email(typed, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        expected = ""
    try:
        found = email(typed)
    except BadContact:
        found = ""
    assert found == expected
