"""How a front end is told and served. The process that starts its worker imports this, and none of what pages are made of."""

from dataclasses import dataclass
from typing import Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from recapito_servicekit import keylists
from recapito_servicekit.settings import CommonSettings, between, setting

LEAST_SECRET_KEY: Final = 32
# so long may a connection be silent before a request's headers are there, the first as any later one
HEADER_SECONDS: Final = 30


@dataclass(frozen=True, kw_only=True)
class WebSettings(CommonSettings):
    """What a front end is told."""

    http_bind: str = setting("HTTP_BIND", "the address and port to serve HTTP on")
    secret_key: str = setting(
        "SECRET_KEY",
        "the keys that sign the browser's cookie: the first signs, all are taken",
        secret=True,
        least=LEAST_SECRET_KEY,
        check=keylists.check_listed,
    )
    trusted_hosts: str = setting("TRUSTED_HOSTS", "the host names under which people come, separated by commas")
    trusted_proxies: int = setting("TRUSTED_PROXIES", "how many proxies stand in front", default=0, check=between(0, 5))
    cookie_secure: bool = setting("COOKIE_SECURE", "send cookies over HTTPS alone", default=True, production=True)
    blocking_threads: int = setting("BLOCKING_THREADS", "requests at once", default=8, check=between(1, 64))
    company: str = setting("COMPANY", "the company's name, as customers know it", default="Mutua Esempio")
    help_contact: str = setting("HELP_CONTACT", "where people find help", default="assistenza@recapito.example")
    password_least: int = setting(
        "PASSWORD_LEAST", "code points that a password needs, as auth has it", default=8, check=between(8, 64)
    )
    auth_address: str = setting("AUTH_ADDRESS", "the auth service, host:port")
    contact_change_address: str = setting("CONTACT_CHANGE_ADDRESS", "the contact-change service, host:port")

    def __post_init__(self) -> None:
        """Raises ValueError: what production doesn't take."""
        if self.environment == "production":
            keylists.demand_length("RECAPITO_SECRET_KEY", self.secret_key, LEAST_SECRET_KEY)


def serve(target: str, settings: WebSettings) -> None:
    """Serves ``module:factory`` under granian until SIGTERM."""
    host, _sep, port = settings.http_bind.rpartition(":")
    Server(
        target,
        address=host,
        port=int(port),
        interface=Interfaces.RSGI,  # see web_door
        # a connection that may become HTTP/2 is waited for without end while it says nothing, and a worker takes 1,024 at a time
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        factory=True,
        workers=1,
        log_access=False,
        websockets=False,
    ).serve()
