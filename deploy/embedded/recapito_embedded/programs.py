"""What the system is made of: the programs under the supervisor, the commands that come before them, and what each waits for."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recapito_embedded import environment
from recapito_embedded.layout import FRONT_ENDS, GRPC_SERVICES, WORKERS, Layout

MIGRATED: Final = ("auth", "contact-change", "claims")
# stopped from the end to the beginning
GROUPS: Final = ("stores", "services", "workers", "fronts")
REDIS: Final = "redis"
INBOX: Final = "inbox"


@dataclass(frozen=True, slots=True)
class Program:
    """A process that the supervisor keeps. ``command`` is a shell command line; ``needs`` are programs that must be ready and
    commands that must have succeeded.
    """

    name: str
    group: str
    command: str
    needs: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """As the supervisor calls it."""
        return f"{self.group}:{self.name}"


@dataclass(frozen=True, slots=True)
class Command:
    """A service's command that runs to its end, with that service's settings. It prints into ``output``, or into its log."""

    name: str
    service: str
    arguments: tuple[str, ...]
    needs: tuple[str, ...] = ()
    output: Path | None = None


def programs(layout: Layout, redis_command: str | None) -> list[Program]:
    """All programs. ``redis_command`` is None where another Redis is given."""
    stores = [] if redis_command is None else [Program(REDIS, "stores", redis_command)]
    stores.append(Program(INBOX, "stores", _python(layout, INBOX, "recapito_embedded.inbox")))
    needs = {service: _needs(service, has_redis=redis_command is not None) for service in GRPC_SERVICES}
    servers = [Program(name, "services", _serve(layout, name), needs[name]) for name in GRPC_SERVICES]
    workers = [Program(f"{name}-work", "workers", _python(layout, name, module(name), "work"), needs[name]) for name in WORKERS]
    fronts = [Program(name, "fronts", _serve(layout, name)) for name in FRONT_ENDS]
    return [*stores, *servers, *workers, *fronts]


def migrations() -> list[Command]:
    """What brings the databases to the newest schema."""
    return [Command(f"{service}-migrate", service, ("migrate",)) for service in MIGRATED]


def module(service: str) -> str:
    """A service's package."""
    return f"recapito_{service.replace('-', '_')}"


def _needs(service: str, *, has_redis: bool) -> tuple[str, ...]:
    redis = (REDIS,) if has_redis and service != "claims" else ()
    return (*redis, f"{service}-migrate") if service in MIGRATED else redis


def _serve(layout: Layout, service: str) -> str:
    return _python(layout, service, module(service), "serve")


def _python(layout: Layout, service: str, *arguments: str) -> str:
    return environment.under(_settings(layout, service), [sys.executable, "-m", *arguments])


def _settings(layout: Layout, service: str) -> Path:
    return layout.var / "env" / f"{service}.env"
