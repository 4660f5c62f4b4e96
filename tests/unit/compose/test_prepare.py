"""What ``deploy/compose/prepare`` makes is what docker-compose.yml asks for, once."""

import re
import stat
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509

from tests.support.compose_prepare import load_prepare

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    return load_prepare(monkeypatch, tmp_path)


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_every_secret_of_the_compose_file_is_made_and_closed_to_others_by_its_folder(prepare: ModuleType) -> None:
    prepare.main()
    wanted = set(re.findall(r"file: \./deploy/compose/secrets/([\w.-]+)", (ROOT / "docker-compose.yml").read_text()))
    assert wanted
    assert wanted <= {file.name for file in prepare.FOLDER.iterdir()}
    assert stat.S_IMODE(prepare.FOLDER.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in prepare.FOLDER.iterdir()}
    assert modes.pop("ca-key.pem") == 0o600
    assert set(modes.values()) == {0o444}


def test_a_second_time_changes_nothing(prepare: ModuleType) -> None:
    prepare.main()
    before = _contents(prepare.FOLDER)
    prepare.main()
    assert _contents(prepare.FOLDER) == before


def test_a_certificate_names_the_host_that_compose_gives_the_service(prepare: ModuleType) -> None:
    prepare.main()
    cert = x509.load_pem_x509_certificate((prepare.FOLDER / "contact-change.pem").read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["contact-change", "localhost"]


def test_redis_lets_each_service_at_its_own_keys_alone(prepare: ModuleType) -> None:
    prepare.main()
    rules = (prepare.FOLDER / "redis-users.acl").read_text().splitlines()
    assert rules[0] == "user default off ~* &* +@all"  # what it lacks, Redis doesn't read back from its own file
    assert [rule.split()[4] for rule in rules if rule.startswith("user auth ")] == ["~auth:*"]


def test_the_companys_own_certificates_are_left_alone_and_missing_ones_named(prepare: ModuleType) -> None:
    prepare.main()
    (prepare.FOLDER / "ca-key.pem").unlink()
    before = _contents(prepare.FOLDER)
    prepare.main()
    assert _contents(prepare.FOLDER) == before
    (prepare.FOLDER / "otp-key.pem").unlink()
    with pytest.raises(SystemExit, match=r"otp-key\.pem"):
        prepare.main()
