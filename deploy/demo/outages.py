"""A contact change while each store is away for 30 s, in turn: ``deploy/compose/outages`` starts this.

Each store is stopped twice: before the customer files the request, and before the operator decides. Both press the same button
again until it worked, as people do. In the end there is one decision, one application, and the messages of an undisturbed change.
"""

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.demo import story, telling
from deploy.demo.browser import Browser, PageDiffers
from deploy.demo.place import CHECKOUT, Customer, Operator, Place

STORES: Final = tuple(os.environ.get("RECAPITO_OUTAGES", "postgres redis rabbitmq mailpit").split())
AWAY_SECONDS: Final = float(os.environ.get("RECAPITO_OUTAGE_SECONDS", "30"))
PATIENCE_SECONDS: Final = 180
QUIET_SECONDS: Final = 15  # how long nothing more may come before it counts as all
COMPOSE: Final = shlex.split(os.environ.get("COMPOSE", "docker-compose"))
OPEN_CASES: Final = "SELECT count(*) FROM cases JOIN changes USING (change_id) WHERE is_open AND customer_id = '{id}'"
ONE_OF_EACH: Final = {
    "contact_change": """SELECT
        (SELECT count(*) FROM changes WHERE customer_id = '{id}'),
        (SELECT count(*) FROM cases JOIN changes USING (change_id) WHERE customer_id = '{id}' AND cases.decision IS NOT NULL),
        (SELECT count(*) FROM changes WHERE customer_id = '{id}' AND state = 'APPLIED')""",
    "auth": "SELECT count(*) FROM audit WHERE customer_id = '{id}' AND event = 'MOBILE_CHANGED'",
}


class Received:
    """The messages that came to some contacts. It remembers: a mailbox may keep its mails in memory, and be stopped."""

    def __init__(self, place: Place, contacts: tuple[str, ...]) -> None:
        self._inbox = place.inbox
        self._seen: dict[str, dict[str, str]] = {contact: {} for contact in contacts}

    def look(self) -> list[list[str]]:
        """What the messages to each contact were about."""
        for contact, seen in self._seen.items():
            seen.update(self._inbox.subjects(contact))
        return [sorted(seen.values()) for seen in self._seen.values()]

    def settled(self) -> list[list[str]]:
        """The same, once nothing more has come for a while."""
        found, since = self.look(), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            time.sleep(1)
            if (now := self.look()) != found:
                found, since = now, time.monotonic()
        return found


def main() -> None:
    """Plays all of it; raises where something doesn't hold."""
    told = story.Story(Place())
    names = ("Quieto", *(store.capitalize() for store in STORES))
    people = [told.place.customer("Anna", name, number, mobile=True) for number, name in enumerate(names, 1)]
    told.place.import_customers(people)
    operator = told.place.create_operator("reviewer")
    undisturbed = _change(told, operator, people[0], "", 1)
    for number, store in enumerate(STORES, 2):
        came = _change(told, operator, people[number - 1], store, number)
        told.holds(f"the messages are those of an undisturbed change: {came}", came == undisturbed)
    telling.good(f"All of it held: {told.held} things.")


def _change(told: story.Story, operator: Operator, known: Customer, store: str, number: int) -> list[list[str]]:
    """A whole change; gives what the messages to each contact were about."""
    telling.chapter(f"A contact change, and {store or 'nothing'} is stopped")
    new, notify = told.place.new_mobile(number), f"prova{number}.{told.place.run}@example.org"
    received = Received(told.place, (known.email, known.mobile, new, notify))
    story.register(told, known, known.mobile)
    browser = story.password(told, known, known.mobile)
    browser.follow("Aggiungi recapito")
    data = story.fill_in(told, known, browser, new, story.NOT_RECOGNISED, notify)
    received.settled()
    with _away(store):
        _insist(browser, lambda: browser.fill(**data), "Abbiamo ricevuto la richiesta")
    _wait(lambda: _rows("contact_change", OPEN_CASES, known) == ["1"])
    console = story.look(told, operator, known, approve=True, notify=notify)
    received.settled()
    with _away(store):
        _insist(console, lambda: console.press("Sì, approva"), "Richiesta approvata")
    _wait(lambda: story.registered_mobile(told, known) == new)
    came = received.settled()
    for database, query in ONE_OF_EACH.items():
        told.holds(f"{database}: one of each", set(_rows(database, query, known)) == {"1"})
    return came


@contextmanager
def _away(store: str) -> Iterator[None]:
    """The store is stopped when the body begins, and is started AWAY_SECONDS later; ends when all is healthy again."""
    if not store:
        yield
        return
    _compose("stop", "--timeout", "20", store)
    telling.does("ops", f"{store} is stopped")
    back = threading.Timer(AWAY_SECONDS, _compose, ("start", store))
    back.start()
    yield
    back.join()
    telling.does("ops", f"{store} was started again")
    subprocess.run([CHECKOUT / "deploy" / "compose" / "wait-healthy"], check=True, capture_output=True)


def _insist(browser: Browser, press: Callable[[], None], until: str) -> None:
    """Presses a button of the open page, again and again, until the page says that it worked."""
    here, begun, tries = browser.kept(), time.monotonic(), 0
    while True:
        tries += 1
        try:
            press()
            browser.expect(until)
        except (PageDiffers, httpx.HTTPError):
            if time.monotonic() - begun > PATIENCE_SECONDS:
                raise
            time.sleep(2)
            browser.back(here)
        else:
            telling.sees(f"«{until}», after {tries} tries in {time.monotonic() - begun:.0f} s")
            return


def _wait(so: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not so():
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise story.Unexpected("it didn't come to pass in time")
        time.sleep(1)


def _rows(database: str, query: str, known: Customer) -> list[str]:
    """The values of a query's one row."""
    asked = query.format(id=known.customer_id)
    return _compose("exec", "-T", "postgres", "psql", "-U", "postgres", "-At", "-F", " ", "-d", database, "-c", asked).split()


def _compose(*arguments: str) -> str:
    done = subprocess.run([*COMPOSE, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise story.Unexpected(f"docker-compose {' '.join(arguments)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
