"""The background roles of a service in one process: each in a thread of its own or several, started again when it fails."""

import functools
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import Counter, Gauge

from recapito_servicekit import logs, management

log = logs.get(__name__)
FAILURES = Counter("recapito_role_failures", "Times that a background job failed and was started again", ["role"])
FAILING = Gauge("recapito_role_failing", "1: the background job failed lately", ["role"])
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0
# /readyz says no as long after a failure: longer than the longest pause and the try after it
SETTLED_SECONDS: Final = 30.0
# /livez says no once a role has failed again and again for as long: a new process may do what this one can't
HOPELESS_SECONDS: Final = 300.0

Role = Callable[[threading.Event], None]
"""Works until the flag is set. May raise: it is started again after a pause."""


class Health:
    """How the roles fare, for the management port."""

    def __init__(self) -> None:
        self._failing_since: dict[str, float] = {}
        self._failed_at: dict[str, float] = {}

    def failed(self, role: str, now: float) -> None:
        """Notes a failure. A role that had settled begins to fail anew."""
        if now - self._failed_at.get(role, -SETTLED_SECONDS) >= SETTLED_SECONDS:
            self._failing_since[role] = now
        self._failed_at[role] = now
        FAILURES.labels(role).inc()

    def failing(self, now: float) -> dict[str, float]:
        """The roles that failed lately, and for how many seconds they have."""
        failed = self._failed_at.copy()
        return {role: now - self._failing_since[role] for role, at in failed.items() if now - at < SETTLED_SECONDS}

    def is_failing(self, role: str) -> float:
        """1.0 where the role failed lately, else 0.0."""
        return float(role in self.failing(time.monotonic()))

    def is_ready(self) -> bool:
        """No role fails."""
        return not self.failing(time.monotonic())

    def is_alive(self) -> bool:
        """No role has failed again and again for so long that a new process should try."""
        return all(seconds < HOPELESS_SECONDS for seconds in self.failing(time.monotonic()).values())


def run(
    roles: Mapping[str, Role],
    only: tuple[str, ...],
    metrics_bind: str = "",
    health: Health | None = None,
    threads: Mapping[str, int] | None = None,
) -> None:
    """Runs the roles named (none named: all) until SIGTERM or SIGINT, then lets each finish what it has in hand. Serves the
    management port at ``metrics_bind``. ``health`` is for roles that note failures which they survive; ``threads``: how many
    run a role beside each other, where more than one does.
    """
    health = health or Health()
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    names = only or tuple(roles)
    for name in names:
        FAILING.labels(name).set_function(functools.partial(health.is_failing, name))
    close = management.serve_plain(metrics_bind, health.is_ready, health.is_alive)
    several = threads or {}
    running = [
        threading.Thread(target=_keep, args=(name, roles[name], stop, health), name=name)
        for name in names
        for _ in range(several.get(name, 1))
    ]
    for thread in running:
        thread.start()
    log.info("working", roles=list(names))
    stop.wait()
    for thread in running:
        thread.join(timeout=20)
    close()
    log.info("stopped")


def beside(name: str, role: Role) -> Callable[[], None]:
    """Runs a role beside a server, in a thread that is started again when it fails; gives what stops it."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(name, role, stop, Health()), name=name, daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join(timeout=5)

    return end


def _keep(name: str, role: Role, stop: threading.Event, health: Health) -> None:
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            role(stop)
            pause = FIRST_PAUSE
        except Exception as error:
            health.failed(name, time.monotonic())
            log.warning("role failed, starts again", role=name, error=type(error).__name__, pause=pause, exc_info=error)
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
