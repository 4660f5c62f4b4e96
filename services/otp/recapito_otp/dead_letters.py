"""``recapito-otp dead-letters list|resend``: notices that gave up. Codes that gave up are none: a person asks for another."""

import argparse
import sys
from collections.abc import Callable, Sequence

from recapito_otp.store.redis_jobs import RedisJobs
from recapito_servicekit import cli

Shards = Callable[[], Sequence[RedisJobs]]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shards: Shards) -> None:
    """Adds the command. ``shards``: all of them, in their order."""
    command = cli.add(
        commands, "dead-letters", "lists the notices that gave up, or sends one again", lambda it: _run(it, shards())
    )
    command.add_argument("what", choices=("list", "resend"))
    command.add_argument("id", nargs="?", default="", help="for resend: the notice's id, as list prints it")


def _run(arguments: argparse.Namespace, shards: Sequence[RedisJobs]) -> int:
    letters = [(jobs, letter) for jobs in shards for letter in jobs.dead_letters()]
    if arguments.what == "list":
        for _, letter in letters:
            sys.stdout.write(f"{letter.about}  {letter.at:%Y-%m-%d %H:%M:%S}Z  {letter.reason}\n")
        return 0
    sent = [jobs.resend(letter) for jobs, letter in letters if letter.about == arguments.id]
    sys.stdout.write("queued again\n" if any(sent) else f"no dead letter {arguments.id!r}\n")
    return 0 if any(sent) else 1
