"""A customer's whole history, ``history.py FILE`` makes one and notes it; where FILE is there, it must be the same still.

``deploy/compose/drill`` runs it before everything is destroyed and after it was restored.
"""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.demo import story, telling
from deploy.demo.browser import Browser
from deploy.demo.place import PASSWORD, Customer, Operator, Place


def make(told: story.Story) -> tuple[Customer, Operator, str]:
    """A customer who registered, changed the mobile and filed a claim; the operator who decided, and the new mobile."""
    known = told.place.customer("Nicolò", "D'Angelo", 1, mobile=False)
    told.place.import_customers([known])
    operator = told.place.create_operator("reviewer")
    new = told.place.new_mobile(1)
    story.register(told, known, known.email)
    story.without_mobile(told, known, new, operator)
    story.claim(told, known, story.sign_in(told, known, known.email, new), new)
    return known, operator, new


def read(told: story.Story, known: Customer, operator: Operator, mobile: str) -> dict[str, str]:
    """What the customer and the operator see of it, each signed in afresh."""
    browser = story.sign_in(told, known, known.email, mobile, len(told.place.inbox.texts(mobile)) + 1)
    found = {}
    browser.open("/recapito/richieste")
    found["changes"] = browser.text()
    browser.open("/denunce")
    found["claims"] = browser.text()
    browser.follow("Denuncia")
    found["claim"] = browser.text()
    console = Browser(told.place.console)
    telling.does(operator.name, "signs in and opens the case that was decided")
    console.open("/")
    console.fill(username=operator.name, password=PASSWORD, totp=story.totp(told, operator))
    console.open("/casi?stato=tutti")
    console.follow(f"{known.given_name} {known.family_name}")
    found["case"] = console.text()
    for number in (0, 1):
        found[f"document, picture {number + 1}"] = hashlib.sha256(console.image(number)).hexdigest()
    return found


def main(file: Path) -> None:
    """Makes and notes, or compares. Raises where something is not as it was."""
    told = story.Story(Place())
    if not file.exists():
        known, operator, mobile = make(told)
        found = read(told, known, operator, mobile)
        file.write_text(json.dumps([vars(known), vars(operator), mobile, found]), encoding="utf-8")
        return
    customer, by, mobile, before = json.loads(file.read_text(encoding="utf-8"))
    after = read(told, Customer(**customer), Operator(**by), mobile)
    for what, said in before.items():
        told.holds(f"{what}: as before ({len(said)} characters)", after[what] == said)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
