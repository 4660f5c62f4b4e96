"""A person at a real browser: fills what the page asks for, and every page that they see is checked with axe."""

import os
import re
from pathlib import Path
from typing import Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, FilePayload, expect

from tests.e2e.keyboard import by_keyboard

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
KEEPS_PICTURES = os.environ.get("RECAPITO_PICTURES") == "1"
expect.set_options(timeout=30_000)  # ms; what comes costs nothing
# The pages that anybody looked at in this process: the site's name, "portal" or "console", and the path.
SEEN: set[tuple[str, str]] = set()
# What they were, at which size, so that one that comes again as it was isn't examined again.
_EXAMINED: set[tuple[str, int, str]] = set()
# No rule that runs by default reads the style sheets, and to fetch them takes longer than all rules.
_AXE: Final = """() => axe.run({resultTypes: ["violations"], preload: false}).then(found => found.violations.map(
    each => [each.id, each.help, each.nodes[0].html]))"""
# A page without what differs each time: what was typed, tokens, figures.
_SHAPE: Final = """() => {
    const copy = document.documentElement.cloneNode(true);
    copy.querySelectorAll("input").forEach(each => each.removeAttribute("value"));
    return copy.outerHTML;
}"""


class Person:
    """One person with a browser of their own, without JavaScript where the pages must do without it."""

    def __init__(self, browser: Browser, url: str, size: dict[str, int], pictures: Path) -> None:
        self.site = pictures.name
        self._size = size
        self._context = browser.new_context(base_url=url, viewport=size, locale="it-IT")  # type: ignore[arg-type]
        self.page = self._context.new_page()
        self._pictures = pictures
        self.findings: list[str] = []
        self._number = 0

    def open(self, path: str) -> None:
        self.page.goto(path)
        self.look()

    def look(self) -> None:
        """Checks the page that is shown, at phone and desktop size and by keyboard. ``RECAPITO_PICTURES=1`` keeps pictures."""
        self.page.wait_for_load_state()  # a click waits for the next page to begin
        place = self.page.url.split("/", 3)[-1].split("?")[0]
        SEEN.add((self.site, f"/{place}"))
        shape = re.sub(r"[0-9a-f]*[0-9][0-9a-f]*", "#", re.sub(r'nonce="[^"]*"', "", self.page.evaluate(_SHAPE)))
        if (self.site, self._size["width"], shape) in _EXAMINED:
            return
        _EXAMINED.add((self.site, self._size["width"], shape))
        self._number += 1
        self.page.evaluate(AXE_SCRIPT)
        for size in (PHONE, DESKTOP) if self._size is DESKTOP else (DESKTOP, PHONE):  # its own at last
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            for rule, text, html in self.page.evaluate(_AXE):
                self.findings.append(f"/{place}: {rule}: {text} ({html[:200]})")
            if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                self.findings.append(f"/{place}: scrolls sideways at {size['width']}")
        self.findings.extend(f"/{place}: {finding}" for finding in by_keyboard(self.page))
        if KEEPS_PICTURES:
            self._pictures.mkdir(parents=True, exist_ok=True)
            name = f"{self._number:02d}-{place.replace('/', '-')[:60] or 'home'}.png"
            self.page.screenshot(path=self._pictures / name, full_page=True)

    def keys(self, *keys: str) -> None:
        """Presses single keys while no field has the focus."""
        self.page.evaluate("document.activeElement.blur()")
        for key in keys:
            self.page.keyboard.press(key)

    def says(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.locator("main")).to_contain_text(text)

    def fill(self, **values: str) -> None:
        """Fills fields by their names and presses Enter's button, the form's first."""
        for name, value in values.items():
            field = self.page.locator(f"main [name={name}]")
            kind = field.first.get_attribute("type")
            if kind == "radio":
                self.page.locator(f"main [name={name}][value='{value}']").check()
            elif field.first.evaluate("element => element.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        last = self.page.locator(f"main form:has([name={list(values)[-1]}])")
        with self.page.expect_navigation():  # a page that saves itself finishes that first
            last.locator("button").first.click()
        self.look()

    def attach(self, name: str, content: bytes) -> None:
        self.page.locator(f"main input[type=file][name={name}]").set_input_files(
            FilePayload(name=f"{name}.png", mimeType="image/png", buffer=content)
        )

    def press(self, text: str) -> None:
        self.page.locator("main").get_by_role("button", name=text).first.click()
        self.look()

    def follow(self, text: str) -> None:
        self.page.locator("main").get_by_role("link", name=text).first.click()
        self.look()
