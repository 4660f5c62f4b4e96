"""Mobiles and emails: what people type, what is kept, what is shown."""

import functools
import re
import unicodedata
from enum import StrEnum
from typing import Any, Final

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

_TYPED: Final = re.compile(r"\+?[0-9 .\-/()+\u00a0]+", re.ASCII)
COUNTRY: Final = 39
_PREFIX: Final = f"+{COUNTRY}"
_LONGEST: Final = 15  # digits, of any number anywhere (E.164)
_LIKELY: Final = range(9, 12)  # digits of a mobile of ours
_HEAD: Final = 3
_TAIL: Final = 2
# What nearly every email looks like, and email_validator takes as it stands; what doesn't fit here is asked of it. A test holds
# both to the same answer. A registry has a million of them.
_LOCAL: Final = r"[a-z0-9_]+(?:[.+-][a-z0-9_]+)*"
_DOMAIN: Final = r"(?:[a-z0-9](?:[a-z0-9]|-(?!-)){0,61}(?<!-)\.)+[a-z]{2,20}"
_PLAIN_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@.{{1,200}}$){_LOCAL}@{_DOMAIN}", re.ASCII)
_SPECIAL: Final = tuple(SPECIAL_USE_DOMAIN_NAMES)


class Fault(StrEnum):
    """Why a contact can't be taken; stable."""

    EMPTY = "EMPTY"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    NOT_A_MOBILE = "NOT_A_MOBILE"
    FOREIGN_NUMBER = "FOREIGN_NUMBER"
    LANDLINE = "LANDLINE"
    NOT_AN_EMAIL = "NOT_AN_EMAIL"


class BadContact(ValueError):
    """Raised when a contact can't be taken; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def mobile(typed: str) -> str:
    """An Italian mobile as typed, in E.164. Takes spaces, dots, dashes, +39 and 0039.

    Raises BadContact: only ASCII digits, no extension, only a number whose type is MOBILE.
    """
    plain = _plain_mobile()
    if plain.fullmatch(typed):
        return typed  # in the form that it is kept in, as most come
    text = typed.strip()
    if not text:
        raise BadContact(Fault.EMPTY)
    if not _TYPED.fullmatch(text):
        raise BadContact(Fault.NOT_A_NUMBER)
    digits = re.sub(r"[^+0-9]", "", text)
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    # a bare 39 is never cut: 3912345678 is a mobile, and phonenumbers.parse would take its 39 for the country
    national = digits.removeprefix(_PREFIX)
    if "+" in national:
        raise BadContact(Fault.FOREIGN_NUMBER if national.startswith("+") else Fault.NOT_A_NUMBER)
    if national.startswith("0"):
        raise BadContact(Fault.LANDLINE)
    if plain.fullmatch(kept := _PREFIX + national):
        return kept
    if len(national) > _LONGEST:  # more digits than Python makes a number of, too
        raise BadContact(Fault.NOT_A_MOBILE)
    number = phonenumbers.PhoneNumber(country_code=COUNTRY, national_number=int(national or "0"))
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE:
        raise BadContact(Fault.NOT_A_MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(typed: str) -> str:
    """An email as typed, normalised for comparing and keeping: NFC, lower case, the domain in its Unicode form.

    Raises BadContact.
    """
    text = unicodedata.normalize("NFC", typed.strip())
    lower = text.lower()
    if text.isascii() and _PLAIN_EMAIL.fullmatch(lower) and not lower.endswith(_SPECIAL):
        return lower
    if not text:
        raise BadContact(Fault.EMPTY)
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise BadContact(Fault.NOT_AN_EMAIL) from None
    return checked.normalized.lower()


@functools.cache
def _plain_mobile() -> re.Pattern[str]:
    """What phonenumbers' own figures call a mobile of ours and nothing else, in E.164; of others its functions are asked."""
    italy: Any = phonenumbers.PhoneMetadata.metadata_for_region("IT")
    kinds = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", "fixed_line")
    others = (kind.national_number_pattern for name in kinds if (kind := getattr(italy, name)) and kind.national_number_pattern)
    mobiles = italy.mobile
    lengths = "|".join(rf"\d{{{length}}}" for length in mobiles.possible_length)
    of_others, of_mobiles = "|".join(others), mobiles.national_number_pattern
    return re.compile(rf"{re.escape(_PREFIX)}(?=(?:{lengths})\Z)(?!(?:{of_others})\Z)(?:{of_mobiles})", re.ASCII)


def contact(typed: str) -> str:
    """A user name as typed: an email if there is an @ in it, else a mobile. Raises BadContact."""
    return email(typed) if "@" in typed else mobile(typed)


def is_email(canonical: str) -> bool:
    """Whether a canonical contact is an email."""
    return "@" in canonical


def mask(canonical: str) -> str:
    """A contact as it may be shown: ``320 *****19`` for a mobile, ``m***@e***.it`` for an email, else stars alone."""
    if is_email(canonical):
        local, _, domain = canonical.rpartition("@")
        name, dot, top = domain.rpartition(".")
        return f"{local[:1]}***@{name[:1]}***{dot}{top}" if local and name else "***"
    return mask_mobile(canonical)


def mask_mobile(e164: str) -> str:
    """The first three digits of the national number, a space, a star for each hidden digit, the last two."""
    national = e164.removeprefix(_PREFIX)
    # what looks like a mobile of ours needs no parsing: its national number is its digits
    if national == e164 or not (national.isascii() and national.isdigit() and national[0] == "3" and len(national) in _LIKELY):
        try:
            national = str(phonenumbers.parse(e164).national_number)
        except phonenumbers.NumberParseException:
            return "*" * len(e164)
    hidden = len(national) - _HEAD - _TAIL
    if hidden < 3:
        return "*" * len(national)
    return f"{national[:_HEAD]} {'*' * hidden}{national[-_TAIL:]}"
