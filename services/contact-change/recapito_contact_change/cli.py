"""Commands for an operator of the system: ``dead-letters`` lists, shows and sends again what gave up; ``note-bounce`` takes in a
mail that came back.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Final

from recapito_contact_change import bounces
from recapito_contact_change.flows.dead_letters import DeadLetter, DeadLetters
from recapito_contact_change.flows.note_bounce import NoteBounce, NotYetSent
from recapito_contact_change.flows.open_case import SYSTEM
from recapito_servicekit import cli
from recapito_servicekit.errors import Refusal
from recapito_servicekit.settings import BadSettings

NONE: Final = "no dead letters"
LONGEST_REPORT: Final = 1_048_576
NO_REPORT: Final = "passed over: no report of a failed delivery"
NOT_OURS: Final = "passed over: a failed delivery, but of no notice that went out from here, or noted already"
COME_AGAIN: Final = os.EX_TEMPFAIL
"""What a relay takes for: keep it and hand it over later. Any other failure it would send back, to this very command."""


def add_note_bounce(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", note: Callable[[], NoteBounce]) -> None:
    """Adds the command. ``note`` opens the service's ledger once it runs."""

    def run(_: argparse.Namespace) -> int:
        bounce = bounces.read(sys.stdin.buffer.read(LONGEST_REPORT))
        while sys.stdin.buffer.read(LONGEST_REPORT):
            pass  # or the relay sees its pipe break
        try:
            told = NO_REPORT if bounce is None else _come_back(bounce.notice_id) if note().run(bounce) else NOT_OURS
        except Exception as error:
            why = error if isinstance(error, BadSettings | Refusal | NotYetSent) else type(error).__name__
            print(f"nothing is noted, come again: {why}", file=sys.stderr)
            return COME_AGAIN
        print(told)
        return 0

    cli.add(commands, "note-bounce", "reads a mail that says that another came back (RFC 3464) from stdin, and notes it", run)


def _come_back(notice_id: str) -> str:
    return f"{notice_id}  came back"


def add_dead_letters(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", letters: Callable[[], DeadLetters]) -> None:
    """Adds the command. ``letters`` opens the service's letters once a command runs."""
    help = "events and notices that gave up"
    top = commands.add_parser("dead-letters", help=help, description=help)
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")
    cli.add(actions, "list", "lists the oldest 100", lambda _: _list(letters()))
    show = cli.add(actions, "show", "shows one", lambda arguments: _each(arguments, letters().one, _shown))
    show.add_argument("id", nargs=1)
    resend = cli.add(
        actions, "resend", "sends some again, with all their tries before them", lambda arguments: _resend(arguments, letters())
    )
    which = resend.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="*", default=[])
    which.add_argument("--all", action="store_true", help="every one of the list")


def _list(letters: DeadLetters) -> None:
    found = letters.oldest()
    for letter in found:
        print(f"{letter.letter_id}  {letter.dead_at:%Y-%m-%d %H:%M:%S}Z  {letter.kind:6}  {letter.type}  {letter.error}")
    if not found:
        print(NONE)


def _resend(arguments: argparse.Namespace, letters: DeadLetters) -> int:
    if arguments.all:
        arguments.id = [letter.letter_id for letter in letters.oldest()]
        if not arguments.id:
            print(NONE)
    return _each(arguments, lambda letter_id: letters.resend(letter_id, SYSTEM), lambda letter: f"{letter.letter_id}  sent again")


def _each(arguments: argparse.Namespace, act: Callable[[str], DeadLetter], tell: Callable[[DeadLetter], str]) -> int:
    """Tells each letter; exit code 1 where one isn't there."""
    code = 0
    for letter_id in arguments.id:
        try:
            print(tell(act(letter_id)))
        except Refusal:
            print(f"{letter_id}  no such dead letter", file=sys.stderr)
            code = 1
    return code


def _shown(letter: DeadLetter) -> str:
    facts = {
        "id": letter.letter_id,
        "kind": letter.kind,
        "type": letter.type,
        "change": letter.change_id or "none",
        "gave up": letter.dead_at.isoformat(),
        "tries": str(letter.tries),
        "error": letter.error,
        **letter.about,
    }
    return "\n".join(f"{name:14} {value}" for name, value in facts.items() if value)
