"""``python -m recapito_embedded up|down|status``: what ``make up`` and ``make down`` run."""

import argparse
import os
import signal
import sys
import time
from typing import Final, NoReturn

from recapito_embedded import system
from recapito_embedded.following import Follower
from recapito_embedded.layout import FRONT_ENDS, GRPC_SERVICES, Layout
from recapito_embedded.sample import Sample
from recapito_embedded.startup import Failed, tail
from recapito_embedded.supervision import Supervisor
from recapito_servicekit.settings import BadSettings

SETTLE_SECONDS: Final = 10.0
PACE_SECONDS: Final = 0.2
IS_DOWN: Final = 3  # what init scripts answer then


def main(argv: list[str] | None = None) -> None:
    """Parses and runs. Exit 1: it isn't as asked for; 2: wrong settings."""
    top = argparse.ArgumentParser(prog="recapito-embedded", description="the whole system on this machine")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="starts everything and shows the logs; Ctrl-C stops all")
    up.add_argument("--detach", action="store_true", help="return when everything is ready")
    commands.add_parser("down", help="stops everything")
    commands.add_parser("status", help="says how each program is; exit 0: all ready, 1: not all, 3: down")
    arguments = top.parse_args(argv)
    os.umask(0o077)
    try:
        layout = Layout.read(os.environ)
        sys.exit(
            {
                "up": lambda: _up(layout, detach=arguments.detach),
                "down": lambda: _down(layout),
                "status": lambda: _status(layout),
            }[arguments.command]()
        )
    except BadSettings as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except Failed as error:
        print(f"Recapito is not up: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _up(layout: Layout, *, detach: bool) -> int:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background job comes with it ignored
        signal.signal(signum, _interrupt)
    begun = time.monotonic()
    if not system.up(layout):
        return _was_up(layout)
    print(f"Recapito is up ({time.monotonic() - begun:.1f} s).\n")
    _print_addresses(layout)
    if detach:
        print("\nStop it with: make down")
        return 0
    print("\nStop it with Ctrl-C. Its logs:\n")
    return _follow(layout)


def _was_up(layout: Layout) -> int:
    waiting = system.not_ready(layout, SETTLE_SECONDS)
    for name in waiting:
        print(f"{name} is not ready:\n{tail(layout, name)}", file=sys.stderr)
    if waiting:
        return 1
    print("Recapito is already up.\n")
    _print_addresses(layout)
    return 0


def _follow(layout: Layout) -> int:
    supervisor = Supervisor(layout)

    def ended() -> bool:
        time.sleep(PACE_SECONDS)
        return supervisor.states() is None

    follower = Follower(layout.logs, supervisor.states() or ())
    try:
        follower.until(ended)
    except KeyboardInterrupt:
        print("\nStopping …")
        return _down(layout)
    left = system.stop(layout)
    print("Recapito was stopped from elsewhere." if not left else f"Not all could be stopped: {left}")
    return 1


def _down(layout: Layout) -> int:
    left = system.stop(layout)
    for process in left:
        print(f"still there: {process.pid} {process.command}", file=sys.stderr)
    if not left:
        print("Recapito is down.")
    return 1 if left else 0


def _status(layout: Layout) -> int:
    states = Supervisor(layout).states()
    if states is None:
        print("Recapito is down.")
        return IS_DOWN
    waiting = system.not_ready(layout, 0)
    for name, state in states.items():
        print(f"{name:<20} {state.state:<10} {'not ready' if name in waiting else 'ready':<10} {state.said}")
    return 1 if waiting else 0


def _print_addresses(layout: Layout) -> None:
    for name in FRONT_ENDS:
        print(f"  {name:<10} http://{layout.address(name)}")
    print(f"  inbox      http://{layout.address('inbox')}   (the mails and texts that would have gone out)")
    print("  gRPC       " + ", ".join(f"{name} {layout.address(name)}" for name in GRPC_SERVICES))
    print(f"             mTLS with a certificate of {layout.var / 'tls'}")
    sample = Sample(layout)
    print("\nRegister in the portal as a customer of the sample registry, and find the codes in the inbox:")
    for row in sample.customers():
        contacts = " and mobile ".join(filter(None, (f"email {row['email']}", row["mobile"]))) + (
            "" if row["mobile"] else ", no mobile"
        )
        print(f"  {row['given_name']} {row['family_name']}: {contacts}")
    print("\nSign in to the console as an operator (the code is a TOTP of the secret):")
    for name, operator in sample.operators().items():
        print(f"  {name:<6} {operator['role']:<11} password {operator['password']}   TOTP secret {operator['totp_secret']}")


def _interrupt(_signum: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
