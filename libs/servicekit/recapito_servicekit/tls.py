"""Mutual TLS between services: one CA, one certificate a process, read from files."""

from dataclasses import dataclass

import grpc

from recapito_servicekit.settings import CommonSettings


@dataclass(frozen=True, slots=True)
class Identity:
    """This process's certificate and key and the CA that it believes, PEM."""

    ca: bytes
    cert: bytes
    key: bytes

    @classmethod
    def read(cls, settings: CommonSettings) -> "Identity":
        """Reads the three files. Raises OSError."""
        return cls(settings.tls_ca_file.read_bytes(), settings.tls_cert_file.read_bytes(), settings.tls_key_file.read_bytes())

    def for_server(self) -> grpc.ServerCredentials:
        """Demands a certificate of our CA from every caller."""
        return grpc.ssl_server_credentials([(self.key, self.cert)], root_certificates=self.ca, require_client_auth=True)

    def for_channel(self) -> grpc.ChannelCredentials:
        """Shows our certificate to the called service, and believes it only with one of our CA."""
        return grpc.ssl_channel_credentials(root_certificates=self.ca, private_key=self.key, certificate_chain=self.cert)
