"""Mutual TLS between services: one CA, one certificate a process, read from files.

A server takes new files without a restart: it looks at them at every handshake, and connections that stand stay. A caller reads
them once: it shows a new certificate after its restart.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from prometheus_client import Gauge

from recapito_servicekit import logs
from recapito_servicekit.settings import CommonSettings

log = logs.get(__name__)
EXPIRES = Gauge("recapito_certificate_expires_timestamp_seconds", "When this process's certificate expires")


@dataclass(frozen=True, slots=True)
class Identity:
    """This process's certificate and key and the CA that it believes, PEM."""

    ca: bytes
    cert: bytes
    key: bytes

    @classmethod
    def read(cls, settings: CommonSettings) -> "Identity":
        """Reads the three files. Raises OSError, or ValueError: there is no certificate in them."""
        cert = settings.tls_cert_file.read_bytes()
        EXPIRES.set(x509.load_pem_x509_certificate(cert).not_valid_after_utc.timestamp())
        return cls(settings.tls_ca_file.read_bytes(), cert, settings.tls_key_file.read_bytes())

    def for_channel(self) -> grpc.ChannelCredentials:
        """Shows our certificate to the called service, and believes it only with one of our CA."""
        return grpc.ssl_channel_credentials(root_certificates=self.ca, private_key=self.key, certificate_chain=self.cert)


def server_credentials(settings: CommonSettings) -> grpc.ServerCredentials:
    """Demands a certificate of our CA from every caller; follows the files as they change. Raises OSError."""
    watched = _Watched(settings)
    # None says "as before", which the stub doesn't know
    return grpc.dynamic_ssl_server_credentials(watched.first(), watched.changed, require_client_authentication=True)  # type: ignore[arg-type]


class _Watched:
    """The three files of a server. Asked by gRPC's own threads, one handshake after another or several at once."""

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        self._files = (settings.tls_ca_file, settings.tls_cert_file, settings.tls_key_file)
        self._stamps = self._look()
        self._lock = threading.Lock()

    def first(self) -> grpc.ServerCertificateConfiguration:
        """What is there at start."""
        return _configuration(Identity.read(self._settings))

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What is there now; None: the same as before, or no pair yet, for files are replaced one after another."""
        with self._lock:
            try:
                stamps = self._look()
                if stamps == self._stamps:
                    return None
                identity = Identity.read(self._settings)
                _demand_pair(identity)
            except (OSError, ValueError) as error:
                log.warning("new TLS files can't be taken yet", error=str(error))
                return None
            self._stamps = stamps
        log.info("new TLS files taken")
        return _configuration(identity)

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_stamp(file) for file in self._files)


def _stamp(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _configuration(identity: Identity) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(identity.key, identity.cert)], root_certificates=identity.ca)


def _demand_pair(identity: Identity) -> None:
    """Raises ValueError: the certificate isn't of this key, or one of the three is no PEM."""
    x509.load_pem_x509_certificates(identity.ca)
    certificate = x509.load_pem_x509_certificates(identity.cert)[0]
    if certificate.public_key() != load_pem_private_key(identity.key, None).public_key():
        raise ValueError("the certificate is not of this key")
