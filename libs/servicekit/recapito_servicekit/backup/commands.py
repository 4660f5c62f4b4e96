"""The commands ``backup``, ``restore`` and ``open-keys``."""

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from recapito_servicekit import cli
from recapito_servicekit.backup import run, sealed
from recapito_servicekit.backup.estate import Estate, Failed
from recapito_servicekit.backup.manifest import write_private
from recapito_servicekit.clock import system_clock


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", estate: Callable[[], Estate]) -> None:
    """Adds the commands. ``estate`` reads the settings when one of them runs."""
    backup = cli.add(commands, "backup", "backs up database, documents and, sealed, keys", lambda a: _told(_backup, estate, a))
    backup.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that is empty or isn't there yet")
    backup.add_argument("--with-keys", action="store_true", help="put the keys beside the data, sealed by a passphrase")
    restore = cli.add(commands, "restore", "brings a backup back", lambda a: _told(_restore, estate, a))
    restore.add_argument("folder", type=Path, metavar="FOLDER")
    restore.add_argument("--force", action="store_true", help="replace all that the database holds")
    keys = cli.add(
        commands, "open-keys", "writes the keys of a backup as files, one a setting", lambda a: _told(_keys, estate, a)
    )
    keys.add_argument("folder", type=Path, metavar="FOLDER")
    keys.add_argument("into", type=Path, metavar="INTO", help="the folder of the files; make it where only you can read")
    for command in (backup, keys):
        command.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="read the passphrase here, not from the terminal"
        )


def _told(
    do: Callable[[Callable[[], Estate], argparse.Namespace], None], estate: Callable[[], Estate], arguments: argparse.Namespace
) -> int:
    os.umask(0o077)
    try:
        do(estate, arguments)
    except (Failed, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _backup(estate: Callable[[], Estate], arguments: argparse.Namespace) -> None:
    own = estate()
    passphrase = _passphrase(arguments.passphrase_file, twice=True) if arguments.with_keys else None
    made = run.back_up(own, arguments.folder, system_clock(), passphrase)
    _say(
        f"{own.service}: {sum(made.rows.values())} rows of {len(made.rows)} tables at schema {made.revision}, {made.blobs} blobs"
    )
    if made.keys:
        _say(f"its rows need the keys {', '.join(sorted(made.keys))}: " + _where_keys(passphrase is not None))


def _where_keys(sealed_too: bool) -> str:
    return f"sealed in {sealed.NAME}" if sealed_too else "they are not in the backup, keep them apart"


def _restore(estate: Callable[[], Estate], arguments: argparse.Namespace) -> None:
    own = estate()
    missing = run.restore(own, arguments.folder, force=arguments.force)
    _say(f"{own.service}: restored from {arguments.folder}")
    for words in missing:
        _say(f"! {words}")
    if missing and (arguments.folder / sealed.NAME).is_file():
        _say(f"! the keys lie sealed in the backup: recapito-{own.service} open-keys {arguments.folder} INTO")
    _say("Now, before the service starts:")
    for number, step in enumerate((f"recapito-{own.service} migrate", *own.afterwards), 1):
        _say(f"  {number}. {step}")


def _keys(_estate: Callable[[], Estate], arguments: argparse.Namespace) -> None:
    found = sealed.unseal(arguments.folder / sealed.NAME, _passphrase(arguments.passphrase_file, twice=False))
    arguments.into.mkdir(mode=0o700, parents=True, exist_ok=True)
    for variable, text in found.items():
        write_private(arguments.into / variable, text.encode())
        _say(f"{variable}_FILE={arguments.into / variable}")


def _passphrase(file: Path | None, *, twice: bool) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Failed("a passphrase is needed: --passphrase-file FILE, or a terminal to ask on")
    typed = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("The same again: ") != typed:
        raise Failed("they are not the same")
    return typed


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
