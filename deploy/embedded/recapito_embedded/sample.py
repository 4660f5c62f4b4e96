"""The sample registry and the sample operators, brought in once, and how to sign in as they."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from recapito_embedded.layout import Layout, write_private
from recapito_embedded.programs import Command

OPERATORS: Final[Mapping[str, str]] = {"anna": "reviewer", "sara": "supervisor", "aldo": "auditor"}
PASSWORD: Final = "sample-operator-password"


class Sample:
    """The sample data of one system. What ``create-operator`` printed is kept in ``var/sample/<name>.txt``, and all of it, as
    ``{name: {role, password, totp_secret}}``, in ``var/sample/operators.json``.
    """

    def __init__(self, layout: Layout) -> None:
        self._folder = layout.var / "sample"
        self._registry = layout.checkout / "deploy" / "sample" / "customers.csv"
        self._password_file = layout.var / "secrets" / PASSWORD

    def commands(self) -> list[Command]:
        """What still has to be run, after the migrations; nothing once it has been."""
        migrated = ("auth-migrate",)
        arguments: tuple[str, ...] = ("import-customers", str(self._registry))
        wanted = [] if self._imported.exists() else [Command("import-customers", "auth", arguments, migrated)]
        for name, role in OPERATORS.items():
            if _totp_secret(self._printed(name)) is None:
                arguments = ("create-operator", name, "--role", role, "--password-file", str(self._password_file))
                wanted.append(Command(f"create-operator-{name}", "auth", arguments, migrated, self._printed(name)))
        return wanted

    def note_done(self) -> None:
        """To be called when the commands have succeeded."""
        write_private(self._imported, b"")
        write_private(self._folder / "operators.json", json.dumps(self.operators(), indent=2).encode())

    def operators(self) -> dict[str, dict[str, str]]:
        """How each sample operator signs in."""
        password = self._password_file.read_text(encoding="ascii")
        return {
            name: {"role": role, "password": password, "totp_secret": secret}
            for name, role in OPERATORS.items()
            if (secret := _totp_secret(self._printed(name))) is not None
        }

    def customers(self) -> list[dict[str, str]]:
        """Two persons of the sample registry to register as: one with a mobile on file, one without."""
        with self._registry.open(encoding="utf-8", newline="") as stream:
            persons = [row for row in csv.DictReader(stream) if row["person_type"] == "PERSON" and row["email"]]
        with_mobile = [row for row in persons if row["mobile"]]
        without = [row for row in persons if not row["mobile"]]
        return with_mobile[:1] + without[:1]

    @property
    def _imported(self) -> Path:
        return self._folder / "registry-imported"

    def _printed(self, operator: str) -> Path:
        return self._folder / f"{operator}.txt"


def _totp_secret(printed: Path) -> str | None:
    lines = printed.read_text(encoding="utf-8").splitlines() if printed.exists() else []
    uris = [line.strip() for line in lines if line.strip().startswith("otpauth://")]
    return parse_qs(urlsplit(uris[0]).query)["secret"][0] if uris else None
