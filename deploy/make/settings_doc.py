"""docs/settings.md from the settings classes: ``settings_doc.py`` writes it, ``settings_doc.py --check`` says if it is stale."""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_type_hints

from marshmallow import validate

from recapito_auth.settings import AuthSettings
from recapito_claims.settings import ClaimsSettings
from recapito_console.settings import ConsoleSettings
from recapito_contact_change.settings import ContactChangeSettings
from recapito_otp.settings import OtpSettings
from recapito_portal.settings import PortalSettings

FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
SERVICES: Final[Mapping[str, type[Any]]] = {
    "auth": AuthSettings,
    "otp": OtpSettings,
    "contact-change": ContactChangeSettings,
    "claims": ClaimsSettings,
    "portal": PortalSettings,
    "console": ConsoleSettings,
}
HEAD: Final = """# Settings

Every process reads its settings from the environment when it starts, takes them all or refuses them all in one message, and
never looks again. `recapito-<service> doctor` says whether a setup works. This page is made from the code: `make docs`.

- *Default* "—": the setting must be given.
- *Bound*: anything else is refused. A secret's characters are counted in production.
- *Production*: with `RECAPITO_ENVIRONMENT=production`, which is the default, nothing else is taken; nor is any secret that the
  embedded default made (it begins with `development`).
- A setting marked *secret* can be given as a file instead: `RECAPITO_…_FILE=/run/secrets/name`.
"""
TYPES: Final = {
    bool: "0 or 1",
    int: "whole number",
    float: "number",
    Path: "path",
    str: "text",
    tuple[str, ...]: "list, by commas",
}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(service, cls) for service, cls in SERVICES.items())])


def _section(service: str, cls: type[Any]) -> str:
    hints = get_type_hints(cls)
    rows = [_row(item, hints[item.name]) for item in sorted(dataclasses.fields(cls), key=lambda item: item.metadata["name"])]
    head = ["| variable | meaning | type | default | bound | production |", "|---|---|---|---|---|---|"]
    return "\n".join([f"## {service}", "", *head, *rows, ""])


def _row(item: "dataclasses.Field[Any]", kind: Any) -> str:
    rule = item.metadata
    default = "—" if item.default is dataclasses.MISSING else _shown(item.default)
    secret = ", secret" if rule["secret"] else ""
    bound = " ".join(filter(None, (_bound(rule["check"]), f"≥ {rule['least']} characters" if rule["least"] else "")))
    production = "" if rule["production"] is None else f"{int(rule['production'])}"
    if rule["unless"]:
        production += f", unless `{rule['unless']}=1`"
    cells = (f"`{rule['name']}`", rule["help"].replace("|", "\\|"), TYPES[kind] + secret, default, bound, production)
    return f"| {' | '.join(cells)} |"


def _shown(value: Any) -> str:
    if value == "":
        return "empty"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{int(value)}`" if isinstance(value, bool) else f"`{value}`"


def _bound(check: Any) -> str:
    if isinstance(check, validate.Range):
        return f"{check.min:,} to {check.max:,}"
    if isinstance(check, validate.OneOf):
        return " or ".join(f"`{choice}`" for choice in check.choices)
    return (check.__doc__ or "").strip().rstrip(".") if check else ""


def main() -> None:
    """Writes the page, or says that it is stale (exit 1)."""
    if "--check" not in sys.argv:
        FILE.write_text(page(), encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != page():
        sys.exit("docs/settings.md is not what the code says: make docs")


if __name__ == "__main__":
    main()
