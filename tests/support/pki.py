"""A CA of the test's own and a certificate for each caller."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CALLERS = ("portal", "console", "auth", "otp", "contact-change", "claims", "internal", "stranger")


class Pki:
    """``folder`` holds ca.pem and NAME.pem, NAME-key.pem for each caller; ``forged-portal`` is of another CA."""

    def __init__(self, folder: Path, ca_name: str = "test CA") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        ca_key, ca = _authority(ca_name)
        other_key, other = _authority("another CA")
        (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        for name in CALLERS:
            self._issue(name, name, ca_key, ca)
        self._issue("forged-portal", "portal", other_key, other)

    def files(self, name: str) -> dict[str, str]:
        """The settings of a process that is ``name``."""
        return {
            "RECAPITO_TLS_CA_FILE": str(self.folder / "ca.pem"),
            "RECAPITO_TLS_CERT_FILE": str(self.folder / f"{name}.pem"),
            "RECAPITO_TLS_KEY_FILE": str(self.folder / f"{name}-key.pem"),
        }

    def _issue(self, file: str, common_name: str, ca_key: ec.EllipticCurvePrivateKey, ca: x509.Certificate) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        certificate = _builder(common_name, ca.subject, key).add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = certificate.sign(ca_key, hashes.SHA256())
        (self.folder / f"{file}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (self.folder / f"{file}-key.pem").write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _builder(name, subject, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return key, certificate.sign(key, hashes.SHA256())


def _builder(common_name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=400))
    )
