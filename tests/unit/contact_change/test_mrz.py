"""Machine-readable zones as a recogniser hands them over, and what they say."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from recapito_contact_change import mrz
from recapito_contact_change.form import DocumentType, IdentityDocument
from recapito_documents.blobs import FolderBlobs
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline
from recapito_documents.reading import can_read, lines_of

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "documents"
CARD = IdentityDocument(DocumentType.IDENTITY_CARD, "CT64148CT", "Comune di Genova", date(2023, 2, 10), date(2033, 7, 23))
CARD_LINES = ("C<ITACT64148CT3<<<<<<<<<<<<<<<", "6507235M3307238ITA<<<<<<<<<<<8", "BOMPIANI<<FRANCO<<<<<<<<<<<<<<")
FRANCO = ("BMPFNC65L23D969W", "Franco", "Bompiani")


def said(lines: tuple[str, ...], typed: IdentityDocument = CARD, person: tuple[str, str, str] = FRANCO) -> dict[str, Any]:
    code, given, family = person
    found = mrz.compare(mrz.find(lines, typed.type), typed, code, given, family)
    return {one.code.value: dict(one.evidence) for one in found}


def test_check_digits_are_those_of_the_standard() -> None:
    assert (mrz.check_digit("L898902C3"), mrz.check_digit("740812"), mrz.check_digit("120415")) == (6, 2, 9)  # ICAO 9303-4


def test_a_zone_that_fits_all_that_is_known_says_so() -> None:
    assert said(CARD_LINES) == {"MRZ_MATCHES": {"read": "CT64148CT"}}
    assert said(tuple(reversed(CARD_LINES))) == {"MRZ_MATCHES": {"read": "CT64148CT"}}


@pytest.mark.parametrize(
    "lines",
    [
        ("C< ITACT64I48CT3 <<<<<", *CARD_LINES[1:]),
        ("C«ITACT64148CT3‹‹", "65O7235M33O7238ITA<<<<8", CARD_LINES[2]),
        ("COGNOME / SURNAME BOMPIANI", *CARD_LINES, "FACSIMILE"),
    ],
)
def test_letters_and_digits_that_look_alike_are_told_apart_by_their_place(lines: tuple[str, ...]) -> None:
    assert said(lines) == {"MRZ_MATCHES": {"read": "CT64148CT"}}


def test_a_number_with_its_check_digit_that_is_not_the_typed_one() -> None:
    typed = IdentityDocument(CARD.type, "CT64148CX", CARD.issuer, CARD.issued_on, CARD.expires_on)
    assert said(CARD_LINES, typed) == {"MRZ_NUMBER_DIFFERS": {"read": "CT64148CT", "typed": "CT64148CX"}}


def test_the_typed_number_with_a_check_digit_that_does_not_fit() -> None:
    lines = (CARD_LINES[0].replace("CT3<", "CT4<"), *CARD_LINES[1:])
    assert said(lines) == {"MRZ_CHECK_DIGIT": {"read": "CT64148CT", "typed": "CT64148CT"}}


def test_another_persons_card() -> None:
    got = said(CARD_LINES, person=("MRTMRA78L61F527L", "Maria", "Martini"))
    assert set(got) == {"MRZ_BIRTH_DATE_DIFFERS", "MRZ_NAME_DIFFERS"}
    assert got["MRZ_NAME_DIFFERS"] == {"read": "BOMPIANI FRANCO", "name": "Martini Maria"}


def test_an_expiry_that_is_not_the_typed_one() -> None:
    typed = IdentityDocument(CARD.type, CARD.number, CARD.issuer, CARD.issued_on, date(2034, 7, 23))
    assert said(CARD_LINES, typed) == {"MRZ_EXPIRY_DIFFERS": {"read": "23/07/33", "typed": "2034-07-23"}}


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("CARTA DI IDENTITA", "GENOVA"),
        ("C<ITACT64999CT7<<<<", "6507239M3307239ITA<<<8", "BOMPIANI<<FRANCO<<<"),  # no check digit fits
        (CARD_LINES[0], "6507239M3307238ITA<<<8", CARD_LINES[2]),  # the birth date can't be believed: no word of a match
        (CARD_LINES[0], CARD_LINES[1], "B0MP1AN1KKFRANCO"),  # nor without the names
        (CARD_LINES[0], CARD_LINES[1], "BOMPIANO<<FRANCA<<<<<<<<<<<<"),  # misread, or another's: neither is said
    ],
)
def test_what_can_not_be_read_is_no_match_and_no_difference(lines: tuple[str, ...]) -> None:
    assert said(lines) == {"MRZ_UNREADABLE": {}}


def test_a_name_in_another_script_is_held_against_its_codice_fiscale() -> None:
    lines = ("C<ITACP54497AJ1<<<<<<<<<<<<<<<", "6806191F3606197ITA<<<<<<<<<<<8", "CHEN<<MEILING<<<<<<<<<<<<<<<<<")
    digit = mrz.check_digit("CP54497AJ")
    lines = (f"C<ITACP54497AJ{digit}<<<<", f"680619{mrz.check_digit('680619')}F360619{mrz.check_digit('360619')}ITA<<<", lines[2])
    typed = IdentityDocument(CARD.type, "CP54497AJ", "Comune", date(2025, 7, 21), date(2036, 6, 19))
    assert set(said(lines, typed, ("CHNMNG68H59Z210M", "美玲", "陳"))) == {"MRZ_MATCHES"}


def truth() -> list[dict[str, Any]]:
    file = DATA / "documents.json"
    found: list[dict[str, Any]] = json.loads(file.read_text())["submissions"] if file.is_file() else []
    return found


@pytest.mark.skipif(not DATA.is_dir(), reason="no shared/data beside the checkout")
@pytest.mark.parametrize("submission", [one for one in truth() if one["document"].get("mrz")], ids=lambda one: one["submission"])
def test_the_specimens_true_zones_say_what_is_true(submission: dict[str, Any]) -> None:
    """What a perfect recogniser would find."""
    check_specimen(submission, tuple(submission["document"]["mrz"]))


READS = can_read() and bool(os.environ.get("RECAPITO_READ_SPECIMENS"))


def test_of_a_line_that_was_read_twice_the_one_that_fits_counts() -> None:
    garbled = ("C<ITACA12845AA0<<<<<<<<<<<<<<<", "8003014F3003011ITA<<<<<<<<<<<8", "BIANCHI<<ADA<<<<<<<<<<<<<<<<<<")
    digit = mrz.check_digit("CA12345AA")
    right = (
        f"C<ITACA12345AA{digit}<<<<<<<<<<<<<<<",
        f"800301{mrz.check_digit('800301')}F300301{mrz.check_digit('300301')}ITA<<<<<<<<<<<8",
    )
    for lines in ((*garbled, *right), (*right, *garbled)):
        zone = mrz.find(lines, DocumentType.IDENTITY_CARD)
        assert zone is not None
        assert (zone.number, zone.born, zone.expires) == (
            mrz.Field("CA12345AA", True),
            mrz.Field("800301", True),
            mrz.Field("300301", True),
        )


@pytest.mark.skipif(not READS or not DATA.is_dir(), reason="needs RECAPITO_READ_SPECIMENS=1 and recapito-documents[ocr]")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("submission", [one for one in truth() if one["document"].get("mrz")], ids=lambda one: one["submission"])
def test_what_is_read_on_the_specimens_is_never_a_false_match(submission: dict[str, Any], tmp_path: Path) -> None:
    pipeline = DocumentPipeline(FolderBlobs(tmp_path), KeyRing.parse("test:" + "A" * 43 + "="))
    lines: list[str] = []
    for file in submission["files"]:
        document = pipeline.store(file["file"], [(DATA / file["file"]).read_bytes()])
        for page in range(1, document.pages + 1):
            lines += lines_of(pipeline.read_page(document, page)[1])
    got = findings_of(submission, tuple(lines))
    print(submission["submission"], submission["variant"], submission["expected"]["problem"], "->", got)
    wrong = submission["expected"]["problem"] in FAULTS
    assert not (wrong and "MRZ_MATCHES" in got)
    if not wrong:
        assert got <= {"MRZ_MATCHES", "MRZ_UNREADABLE"}


FAULTS = {
    "mrz_number_digit": "MRZ_CHECK_DIGIT",
    "other_person": "MRZ_NAME_DIFFERS",
    "typed_number_differs": "MRZ_NUMBER_DIFFERS",
    "reused": "MRZ_NAME_DIFFERS",
}


def findings_of(submission: dict[str, Any], lines: tuple[str, ...]) -> set[str]:
    typed, customer = submission["form"]["identity_document"], submission["customer"]
    document = IdentityDocument(
        DocumentType(typed["type"]),
        typed["number"],
        typed["issuer"],
        date.fromisoformat(typed["issued_on"]),
        date.fromisoformat(typed["expires_on"]),
    )
    return set(said(lines, document, (customer["codice_fiscale"], customer["given_name"], customer["family_name"])))


def check_specimen(submission: dict[str, Any], lines: tuple[str, ...]) -> None:
    got = findings_of(submission, lines)
    fault = FAULTS.get(submission["expected"]["problem"])
    if fault is None:
        assert got == {"MRZ_MATCHES"}
    else:
        assert fault in got
        assert "MRZ_MATCHES" not in got
