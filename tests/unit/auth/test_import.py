"""The registry import: the sample registries, row by row; what the command prints."""

import json
from pathlib import Path
from string import ascii_uppercase

import pytest
import sqlalchemy as sa
from codicefiscale import codicefiscale
from hypothesis import given
from hypothesis import strategies as st

import recapito_auth
from recapito_auth.__main__ import main
from recapito_auth.domain import names
from recapito_auth.registry_import import fiscal, run
from recapito_auth.registry_import.parse import COLUMNS, Fault, Record, Unreadable
from recapito_auth.registry_import.rules import check
from recapito_auth.registry_import.spool import Spool
from recapito_auth.store.tables import CUSTOMERS
from recapito_servicekit import sql

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "deploy" / "sample" / "customers.csv"
ROW = {
    "customer_id": "C1",
    "person_type": "PERSON",
    "given_name": "Maria",
    "family_name": "Rossi",
    "codice_fiscale": "RSSMRA80A41H501Y",
    "email": "maria.rossi@example.com",
    "mobile": "3201234519",
    "language": "it",
    "policy_numbers": "P-1",
}
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared sample data is not on this machine")


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> sql.Database:
    monkeypatch.setenv("RECAPITO_DATABASE_URL", database_url)
    sql.migrate(database_url, Path(recapito_auth.__file__).parent)
    return sql.Database(database_url, 1)


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["import-customers", *map(str, arguments)])
    assert isinstance(left.value.code, int)
    return left.value.code


def mobiles(database: sql.Database) -> dict[str, str]:
    with database.read() as connection:
        found = connection.execute(sa.select(CUSTOMERS.c.customer_id, CUSTOMERS.c.mobile))
        return {row.customer_id: row.mobile for row in found}


