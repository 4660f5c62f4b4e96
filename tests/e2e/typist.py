"""A person who has no mouse and no finger: everything by Tab, arrows, space, Enter and letters."""

from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FilePayload

from tests.e2e.person import PHONE, Person

MOST_TABS = 120


class Typist(Person):
    """A person at a phone-sized page with a keyboard."""

    def __init__(self, browser: Browser, url: str, pictures: Path) -> None:
        super().__init__(browser, url, PHONE, pictures)
        # from the start: told of it only as the key is pressed, a busy browser may open a dialogue that nobody sees
        self.page.on("filechooser", lambda _: None)

    def reach(self, selector: str) -> None:
        """Presses Tab until the element has the focus, and sees that the focus shows."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                break
        else:
            raise AssertionError(f"{selector} is not reached with Tab on {self.page.url}")
        shown = self.page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).boxShadow"
        )
        if shown == "nonenone":
            self.findings.append(f"{self.page.url}: {selector}: the focus doesn't show")

    def write(self, name: str, text: str) -> None:
        self.reach(f"main [name={name}]")
        self.page.keyboard.type(text)

    def write_day(self, name: str, day: date) -> None:
        """The parts of a date's field stand in the order of the browser's language."""
        self.reach(f"main [name={name}]")
        for shape in ("%d%m%Y", "%m%d%Y"):
            self.page.keyboard.type(day.strftime(shape))
            if self.page.evaluate("document.activeElement.value") == day.isoformat():
                return
            for _ in range(3):
                self.page.keyboard.press("ArrowLeft")
        raise AssertionError(f"{name} takes no date from the keyboard")

    def choose(self, name: str, place: int) -> None:
        """The radio button in that place, from 1, or the option of a list."""
        self.reach(f"main [name={name}]")
        is_list = self.page.evaluate("document.activeElement.tagName") == "SELECT"
        if not is_list:
            self.page.keyboard.press("Space")
        for _ in range(place if is_list else place - 1):
            self.page.keyboard.press("ArrowDown")

    def tick(self, name: str) -> None:
        self.reach(f"main [name={name}]")
        self.page.keyboard.press("Space")

    def pick_files(self, name: str, files: list[FilePayload]) -> None:
        self.reach(f"main input[type=file][name={name}]")
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Enter")
        assert chooser.value.is_multiple()
        chooser.value.set_files(files)

    def go(self, selector: str = "main .btn-primary") -> None:
        """Reaches a button or link, presses Enter, and looks at the page that comes."""
        self.reach(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.look()

    def value(self, script: str) -> Any:
        return self.page.evaluate(script)
