"""What ``up`` writes down before it starts anything: settings, certificates, secrets, the supervisor's configuration."""

import base64
import socket
import stat
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from dotenv import dotenv_values
from supervisor.options import ServerOptions

from recapito_embedded import environment, pki, supervision, system
from recapito_embedded.layout import PORTS, Layout
from recapito_embedded.programs import programs
from recapito_embedded.startup import Failed
from recapito_servicekit.settings import BadSettings

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def layout_in(folder: Path, more: Mapping[str, str] | None = None) -> Layout:
    layout = Layout.read({"RECAPITO_EMBEDDED_VAR": str(folder / "a var"), **(more or {})})
    layout.make_folders()
    return layout


def environments_of(layout: Layout) -> dict[str, dict[str, str]]:
    return environment.of_services(layout, environment.read_secrets(layout.var / "secrets"))


def test_ports_are_the_contracts_and_each_is_a_setting() -> None:
    layout = Layout.read({"RECAPITO_EMBEDDED_PORT_OFFSET": "1000", "RECAPITO_EMBEDDED_CONTACT_CHANGE_METRICS_PORT": "7"})
    assert layout.ports == {**{name: port + 1000 for name, port in PORTS.items()}, "contact-change-metrics": 7}
    plain = Layout.read({})
    assert plain.var == plain.checkout / "var"
    assert [plain.ports[f"{name}-metrics"] for name in ("auth", "otp", "contact-change", "claims", "portal", "console")] == [
        *range(9101, 9107)
    ]


def test_wrong_ports_are_told_together() -> None:
    with pytest.raises(BadSettings) as caught:
        Layout.read({"RECAPITO_EMBEDDED_PORTAL_PORT": "x", "RECAPITO_EMBEDDED_REDIS_PORT": "70000"})
    assert "RECAPITO_EMBEDDED_PORTAL_PORT" in str(caught.value)
    assert "RECAPITO_EMBEDDED_REDIS_PORT" in str(caught.value)
    with pytest.raises(BadSettings, match="the same"):
        Layout.read({"RECAPITO_EMBEDDED_PORTAL_PORT": "8081"})


def test_each_service_has_its_own_identity_and_the_callers_settings_win_elsewhere(tmp_path: Path) -> None:
    given = {"RECAPITO_COMPANY": "Mutua dell'Aquila", "RECAPITO_TLS_CERT_FILE": "/other", "RECAPITO_OTP_RESEND_SECONDS": "30"}
    found = environments_of(layout_in(tmp_path, given))
    for service in ("auth", "otp", "contact-change", "claims", "portal", "console"):
        assert found[service]["RECAPITO_TLS_CERT_FILE"].endswith(f"/tls/{service}.pem")
        assert found[service]["RECAPITO_COMPANY"] == "Mutua dell'Aquila"
    assert found["otp"]["RECAPITO_OTP_RESEND_SECONDS"] == "30"
    assert found["portal"]["RECAPITO_AUTH_ADDRESS"] == "localhost:50051"
    assert "RECAPITO_OTP_PEPPER" not in found["portal"]
    assert found["otp"]["RECAPITO_REDIS_URL"].endswith("@127.0.0.1:6390/0")
    assert found["contact-change"]["RECAPITO_BROKER_URL"].endswith("@127.0.0.1:6390/1")


def test_a_redis_that_is_given_is_used_and_none_is_started(tmp_path: Path) -> None:
    layout = layout_in(tmp_path, {"RECAPITO_REDIS_URL": "redis://:pw@db.example:6379/0"})
    plan = system.prepare(layout)
    assert "redis" not in {program.name for program in plan.programs}
    assert plan.environments["auth"]["RECAPITO_REDIS_URL"] == "redis://:pw@db.example:6379/0"
    assert plan.environments["contact-change"]["RECAPITO_BROKER_URL"] == "redis://:pw@db.example:6379/1"


def test_shell_and_dotenv_read_the_same_from_a_file(tmp_path: Path) -> None:
    values = {"RECAPITO_A": 'with space $HOME `id` " # %d', "RECAPITO_B": "l'apostrofo ; è", "RECAPITO_C": ""}
    environment.write(tmp_path, {"svc": values})
    file = tmp_path / "svc.env"
    assert dict(dotenv_values(file, interpolate=False)) == values
    line = environment.under(file, ["env"])
    said = subprocess.run(line, shell=True, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}).stdout
    assert values == {name: value for name, _, value in (row.partition("=") for row in said.splitlines()) if name in values}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ["a\nb", "a\\b", "'$(id)"])
def test_a_value_that_a_file_cannot_hold_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(BadSettings, match="RECAPITO_A"):
        environment.write(tmp_path, {"svc": {"RECAPITO_A": value}})


def test_secrets_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    layout = layout_in(tmp_path)
    first = environment.read_secrets(layout.var / "secrets")
    assert environment.read_secrets(layout.var / "secrets") == first
    assert len(set(first.values())) == len(first)
    assert len(base64.b64decode(first["totp-key"])) == 32
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (layout.var / "secrets").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(layout.var.stat().st_mode) == 0o700


def test_certificates_name_their_caller_and_stay_until_they_are_about_to_end(tmp_path: Path) -> None:
    pki.prepare(tmp_path, NOW)
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    for name in pki.CALLERS:
        cert = x509.load_pem_x509_certificate((tmp_path / f"{name}.pem").read_bytes())
        cert.verify_directly_issued_by(ca)
        assert [item.value for item in cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [name]
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["localhost"]
        usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
        assert stat.S_IMODE((tmp_path / f"{name}-key.pem").stat().st_mode) == 0o600
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    pki.prepare(tmp_path, NOW + timedelta(days=300))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    pki.prepare(tmp_path, NOW + timedelta(days=340))
    changed = {path.name for path in tmp_path.iterdir() if path.read_bytes() != before[path.name]}
    assert changed == {f"{name}{end}" for name in pki.CALLERS for end in (".pem", "-key.pem")}


def test_supervisor_reads_what_we_write_and_stops_the_stores_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = layout_in(tmp_path / "100% sure")
    monkeypatch.chdir(layout.run)
    (layout.run / "supervisord.conf").write_text(supervision.configuration(programs(layout, "redis-server x")))
    options = ServerOptions()
    options.realize(["-c", str(layout.run / "supervisord.conf")])
    by_priority = sorted(options.process_group_configs, key=lambda group: group.priority)
    assert [group.name for group in by_priority] == ["stores", "services", "workers", "fronts"]
    listed = {process.name: process for group in by_priority for process in group.process_configs}
    assert set(listed) == {
        *("redis", "inbox", "auth", "otp", "contact-change", "claims"),
        *("auth-work", "otp-work", "contact-change-work", "claims-work", "portal", "console"),
    }
    assert f"{layout.var}/env/otp.env" in listed["otp"].command
    assert listed["redis"].autostart
    assert not listed["auth"].autostart


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        layout = layout_in(tmp_path, {"RECAPITO_EMBEDDED_PORT_OFFSET": "12000", "RECAPITO_EMBEDDED_INBOX_PORT": str(port)})
        with pytest.raises(Failed, match=rf"127\.0\.0\.1:{port} \(inbox\).*RECAPITO_EMBEDDED_INBOX_PORT"):
            system.up(layout)
    assert not (layout.run / "supervisord.conf").exists()