@needs_data
def test_all_five_thousand_customers_import_right(database: sql.Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(DATA / "customers.csv") == 0
    cases = json.loads((DATA / "customers.cases.json").read_text())
    kept = mobiles(database)
    expected = {case["customer_id"]: case["e164"] for written in cases["mobiles"].values() for case in written}
    assert {customer_id: kept[customer_id] for customer_id in expected} == expected
    assert (len(kept), sum(not mobile for mobile in kept.values())) == (cases["customers"], cases["without_mobile"])
    assert command(DATA / "customers.csv") == 0
    assert "5000 unchanged" in capsys.readouterr().out


@needs_data
def test_odd_customers_import_whole(database: sql.Database) -> None:
    assert command(DATA / "customers-odd.csv") == 0
    assert len(mobiles(database)) == 18


@needs_data
def test_bad_customers_are_told_record_by_record_and_import_nothing(database: sql.Database, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert command(DATA / "customers-bad.csv", "--report", report) == 1
    expected = json.loads((DATA / "customers-bad.expected.json").read_text())
    bad = {number: {"field": e["field"], "kind": e["kind"]} for number, e in expected.items() if e["kind"] != "valid"}
    assert json.loads(report.read_text()) == bad
    lines = {record.number: record.line for record, _ in run.read(DATA / "customers-bad.csv", Spool(), lambda _: None)}
    assert lines == {int(number): expected[number]["line"] for number in bad}
    assert mobiles(database) == {}
    assert command(DATA / "customers-bad.csv", "--skip-bad") == 0
    assert len(mobiles(database)) == 18


def test_sample_registry_imports_whole(database: sql.Database) -> None:
    assert command(SAMPLE) == 0
    kept = mobiles(database)
    assert (kept["C0001"], kept["C0002"], len(kept)) == ("+393201234519", "", 50)


def test_dry_run_changes_nothing(database: sql.Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(SAMPLE, "--dry-run") == 0
    assert "50 would be added" in capsys.readouterr().out
    assert mobiles(database) == {}


def test_diff_names_columns_and_no_value(database: sql.Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.csv"
    for row in (ROW, {**ROW, "mobile": "347 1112223", "language": "en"}):
        file.write_text(f"{','.join(COLUMNS)}\n{','.join(row.values())}\n")
        assert command(file) == 0
    printed = capsys.readouterr().out
    assert "~ C1: mobile, language" in printed
    assert "347" not in printed


def test_json_lines_import_like_csv(database: sql.Database, tmp_path: Path) -> None:
    file = tmp_path / "customers.jsonl"
    rows = [ROW, {**ROW, "customer_id": "C2", "policy_numbers": ["P-2", "P-3"], "mobile": None}]
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    assert command(file) == 0
    assert mobiles(database) == {"C1": "+393201234519", "C2": ""}
    file.write_text('{"customer_id": 7}\n[]\nnonsense\n{"x": "y"}\n')
    kinds = [(fault.field, fault.kind) for _, fault in run.read(file, Spool(), lambda _: None)]
    assert kinds == [("customer_id", "wrong_format"), (None, "wrong_format"), (None, "wrong_format"), (None, "column_count")]


def test_file_without_the_columns_is_refused(database: sql.Database, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("name,mobile\nMaria,320\n")
    assert command(file) == 1
    with pytest.raises(Unreadable):
        run.read(file, Spool(), lambda _: None)
    assert command(tmp_path / "nowhere.csv") == 1


def test_quote_that_is_closed_too_early_spoils_its_record_alone(tmp_path: Path) -> None:
    file = tmp_path / "quotes.csv"
    good = ",".join(ROW.values())
    file.write_text(f"{','.join(COLUMNS)}\n{good.replace('Maria', chr(34) + 'Ma' + chr(34) + 'ria')}\n{good}\n")
    bad = run.read(file, Spool(), lambda _: None)
    assert [(record.number, fault.kind) for record, fault in bad] == [(2, "wrong_format")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"customer_id": "=1+1"}, Fault("customer_id", "wrong_format")),
        ({"given_name": "=A1"}, Fault("given_name", "spreadsheet_formula")),
        ({"given_name": "Ma\u200bria"}, Fault("given_name", "control_character")),
        ({"family_name": "\ufdfa" * 150}, Fault("family_name", "too_long")),
        ({"person_type": "COMPANY", "codice_fiscale": "00000010215"}, Fault("given_name", "wrong_format")),
        ({"language": ""}, Fault("language", "missing")),
        ({"language": "zh-Hant-TW"}, None),
        ({"mobile": "800 848207"}, Fault("mobile", "not_mobile")),
        ({"policy_numbers": "P 1"}, Fault("policy_numbers", "wrong_format")),
        ({"policy_numbers": ""}, None),
    ],
)
def test_rule_for_a_row(change: dict[str, str], fault: Fault | None) -> None:
    found = check(Record(2, 2, {**ROW, **change}))
    assert found == fault if fault is not None else not isinstance(found, Fault)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("RSSMRA80A41H501Y", None),
        ("RSSMRA80A41H501X", "check_character"),
        ("RSSMRA80A41H50", "wrong_length"),
        ("RSSMRA80F41H501Y", "wrong_format"),
    ],
)
def test_codice_fiscale(code: str, fault: str | None) -> None:
    assert fiscal.person_fault(code) == fault


@given(st.from_regex(r"[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}", fullmatch=True))
def test_check_character_is_what_the_library_says(fifteen: str) -> None:
    expected = codicefiscale.encode_cin(fifteen)
    wrong = {fiscal.person_fault(fifteen + letter) for letter in ascii_uppercase if letter != expected}
    assert fiscal.person_fault(fifteen + expected) != "check_character"
    assert wrong <= {"check_character", "wrong_format"}


@given(st.text())
def test_names_of_ascii_fold_as_all_names_do(name: str) -> None:
    plain = "".join(c for c in name if c.isascii())
    assert names.words(plain) == names.words(plain + "\u0301")  # a mark alone: the long way, and the same words
