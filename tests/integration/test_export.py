"""One archive of all that the system keeps of a customer, gathered by the services' commands."""

import json
import zipfile
from pathlib import Path

from tests.integration.test_restore_drill import file_claim
from tests.support.journeys import file_change
from tests.support.system import System


def test_all_services_put_their_part_into_one_archive(system: System, tmp_path: Path) -> None:
    known, token = system.signed_in()
    other, _ = system.signed_in()
    number, token = file_claim(system, known, token)
    file_change(system, token, f"+39347{known.customer_id[-7:]}", "avviso@example.org")
    archive = tmp_path / "archive.zip"
    for service in ("auth", "contact-change", "claims"):
        system.command(service, "export-customer", known.customer_id, str(archive))
    with zipfile.ZipFile(archive) as found:
        names = found.namelist()
        told = {name: found.read(name).decode() for name in names if name.endswith(".json")}
    assert {name.partition("/")[0] for name in names} == {"auth", "contact-change", "claims"}
    assert json.loads(told["auth/auth.json"])["customers"][0]["email"] == known.email
    assert json.loads(told["contact-change/contact-change.json"])["changes"][0]["notify_email"] == "avviso@example.org"
    assert json.loads(told["claims/claims.json"])[0]["claim_number"] == number
    assert len([name for name in names if name.startswith("contact-change/") and name.endswith(".png")]) == 2
    assert len([name for name in names if name.startswith("claims/D-")]) == 1
    everything = "".join(told.values())
    assert other.email not in everything
    for secret in ("argon2", "password_hash", "wrapped_key", "token_digest"):
        assert secret not in everything
    assert f"claim {number}" in system.command("claims", "erase-customer", known.customer_id)
