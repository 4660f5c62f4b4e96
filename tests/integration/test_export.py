"""One archive of all that the system keeps of a customer, gathered by the services' commands; and one command that erases it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from recapito.claims.v1 import claims_pb2, claims_pb2_grpc

from recapito_servicekit.calling import bearer
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
    piped = subprocess.run(
        [sys.executable, "-m", "recapito_claims", "export-customer", known.customer_id, "-"],
        env={**os.environ, **system.environment_of("claims")},
        input=b"",
        capture_output=True,
        check=True,
    )
    (tmp_path / "piped.zip").write_bytes(piped.stdout)
    with zipfile.ZipFile(tmp_path / "piped.zip") as found:
        assert set(found.namelist()) == {name for name in names if name.startswith("claims/")}


@pytest.fixture
def run(system: System, tmp_path: Path) -> str:
    """Runs a service's command against the system: what deploy/customer/erase is told."""
    for service in ("auth", "contact-change", "claims"):
        lines = [f"export {name}={value!r}" for name, value in system.environment_of(service).items()]
        command = f'exec {sys.executable} -m recapito_{service.replace("-", "_")} "$@"'
        (tmp_path / service).write_text("\n".join(["#!/bin/sh", *lines, command, ""]))
        (tmp_path / service).chmod(0o755)
    return f"{tmp_path}/{{}}"


def test_one_command_erases_in_all_services_or_in_none(system: System, run: str) -> None:
    known, token = system.signed_in()
    number, token = file_claim(system, known, token)
    told = {**os.environ, "RECAPITO_RUN": run, "RECAPITO_ERASE_PAUSE": "0"}

    def erase(*options: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = ["deploy/customer/erase", known.customer_id, *options]
        return subprocess.run(command, env=told, input=typed, capture_output=True, text=True, timeout=120, check=False)

    refused = erase("--yes")
    assert refused.returncode == 1
    assert f"CLAIM_OPEN: claim {number} isn't over" in refused.stderr
    with system.channel("portal", "claims") as to:
        stub = claims_pb2_grpc.ClaimsServiceStub(to)
        (filed,) = stub.ListClaims(claims_pb2.ListClaimsRequest(), metadata=bearer(token)).claims  # nothing went, nor the session
        stub.WithdrawClaim(claims_pb2.WithdrawClaimRequest(claim_id=filed.claim_id), metadata=bearer(token))
    done = erase(typed=f"{known.customer_id}\n")
    assert done.returncode == 0, done.stderr
    assert f"stays: claim {number} (c.c. 2220, until " in done.stdout
    assert done.stdout.rpartition("once more")[2].count("erased: nothing") == 3
    system.register(known, known.mobile)
    assert system.sign_in(known)
