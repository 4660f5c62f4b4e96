"""A browser as the demo needs it: follows links, fills forms by their fields' names, keeps cookies. It runs no JavaScript."""

from collections.abc import Mapping
from typing import Final

import httpx
import lxml.html

SECONDS: Final = 30
Page = tuple[str, lxml.html.HtmlElement]
"""A page's path and content."""


class PageDiffers(AssertionError):
    """Raised when a page isn't what the story says."""


class Browser:
    """One person's browser at one front end."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=SECONDS, follow_redirects=True, headers={"Accept-Language": "it"})
        self._page: lxml.html.HtmlElement
        self.path = ""
        self.open("/")

    def open(self, path: str) -> None:
        """Goes to an address."""
        self._show(self._http.get(path))

    def kept(self) -> Page:
        """The page that is open, for ``back``."""
        return self.path, self._page

    def back(self, page: Page) -> None:
        """To a page that was open, as it was: what the browser's own button does."""
        self.path, self._page = page

    def text(self) -> str:
        """What a person reads in the page's main part."""
        return " ".join(self._page.get_element_by_id("main").text_content().split())

    def heading(self) -> str:
        """The page's heading."""
        return " ".join(self._page.xpath("//h1")[0].text_content().split())

    def expect(self, *parts: str) -> None:
        """Raises PageDiffers unless the page says all of it."""
        for part in parts:
            if part not in self.text():
                raise PageDiffers(f"{self.path} does not say «{part}», it says: {self.text()[:1500]}")

    def follow(self, name: str) -> None:
        """Follows the link that says ``name``."""
        for link in self._page.xpath("//a[@href]"):
            if name in " ".join(link.text_content().split()):
                self.open(link.get("href"))
                return
        raise PageDiffers(f"{self.path} has no link «{name}»")

    def press(self, name: str) -> None:
        """Presses the button that says ``name``; its form stays as it stands."""
        for form in self._page.forms:
            for button in form.xpath(".//button"):
                if name in " ".join(button.text_content().split()):
                    self._submit(form, button, {}, {})
                    return
        raise PageDiffers(f"{self.path} has no button «{name}»: {self.text()[:800]}")

    def fill(self, files: Mapping[str, tuple[str, bytes, str]] | None = None, /, **values: str) -> None:
        """Fills the form that asks for these fields and presses its first button."""
        wanted = {*values, *(files or {})}
        for form in self._page.forms:
            if wanted <= {*form.fields}:
                self._submit(form, form.xpath(".//button")[0], values, files or {})
                return
        asked = [sorted(form.fields) for form in self._page.forms]
        raise PageDiffers(f"{self.path} asks for {asked}, not for {sorted(wanted)}: {self.text()[:800]}")

    def image(self, index: int) -> bytes:
        """The page's picture, as its own address gives it."""
        sources = [image.get("src") for image in self._page.xpath("//main//img[@src]")]
        if index >= len(sources):
            raise PageDiffers(f"{self.path} shows {len(sources)} picture(s)")
        return self._http.get(sources[index]).raise_for_status().content

    def _submit(
        self,
        form: lxml.html.HtmlElement,
        pressed: lxml.html.HtmlElement,
        values: Mapping[str, str],
        files: Mapping[str, tuple[str, bytes, str]],
    ) -> None:
        data = {name: value for name, value in form.form_values() if name not in files} | dict(values)
        if pressed.get("name"):
            data[pressed.get("name")] = pressed.get("value", "")
        action = pressed.get("formaction") or form.action or self.path
        # a browser says where it comes from; over HTTPS the pages insist on it
        headers = {"Referer": str(self._http.base_url).rstrip("/") + self.path}
        self._show(self._http.post(action, data=data, files=dict(files) or None, headers=headers))

    def _show(self, response: httpx.Response) -> None:
        self.path = response.url.raw_path.decode()
        self._page = lxml.html.fromstring(response.text)
        if response.status_code >= 500:
            raise PageDiffers(f"{self.path} answered {response.status_code}: {self.text()[:500]}")
