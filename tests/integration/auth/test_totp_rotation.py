"""The key of operators' TOTP secrets is changed: they go on signing in, in every step."""

import base64
from pathlib import Path

from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, app_of
from tests.integration.otp.service import Otp
from tests.support.pki import Pki
from tests.support.serving import run_command

NEW = base64.b64encode(b"n" * 32).decode()


def test_operator_signs_in_before_and_after_secrets_are_sealed_anew(
    auth: Auth, otp: Otp, pki: Pki, clock: SetClock, tmp_path: Path
) -> None:
    app = app_of(auth.enrol("anna").uri)
    old = auth.environment["RECAPITO_TOTP_KEY"]

    def beside(keys: str) -> Auth:
        """Another process of the service on the same database, with other keys."""
        folder = tmp_path / keys[:4].replace("/", "_")
        folder.mkdir(exist_ok=True)
        urls = (auth.environment["RECAPITO_REDIS_URL"], auth.environment["RECAPITO_DATABASE_URL"])
        return Auth(pki, *urls, otp, clock, folder, RECAPITO_TOTP_KEY=keys)

    def signs_in(service: Auth) -> None:
        clock.forward(seconds=31)
        assert service.operator("anna", PASSWORD, app.at(clock.now)).session.token

    accepting, current = beside(f"{old},{NEW}"), beside(f"{NEW},{old}")
    for service in (auth, accepting, current):
        signs_in(service)
    done = run_command("auth", ["rewrap-keys"], {**auth.environment, "RECAPITO_TOTP_KEY": f"{NEW},{old}"})
    assert "1 secrets sealed anew" in done.stdout, done.stderr
    again = run_command("auth", ["rewrap-keys"], {**auth.environment, "RECAPITO_TOTP_KEY": f"{NEW},{old}"})
    assert "0 secrets sealed anew" in again.stdout
    alone = beside(NEW)
    for service in (accepting, current, alone):
        signs_in(service)
    lost = run_command("auth", ["rewrap-keys"], {**auth.environment, "RECAPITO_TOTP_KEY": old})
    assert lost.returncode == 1
    assert "can't be opened" in lost.stdout
    for service in (accepting, current, alone):
        service.stop()
