"""The background roles of a service in one process: each in a thread of its own, started again when it fails."""

import signal
import threading
from collections.abc import Callable, Mapping
from typing import Final

from recapito_servicekit import logs

log = logs.get(__name__)
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0

Role = Callable[[threading.Event], None]
"""Works until the flag is set. May raise: it is started again after a pause."""


def run(roles: Mapping[str, Role], only: tuple[str, ...]) -> None:
    """Runs the roles named (none named: all) until SIGTERM or SIGINT, then lets each finish what it has in hand."""
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    names = only or tuple(roles)
    threads = [threading.Thread(target=_keep, args=(name, roles[name], stop), name=name) for name in names]
    for thread in threads:
        thread.start()
    log.info("working", roles=list(names))
    stop.wait()
    for thread in threads:
        thread.join(timeout=20)
    log.info("stopped")


def _keep(name: str, role: Role, stop: threading.Event) -> None:
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            role(stop)
            pause = FIRST_PAUSE
        except Exception as error:
            log.warning("role failed, starts again", role=name, error=type(error).__name__, pause=pause, exc_info=error)
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
