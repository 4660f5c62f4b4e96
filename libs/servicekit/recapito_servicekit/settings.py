"""Settings: environment variables ``RECAPITO_…`` into a frozen dataclass, all faults told together at start.

A secret may be given as ``…_FILE``. Production takes no development secret, none that is too short, and no switch that is safe
on one machine alone: each field says so itself. A command that runs with none of its variables takes those that the embedded
default wrote beside the virtual environment it runs in, so that after ``make up`` commands need no environment.
"""

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

from dotenv import dotenv_values
from marshmallow import ValidationError, fields
from marshmallow import validate as checks

PREFIX: Final = "RECAPITO_"
ENVIRONMENT: Final = PREFIX + "ENVIRONMENT"
PRODUCTION: Final = "production"
# every secret that the embedded default makes begins with this word, which is base64 as well
DEVELOPMENT: Final = "development"
T = TypeVar("T")
_MISSING: Final = dataclasses.MISSING


class BadSettings(Exception):
    """Raised at start: the settings can't be taken. ``faults`` names every one; the message has them one a line."""

    def __init__(self, *faults: str) -> None:
        super().__init__("cannot start, these settings are wrong:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


def setting(
    name: str,
    help: str,
    *,
    default: Any = _MISSING,
    secret: bool = False,
    check: Callable[[Any], Any] | None = None,
    least: int = 0,
    production: bool | None = None,
    unless: str = "",
) -> Any:
    """A field of a settings class: the variable ``RECAPITO_<name>``, what it is for, its default and its bound.

    ``least``: characters that a secret needs in production. ``production``: the only value that production takes, unless the
    switch ``RECAPITO_<unless>`` is on.
    """
    metadata = {"name": PREFIX + name, "help": help, "secret": secret, "check": check}
    safety = {"least": least, "production": production, "unless": unless and PREFIX + unless}
    return dataclasses.field(default=default, metadata={**metadata, **safety})


def between(low: float, high: float) -> Callable[[Any], Any]:
    """A bound on a number, both ends allowed."""
    return checks.Range(min=low, max=high)


def one_of(*values: str) -> Callable[[Any], Any]:
    """A choice."""
    return checks.OneOf(values)


@dataclass(frozen=True, kw_only=True)
class CommonSettings:
    """What every process is told."""

    environment: str = setting(
        "ENVIRONMENT",
        "production refuses development secrets and unsafe switches; development is what the embedded default runs",
        default=PRODUCTION,
        check=one_of(PRODUCTION, "development"),
    )
    log_format: str = setting("LOG_FORMAT", "json, or text for a terminal", default="json", check=one_of("json", "text"))
    log_level: str = setting(
        "LOG_LEVEL", "the least level that is logged", default="INFO", check=one_of("DEBUG", "INFO", "WARNING", "ERROR")
    )
    tls_ca_file: Path = setting("TLS_CA_FILE", "the CA whose certificates are believed, PEM")
    tls_cert_file: Path = setting("TLS_CERT_FILE", "this process's certificate, PEM; its common name is who it is to others")
    tls_key_file: Path = setting("TLS_KEY_FILE", "the key of that certificate, PEM")
    otlp_endpoint: str = setting(
        "OTLP_ENDPOINT",
        "an OpenTelemetry collector that takes spans, http://host:4318; empty: none; needs recapito-servicekit[otel]",
        default="",
    )
    metrics_bind: str = setting("METRICS_BIND", "where /metrics, /livez and /readyz are served; empty: nowhere", default="")


@dataclass(frozen=True, kw_only=True)
class ServerSettings(CommonSettings):
    """What every gRPC service is told."""

    grpc_bind: str = setting("GRPC_BIND", "the address and port to serve gRPC on")
    callers_file: Path = setting("CALLERS_FILE", "which caller may call which RPC (callers.toml)")
    reflection: bool = setting("REFLECTION", "serve gRPC reflection", default=False)
    threads: int = setting("THREADS", "threads for flows that wait on SQL or hash", default=8, check=between(1, 256))
    queue: int = setting(
        "QUEUE", "calls that may wait for a thread before more are refused", default=64, check=between(0, 10_000)
    )
    call_seconds: float = setting(
        "CALL_SECONDS",
        "the longest a call may take, and the deadline of one that came without",
        default=5.0,
        check=between(1, 10),
    )
    stream_seconds: float = setting(
        "STREAM_SECONDS", "the same for uploads and other streams", default=60.0, check=between(10, 600)
    )
    least_call_ms: int = setting(
        "LEAST_CALL_MS",
        "what must be left of a call's deadline; else it is refused at once",
        default=100,
        check=between(0, 1_000),
    )
    step_up_minutes: int = setting(
        "STEP_UP_MINUTES",
        "how old a customer's last code may be where a claim is submitted, or contact or password change from inside",
        default=10,
        check=between(1, 10),
    )


@dataclass(frozen=True, kw_only=True)
class WorkSettings:
    """What a service with background jobs is told."""

    work_metrics_bind: str = setting(
        "WORK_METRICS_BIND", "the same as METRICS_BIND for the process of the background jobs; empty: nowhere", default=""
    )
    delivery_tries: int = setting(
        "DELIVERY_TRIES",
        "tries of an event, a mail or a text that fails, each after twice the time; then it is a dead letter",
        default=5,
        check=between(1, 20),
    )


@dataclass(frozen=True, kw_only=True)
class SqlSettings:
    """What a service with a database is told."""

    database_url: str = setting("DATABASE_URL", "sqlite:///path or postgresql://user:password@host/name", secret=True)


@dataclass(frozen=True, kw_only=True)
class DocumentSettings:
    """Where a service keeps documents, and who scans them."""

    blob_dir: Path = setting(
        "BLOB_DIR", "the folder that keeps the encrypted documents; needed where no bucket does", default=Path()
    )
    blob_bucket: str = setting(
        "BLOB_BUCKET",
        "s3://bucket/prefix of an S3-compatible store that keeps them instead; needs recapito-documents[s3]",
        default="",
    )
    s3_endpoint: str = setting(
        "S3_ENDPOINT", "that store's address, https://host:port, the bucket in the path; empty: Amazon's own", default=""
    )
    s3_region: str = setting(
        "S3_REGION", "that store's region, which each request is signed for; many don't look", default="eu-south-1"
    )
    s3_key_id: str = setting("S3_KEY_ID", "the id of our access key there", default="", secret=True)
    s3_secret: str = setting("S3_SECRET", "that access key's secret", default="", secret=True)
    clamd_address: str = setting(
        "CLAMD_ADDRESS", "a ClamAV daemon that scans documents, host:port or unix:/path; empty: none does", default=""
    )


def load(cls: type[T], service: str, environ: Mapping[str, str] | None = None) -> T:
    """Reads ``cls`` from the environment. Raises BadSettings naming every variable that is missing, wrong or out of bounds."""
    values = dict(os.environ if environ is None else environ)
    items = dataclasses.fields(cls)  # type: ignore[arg-type]
    ours = {item.metadata["name"] for item in items}
    if environ is None and not any(name.removesuffix("_FILE") in ours for name in values):
        values.update(_embedded(service))
    faults: list[str] = []
    hints = get_type_hints(cls)
    found: dict[str, Any] = {}
    for item in items:
        try:
            raw = _raw(item, values)
            if raw is not None:
                found[item.name] = _parse(item, hints[item.name], raw)
            elif item.default is _MISSING:
                faults.append(f"{item.metadata['name']}: missing ({item.metadata['help']})")
        except ValidationError as error:
            faults.append(f"{item.metadata['name']}: {' '.join(map(str, _flat(error)))}")
        except (OSError, UnicodeDecodeError) as error:
            reason = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else "not UTF-8"
            faults.append(f"{item.metadata['name']}_FILE: {reason}")
    if values.get(ENVIRONMENT, PRODUCTION) == PRODUCTION:
        faults += _unsafe({item.metadata["name"]: (item, found.get(item.name, item.default)) for item in items})
    if not faults:
        try:
            return cls(**found)
        except ValueError as error:  # what a class says of several settings together
            faults.append(str(error))
    raise BadSettings(*faults)


def _unsafe(given: Mapping[str, "tuple[dataclasses.Field[Any], Any]"]) -> list[str]:
    """What production doesn't take of the values given, by variable; one that is missing is told of elsewhere."""
    faults = []
    for name, (item, value) in given.items():
        rule = item.metadata
        if value is _MISSING:
            continue
        if rule["secret"] and DEVELOPMENT in value:
            faults.append(f"{name}: a development secret; production needs one of its own")
        elif rule["secret"] and len(value) < rule["least"]:
            faults.append(f"{name}: at least {rule['least']} characters in production")
        elif rule["production"] is not None and value is not rule["production"]:
            other = rule["unless"]
            if not other or given[other][1] is not True:
                faults.append(f"{name}: production needs {int(rule['production'])}" + (f", or {other}=1" if other else ""))
    return faults


def _embedded(service: str) -> dict[str, str]:
    file = Path(sys.prefix).parent / "var" / "env" / f"{service}.env"
    return {name: value or "" for name, value in dotenv_values(file, interpolate=False).items()} if file.is_file() else {}


def _raw(item: "dataclasses.Field[Any]", values: Mapping[str, str]) -> str | None:
    name = item.metadata["name"]
    if name in values:
        return values[name]
    if item.metadata["secret"] and f"{name}_FILE" in values:
        return Path(values[f"{name}_FILE"]).read_text(encoding="utf-8").rstrip("\r\n")
    return None


def _parse(item: "dataclasses.Field[Any]", kind: Any, raw: str) -> Any:
    check = item.metadata["check"]
    options = {"validate": check} if check else {}
    parsers: dict[Any, fields.Field[Any]] = {
        bool: fields.Boolean(**options),
        int: fields.Integer(**options),
        float: fields.Float(**options),
    }
    value = parsers.get(kind, fields.String(**options)).deserialize(raw)
    return Path(value) if kind is Path else value


def _flat(error: ValidationError) -> list[str]:
    return error.messages if isinstance(error.messages, list) else [str(error.messages)]
