"""The settings of every process, in ``var/env/<service>.env``, and the secrets in them, made once in ``var/secrets/``.

The files are read by a shell that starts a process, and by ``recapito_servicekit.settings`` for a command that runs without an
environment.
"""

import base64
import secrets
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from recapito_embedded.layout import FRONT_ENDS, GRPC_SERVICES, HOST, WORKERS, Layout, write_private
from recapito_servicekit.settings import DEVELOPMENT, BadSettings

BROKER_DATABASE: Final = 1
# a password's hash goes through 19 MiB: in huge pages, out of one heap, a sign-in costs 8 % less CPU (as docker-compose has it)
HASHING: Final = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1"}
SMS_MAIL_DOMAIN: Final = "sms.test"  # contract.md: a text arrives as a mail to <E.164 without +>@sms.test
_NEVER: Final = frozenset("\\\n\r\0")  # what a shell and dotenv don't read alike between quotes
_NEVER_WITH_APOSTROPHE: Final = frozenset('"$`')


def _key() -> str:
    """32 bytes in base64: nine that spell the mark by which production knows and refuses them, and 23 at random."""
    return base64.b64encode(base64.b64decode(f"{DEVELOPMENT}/") + secrets.token_bytes(23)).decode()


def _word() -> str:
    return f"{DEVELOPMENT}-{secrets.token_urlsafe(32)}"


def _password() -> str:
    return "-".join(secrets.token_hex(2) for _ in range(4))  # 64 bit, and a person can type it


_SECRETS: Final[Mapping[str, Callable[[], str]]] = {
    "redis-password": _word,
    "otp-pepper": _key,
    "otp-seal-key": _key,
    "totp-key": _key,
    "contact-change-document-key": _key,
    "claims-document-key": _key,
    "portal-secret-key": _word,
    "console-secret-key": _word,
    "sample-operator-password": _password,
}


def read_secrets(folder: Path) -> dict[str, str]:
    """Every secret by name; those that don't exist yet are made. They stay the same from then on."""
    found: dict[str, str] = {}
    for name, make in _SECRETS.items():
        file = folder / name
        if not file.is_file():
            write_private(file, make().encode())
        found[name] = file.read_text(encoding="ascii")
    return found


def redis_url(layout: Layout, keys: Mapping[str, str]) -> str:
    """The Redis in use: ``RECAPITO_REDIS_URL``, or our own."""
    own = f"redis://:{keys['redis-password']}@{HOST}:{layout.ports['redis']}/0"
    return layout.settings.get("RECAPITO_REDIS_URL") or own


