"""The development CA and a certificate for each caller, in ``var/tls/``."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from recapito_embedded.layout import HOST, write_private

CALLERS: Final = ("portal", "console", "auth", "otp", "contact-change", "claims", "internal")
CA_LIFE: Final = timedelta(days=3650)
LIFE: Final = timedelta(days=365)
RENEW_BEFORE: Final = timedelta(days=30)
SKEW: Final = timedelta(minutes=5)


def prepare(folder: Path, now: datetime, *, as_hosts: bool = False) -> None:
    """Makes what is missing, about to expire, or not of the present CA; leaves the rest as it is.

    ``as_hosts``: a caller's name is also the name of its host, as in docker-compose.
    """
    ca_file, ca_key_file = folder / "ca.pem", folder / "ca-key.pem"
    ca = _read(ca_file)
    if ca is None or not ca_key_file.is_file() or _ends_soon(ca, now):
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _make_ca(ca_key, now)
        write_private(ca_key_file, _key_pem(ca_key))
        write_private(ca_file, _pem(ca))
    for name in CALLERS:
        file, key_file = folder / f"{name}.pem", folder / f"{name}-key.pem"
        cert = _read(file)
        if cert is None or not key_file.is_file() or _ends_soon(cert, now) or not _issued(cert, ca):
            _make(name, [name, "localhost"] if as_hosts else ["localhost"], file, key_file, ca, ca_key_file, now)


def _make(
    name: str, hosts: list[str], file: Path, key_file: Path, ca: x509.Certificate, ca_key_file: Path, now: datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ca_key = serialization.load_pem_private_key(ca_key_file.read_bytes(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{ca_key_file} holds no EC key")
    cert = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(min(now + LIFE, ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([*map(x509.DNSName, hosts), x509.IPAddress(IPv4Address(HOST))]), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    file.unlink(missing_ok=True)  # never a certificate beside another one's key
    write_private(key_file, _key_pem(key))
    write_private(file, _pem(cert))


def _make_ca(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("Recapito development CA")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _read(file: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return None


def _ends_soon(cert: x509.Certificate, now: datetime) -> bool:
    return cert.not_valid_after_utc - now < RENEW_BEFORE


def _issued(cert: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        cert.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
