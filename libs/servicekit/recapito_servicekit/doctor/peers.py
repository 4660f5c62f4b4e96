"""The services that this one calls, who may call this one, and the mail relay."""

import importlib
import os
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import grpc
import recapito
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc

from recapito_servicekit.callers import BadCallers, Callers
from recapito_servicekit.calling import channel
from recapito_servicekit.doctor import Finding, fail, ok, warn
from recapito_servicekit.mail import MailSettings
from recapito_servicekit.settings import CommonSettings, DocumentSettings, ServerSettings
from recapito_servicekit.tls import Identity

SECONDS: Final = 5.0
# seconds between two clocks: a person notices neither; past the second, codes and tokens end too early or too late
OFF: Final = 2.0
TOO_FAR_OFF: Final = 30.0


def services(settings: CommonSettings, addresses: Mapping[str, str]) -> Iterator[Finding]:
    """``addresses``: those of the services that this one calls, by name. Each is asked with our certificate."""
    try:
        identity = Identity.read(settings)
    except (OSError, ValueError):
        return  # told of where the certificate is looked at
    for name, address in addresses.items():
        yield _service(name, address, identity)


def _service(name: str, address: str, identity: Identity) -> Finding:
    with channel(address, identity) as to_peer:
        try:
            request = health_pb2.HealthCheckRequest()
            answer = health_pb2_grpc.HealthStub(to_peer).Check(request, timeout=SECONDS, wait_for_ready=False)
        except grpc.RpcError as error:
            says = str(getattr(error, "details", str)()).partition("\n")[0][:200]  # a call's error; the stubs don't say so
            return fail(f"{name} at {address} can't be reached: {says}", "is it running, and do both believe the same CA?")
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return fail(f"{name} at {address} is there, but not ready", f"run recapito-{name} doctor there")
    return ok(f"{name} at {address} is serving")


def callers(settings: ServerSettings) -> Iterator[Finding]:
    """callers.toml: can be read, and names RPCs that exist."""
    try:
        listed = Callers.read(settings.callers_file)
    except BadCallers as error:
        yield fail(f"can't be taken: {error}", "docs/callers.md says how it is written")
        return
    _import_contract()
    unknown = sorted(path.lstrip("/") for path in listed.paths() if not _exists(path))
    for rpc in unknown:
        yield fail(f"{settings.callers_file} names {rpc}, and there is no such RPC", "mend the name: nobody may call it so")
    if not unknown:
        yield ok(f"{settings.callers_file}: {len(listed.paths())} RPCs, each of which exists")


def _import_contract() -> None:
    """Puts every RPC of the contract into the descriptor pool: its packages have no ``__init__`` that would."""
    for root in map(Path, recapito.__path__):
        for file in root.rglob("*_pb2.py"):
            importlib.import_module(".".join(("recapito", *file.relative_to(root).with_suffix("").parts)))


def _exists(path: str) -> bool:
    service, _, method = path.lstrip("/").partition("/")
    try:
        return method in descriptor_pool.Default().FindServiceByName(service).methods_by_name
    except KeyError:
        return False


def folder(place: Path) -> Iterator[Finding]:
    """A folder that this process writes to."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"0")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        yield fail(f"{place} can't be written to: {error.strerror}", "give it to this user, on a disk with room")
        return
    yield ok(f"{place} can be written to")


def tried(what: str, act: Callable[[], object], mend: str) -> Iterator[Finding]:
    """Something that this process needs, as ``act`` finds it; what it raises is told."""
    try:
        act()
    except Exception as error:
        yield fail(f"{what}: {error or type(error).__name__}", mend)
        return
    yield ok(f"{what} works")


def documents(
    settings: DocumentSettings, try_store: Callable[[], object], scan: Callable[[bytes], object] | None
) -> Iterator[Finding]:
    """Where documents lie: the folder, or the bucket as ``try_store`` finds it; and the virus scanner, if there is one."""
    if settings.blob_bucket:
        yield from tried(settings.blob_bucket, try_store, "look at RECAPITO_S3_… and the bucket's policy")
    else:
        yield from folder(settings.blob_dir)
    if scan is not None:
        yield from tried(f"the virus scanner {settings.clamd_address}", lambda: scan(b"recapito doctor"), "start clamd")


def relay(settings: MailSettings) -> Iterator[Finding]:
    """The mail relay answers, and takes our name and password. No mail is sent."""
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS) as smtp:
            if settings.smtp_starttls:
                smtp.starttls(context=ssl.create_default_context())
            if settings.smtp_username:
                smtp.login(settings.smtp_username, settings.smtp_password)
            smtp.noop()
    except smtplib.SMTPAuthenticationError:
        yield fail(f"{where} refuses RECAPITO_SMTP_USERNAME and its password", "ask who runs the relay")
    except smtplib.SMTPNotSupportedError as error:
        yield fail(f"{where}: {error}", "give a relay that speaks STARTTLS, or set RECAPITO_SMTP_STARTTLS=0 for one next door")
    except ssl.SSLError as error:
        yield fail(f"{where} has a certificate that isn't believed: {error.reason}", "ask who runs the relay for a good one")
    except (smtplib.SMTPException, OSError) as error:
        yield fail(f"{where} can't be reached: {error}", "check RECAPITO_SMTP_HOST and _PORT, and the network between")
    else:
        yield ok(f"{where} answers")


def clock(whose: str, theirs: datetime, ours: datetime) -> Finding:
    """This machine's clock beside another's."""
    off = (ours - theirs).total_seconds()
    says = f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} {whose}'s"
    if abs(off) > TOO_FAR_OFF:
        return fail(says, "let both follow a time server (NTP)")
    if abs(off) > OFF:
        return warn(says, "let both follow a time server (NTP)")
    return ok(f"this machine's clock agrees with {whose}'s")