def of_services(layout: Layout, keys: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The variables of each process, by service. What the environment of ``up`` sets wins, but where it would make two
    processes one: certificates, ports, files.
    """
    found = {service: _of_grpc(layout, service) for service in GRPC_SERVICES}
    found |= {service: _of_front_end(layout, keys, service) for service in FRONT_ENDS}
    found["inbox"] = {
        "RECAPITO_INBOX_SMTP_BIND": layout.bind("smtp"),
        "RECAPITO_INBOX_HTTP_BIND": layout.bind("inbox"),
    }
    found["auth"] |= HASHING
    for service, secret in _own_secrets(keys).items():
        found[service] |= secret
    common = {**_common(layout), **_stores(layout, keys), **layout.settings}
    return {service: {**common, **own} for service, own in found.items()}


def write(folder: Path, environments: Mapping[str, Mapping[str, str]]) -> None:
    """Writes a file a service. Raises BadSettings where a value can't stand in one."""
    faults = [
        f"{name}: a backslash or a line break can't stand here, nor an apostrophe together with one of \"$`"
        for name, value in sorted({item for values in environments.values() for item in values.items()})
        if _quoted(value) is None
    ]
    if faults:
        raise BadSettings(*faults)
    for service, values in environments.items():
        lines = [f"{name}={_quoted(value)}\n" for name, value in sorted(values.items())]
        write_private(folder / f"{service}.env", "".join(lines).encode())


def under(file: Path, command: list[str]) -> str:
    """A shell command line that runs ``command``, in place, with the variables of ``file``."""
    return shlex.join(["/bin/sh", "-c", 'set -a; . "$0"; exec "$@"', str(file), *command])


def _quoted(value: str) -> str | None:
    if _NEVER.intersection(value):
        return None
    if "'" not in value:
        return f"'{value}'"
    return None if _NEVER_WITH_APOSTROPHE.intersection(value) else f'"{value}"'


def _common(layout: Layout) -> dict[str, str]:
    return {
        "RECAPITO_ENVIRONMENT": "development",
        "RECAPITO_LOG_FORMAT": "text",
        "RECAPITO_REFLECTION": "1",
        "RECAPITO_LIMIT_EXEMPT_LOOPBACK": "1",
        "RECAPITO_COMPANY": "Mutua Esempio",
        "RECAPITO_HELP_CONTACT": "assistenza@mutua.example",
        "RECAPITO_SMTP_HOST": HOST,
        "RECAPITO_SMTP_PORT": str(layout.ports["smtp"]),
        "RECAPITO_SMTP_STARTTLS": "0",
        "RECAPITO_SMS_MAIL_DOMAIN": SMS_MAIL_DOMAIN,
        "RECAPITO_SECOND_REVIEW_PERCENT": "0",  # a demonstration shows the same each time
        "RECAPITO_PORTAL_DOMAIN": "localhost",
        "RECAPITO_PORTAL_URL": f"http://{layout.address('portal')}",
    }


def _stores(layout: Layout, keys: Mapping[str, str]) -> dict[str, str]:
    redis = redis_url(layout, keys)
    return {
        "RECAPITO_REDIS_URL": redis,
        "RECAPITO_BROKER_URL": urlunsplit(urlsplit(redis)._replace(path=f"/{BROKER_DATABASE}")),
    }


def _identity(layout: Layout, service: str) -> dict[str, str]:
    tls = layout.var / "tls"
    return {
        "RECAPITO_TLS_CA_FILE": str(tls / "ca.pem"),
        "RECAPITO_TLS_CERT_FILE": str(tls / f"{service}.pem"),
        "RECAPITO_TLS_KEY_FILE": str(tls / f"{service}-key.pem"),
        "RECAPITO_METRICS_BIND": layout.bind(f"{service}-metrics"),
        "RECAPITO_AUTH_ADDRESS": layout.address("auth"),
        "RECAPITO_OTP_ADDRESS": layout.address("otp"),
        "RECAPITO_CONTACT_CHANGE_ADDRESS": layout.address("contact-change"),
        "RECAPITO_CLAIMS_ADDRESS": layout.address("claims"),
    }


def _of_grpc(layout: Layout, service: str) -> dict[str, str]:
    work = {"RECAPITO_WORK_METRICS_BIND": layout.bind(f"{service}-work-metrics")} if service in WORKERS else {}
    return {
        **work,
        **_identity(layout, service),
        "RECAPITO_GRPC_BIND": layout.bind(service),
        "RECAPITO_CALLERS_FILE": str(layout.checkout / "deploy" / "callers.toml"),
        "RECAPITO_DATABASE_URL": f"sqlite:///{layout.var / 'db' / service}.sqlite",
        "RECAPITO_BLOB_DIR": str(layout.var / "blobs" / service),
    }


def _of_front_end(layout: Layout, keys: Mapping[str, str], service: str) -> dict[str, str]:
    return {
        **_identity(layout, service),
        "RECAPITO_HTTP_BIND": layout.bind(service),
        "RECAPITO_SECRET_KEY": keys[f"{service}-secret-key"],
        "RECAPITO_COOKIE_SECURE": "0",  # plain HTTP on loopback
        "RECAPITO_TRUSTED_HOSTS": f"localhost,{HOST}",
    }


def _own_secrets(keys: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        "otp": {"RECAPITO_OTP_PEPPER": keys["otp-pepper"], "RECAPITO_OTP_SEAL_KEY": keys["otp-seal-key"]},
        "auth": {"RECAPITO_TOTP_KEY": keys["totp-key"]},
        "contact-change": {
            "RECAPITO_DOCUMENT_KEYS": f"dev1:{keys['contact-change-document-key']}",
            "RECAPITO_INTAKE_THREADS": "1",  # SQLite has one writer at a time: more would wait for each other
            "RECAPITO_MAILER_THREADS": "2",
        },
        "claims": {"RECAPITO_DOCUMENT_KEYS": f"dev1:{keys['claims-document-key']}"},
    }
