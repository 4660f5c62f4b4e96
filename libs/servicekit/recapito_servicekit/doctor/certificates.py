"""This process's certificate, its key and the CA that it believes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from recapito_servicekit.doctor import Finding, fail, ok, warn
from recapito_servicekit.settings import CommonSettings

SOON: Final = timedelta(days=30)
ISSUE: Final = "have one issued by the CA of RECAPITO_TLS_CA_FILE"


def certificate(settings: CommonSettings, caller: str, now: datetime) -> Iterator[Finding]:
    """``caller``: the common name under which callers.toml knows this process."""
    read: list[list[x509.Certificate]] = []
    for file in (settings.tls_ca_file, settings.tls_cert_file):
        try:
            read.append(x509.load_pem_x509_certificates(file.read_bytes()))
        except OSError as error:
            yield fail(f"{file} can't be read: {error.strerror}", "check the path, and whether this user may read it")
        except ValueError:
            yield fail(f"{file} holds no PEM certificate", ISSUE)
    if len(read) < 2:
        return
    authorities, (own, *between) = read
    names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else ""
    if name == caller:
        yield ok(f"its name is {caller}")
    else:
        yield fail(f"its common name is {name!r}, not {caller!r}: others don't know us", f"have one issued with CN={caller}")
    yield _chain([own, *between], authorities)
    yield from _dates("it", own, now)
    for authority in authorities:
        yield from (found for found in _dates("the CA's", authority, now) if found.advice)
    yield _key(settings.tls_key_file, own)


def _chain(chain: list[x509.Certificate], authorities: list[x509.Certificate]) -> Finding:
    link, rest = chain[0], [*chain[1:], *authorities]
    for _ in range(len(rest) + 1):
        if any(_issued(link, authority) for authority in authorities):
            return ok("it was issued by the CA")
        above = next((each for each in rest if each is not link and _issued(link, each)), None)
        if above is None:
            break
        link = above
    return fail("it was not issued by the CA of RECAPITO_TLS_CA_FILE", "give the CA that issued it, or " + ISSUE)


def _issued(link: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        link.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _dates(whose: str, found: x509.Certificate, now: datetime) -> Iterator[Finding]:
    ends = found.not_valid_after_utc
    day = f"{ends:%Y-%m-%d}"
    if now < found.not_valid_before_utc:
        yield fail(f"{whose} holds only from {found.not_valid_before_utc:%Y-%m-%d %H:%M} UTC", "check this machine's clock")
    elif ends <= now:
        yield fail(f"{whose} expired on {day}", ISSUE)
    elif ends - now < SOON:
        yield warn(f"{whose} expires on {day}, in {(ends - now).days} days", ISSUE + " before that day")
    else:
        yield ok(f"{whose} holds until {day}")


def _key(file: Path, own: x509.Certificate) -> Finding:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except OSError as error:
        return fail(f"{file} can't be read: {error.strerror}", "check the path, and whether this user may read it")
    except (ValueError, TypeError):
        return fail(f"{file} holds no PEM key without a passphrase", "give the key that the certificate was asked for with")
    encoding = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*encoding) != own.public_key().public_bytes(*encoding):
        return fail(f"{file} is not the key of the certificate", "give the key that the certificate was asked for with")
    return ok("the key is the certificate's")
