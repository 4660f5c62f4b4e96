"""A Redis by its URL: ``redis://``, ``rediss://`` (TLS) or ``unix://``.

TLS always checks the server's certificate and name: by the machine's CAs, or ``?ssl_ca_certs=FILE``; ``&ssl_certfile=FILE`` and
``&ssl_keyfile=FILE`` are our own certificate, where the server asks for one. The names are redis-py's, so that one URL says the
same to all that read it; what would check less is refused.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from marshmallow import ValidationError

TLS: Final = "rediss"
FILES: Final[tuple[str, ...]] = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_PORT: Final = 6379


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis is and who we are to it.

    ``path``: of a Unix socket; ``tls``: those of FILES that are named, None where no TLS is spoken.
    """

    host: str
    port: int
    path: str
    username: str
    password: str
    database: int
    tls: dict[str, str] | None

    def context(self) -> ssl.SSLContext | None:
        """How TLS is spoken to it, its files read now; None: it isn't. Raises OSError or ssl.SSLError: a file can't be read."""
        if self.tls is None:
            return None
        context = ssl.create_default_context(cafile=self.tls.get("ssl_ca_certs"))
        if "ssl_certfile" in self.tls:
            context.load_cert_chain(self.tls["ssl_certfile"], self.tls.get("ssl_keyfile"))
        return context


def read(url: str) -> Address:
    """The address. Raises ValueError, which says what is wrong and holds no password."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", TLS, "unix"):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    query = dict(parse_qsl(parts.query))
    tls = {name: query.pop(name) for name in FILES if name in query} if parts.scheme == TLS else None
    database = query.pop("db", "0") if parts.scheme == "unix" else parts.path.strip("/") or "0"
    if query:
        raise ValueError(f"takes no {', '.join(sorted(query))}")
    if not database.isdigit():
        raise ValueError("the database must be a number")
    if tls and "ssl_keyfile" in tls and "ssl_certfile" not in tls:
        raise ValueError("ssl_keyfile needs ssl_certfile")
    try:
        port = parts.port or _PORT
    except ValueError:
        raise ValueError("the port must be a number") from None
    return Address(
        host=parts.hostname or "localhost",
        port=port,
        path=unquote(parts.path) if parts.scheme == "unix" else "",
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=int(database),
        tls=tls,
    )


def check(url: str) -> None:
    """With TLS the files that it names are there"""  # noqa: D400, D415: a bound in docs/settings.md
    try:
        demand_files(read(url).tls)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def demand_files(tls: dict[str, str] | None) -> None:
    """Raises ValueError: a file of TLS isn't there."""
    missing = [file for file in (tls or {}).values() if not Path(file).is_file()]
    if missing:
        raise ValueError(f"there is no file {', '.join(missing)}")
