"""Channels to the auth service with this service's own certificate, which callers.toml must list for Introspect."""

from pathlib import Path

import grpc


def channel(address: str, *, ca: str | Path, cert: str | Path, key: str | Path) -> grpc.Channel:
    """A channel for plain code; the files are PEM. Open it after a fork, never before. Raises OSError."""
    return grpc.secure_channel(address, _credentials(ca, cert, key))


def aio_channel(address: str, *, ca: str | Path, cert: str | Path, key: str | Path) -> grpc.aio.Channel:
    """A channel for code on the running loop. Raises OSError."""
    return grpc.aio.secure_channel(address, _credentials(ca, cert, key))


def _credentials(ca: str | Path, cert: str | Path, key: str | Path) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(Path(ca).read_bytes(), Path(key).read_bytes(), Path(cert).read_bytes())
