"""What a record must be like, field by field; the first fault counts."""

import functools
import re
import unicodedata
from collections.abc import Callable
from typing import Final

from recapito_auth.domain import names
from recapito_auth.domain.customers import PersonType
from recapito_auth.registry_import import fiscal
from recapito_auth.registry_import.parse import COLUMNS, Fault, Record
from recapito_servicekit import contacts

LONGEST: Final = {"customer_id": 64, "given_name": 100, "family_name": 200, "email": 254, "language": 35}
LONGEST_FOLDED: Final = {"given_folded": 400, "family_folded": 800}
LONGEST_POLICY: Final = 64
MOST_POLICIES: Final = 1000
SHORTEST_MOBILE: Final = 9
LONGEST_NUMBER: Final = 12  # digits; more are two numbers in one field

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*", re.ASCII)
_POLICIES: Final = re.compile(rf"(?=.{{1,{LONGEST_POLICY}}}$){_ID.pattern}", re.ASCII)  # one alone, what most have
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_JOINERS: Final = "\u200c\u200d"  # names in Persian or Hindi are written with them
_EXTENSION: Final = re.compile(r"\d\s*(ext|int|interno|x|#)\W*\d+\s*$", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[\t\r\n ]+")
_TAG: Final = re.compile(r"([A-Za-z]{2})(-[A-Za-z0-9]{2,8})*", re.ASCII)
_ISO_639_1: Final = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff
fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks
ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps
pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur
uz ve vi vo wa wo xh yi yo za zh zu
"""
_LANGUAGES: Final = frozenset(_ISO_639_1.split())

COLUMNS_KEPT: Final = (*COLUMNS, *LONGEST_FOLDED)

Row = dict[str, str]
"""A record that can be taken: canonical values by column, and the folded names."""


class _Bad(Exception):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def check(record: Record) -> Row | Fault:
    """The record in canonical form, or its first fault."""
    if record.fault is not None:
        return record.fault
    row: Row = {}
    values, is_utf8 = record.values, _is_utf8("".join(record.values.values()))
    for column, rule in _RULES.items():
        try:
            if not (is_utf8 or _is_utf8(values[column])):
                raise _Bad("encoding")
            row[column] = rule(values[column].strip(), row)
        except _Bad as bad:
            return Fault(column, bad.kind)
    row["given_folded"] = names.fold_given(row["given_name"])
    row["family_folded"] = names.fold_family(row["family_name"])
    for column, most in LONGEST_FOLDED.items():
        if len(row[column]) > most:
            return Fault(column.replace("folded", "name"), "too_long")
    return row


def _is_utf8(text: str) -> bool:
    """Whether it was UTF-8 in the file: bytes that weren't came through as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _customer_id(value: str, row: Row) -> str:
    if not value:
        raise _Bad("missing")
    if len(value) > LONGEST["customer_id"]:
        raise _Bad("too_long")
    if not _ID.fullmatch(value):
        raise _Bad("wrong_format")
    return value


def _person_type(value: str, row: Row) -> str:
    if not value:
        raise _Bad("missing")
    if value not in PersonType.__members__:
        raise _Bad("unknown_value")
    return value


def _given_name(value: str, row: Row) -> str:
    is_person = row["person_type"] == PersonType.PERSON
    if is_person and not value:
        raise _Bad("missing")
    if value and not is_person:
        raise _Bad("wrong_format")
    return _name(value, LONGEST["given_name"])


def _family_name(value: str, row: Row) -> str:
    if not value:
        raise _Bad("missing")
    return _name(value, LONGEST["family_name"])


def _name(value: str, most: int) -> str:
    if value.startswith(_FORMULA):
        raise _Bad("spreadsheet_formula")
    if value.isascii() and value.isprintable() and "  " not in value:
        return value
    line = _BLANKS.sub(" ", value)  # a line break within quotes is a blank
    if any(unicodedata.category(c) in ("Cc", "Cf") and c not in _JOINERS for c in line):
        raise _Bad("control_character")
    canonical = unicodedata.normalize("NFC", line)  # which may be longer
    if len(canonical) > most:
        raise _Bad("too_long")
    return canonical


def _codice_fiscale(value: str, row: Row) -> str:
    if not value:
        raise _Bad("missing")
    code = value.upper()
    fault = fiscal.person_fault(code) if row["person_type"] == PersonType.PERSON else fiscal.company_fault(code)
    if fault is not None:
        raise _Bad(fault)
    return code


def _email(value: str, row: Row) -> str:
    if not value:
        return ""
    if len(value) > LONGEST["email"]:
        raise _Bad("too_long")
    try:
        return contacts.email(value)
    except contacts.BadContact:
        raise _Bad("wrong_format") from None


def _mobile(value: str, row: Row) -> str:
    if not value:
        return ""
    try:
        return contacts.mobile(value)
    except contacts.BadContact as bad:
        raise _Bad(_mobile_fault(value, bad.fault)) from None


def _mobile_fault(value: str, fault: contacts.Fault) -> str:
    if any(c.isdigit() and not c.isascii() for c in value):
        return "not_ascii_digits"
    if _EXTENSION.search(value):
        return "extension"
    if fault is contacts.Fault.FOREIGN_NUMBER:
        return "foreign_number"
    if fault is contacts.Fault.LANDLINE:
        return "landline"
    digits = re.sub(r"^(\+|00)39", "", re.sub(r"[^0-9+]", "", value))
    if fault is contacts.Fault.NOT_A_NUMBER or len(digits) > LONGEST_NUMBER:
        return "wrong_format"
    return "too_short" if len(digits) < SHORTEST_MOBILE else "not_mobile"


def _language(value: str, row: Row) -> str:
    if not value:
        raise _Bad("missing")
    if not _is_language(value):
        raise _Bad("unknown_value")
    return value


@functools.lru_cache
def _is_language(value: str) -> bool:
    tag = _TAG.fullmatch(value)
    return tag is not None and len(value) <= LONGEST["language"] and tag[1].lower() in _LANGUAGES


def _policy_numbers(value: str, row: Row) -> str:
    if not value:
        return ""
    if _POLICIES.fullmatch(value):
        return value
    numbers = [number.strip() for number in value.split(";") if number.strip()]
    if len(numbers) > MOST_POLICIES or any(len(number) > LONGEST_POLICY for number in numbers):
        raise _Bad("too_long")
    if not all(_ID.fullmatch(number) for number in numbers):
        raise _Bad("wrong_format")
    return ";".join(dict.fromkeys(numbers))


_RULES: Final[dict[str, Callable[[str, Row], str]]] = {
    "customer_id": _customer_id,
    "person_type": _person_type,
    "given_name": _given_name,
    "family_name": _family_name,
    "codice_fiscale": _codice_fiscale,
    "email": _email,
    "mobile": _mobile,
    "language": _language,
    "policy_numbers": _policy_numbers,
}
