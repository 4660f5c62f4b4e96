"""A real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

# nothing but the pages under test is to be reached
FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium: the machine's, or the one that Playwright brought. For one file: beside it nobody can run another loop."""
    with sync_playwright() as playwright:
        found = next((path for name in NAMES if (path := shutil.which(name))), None)
        if found is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium here: on Debian and Ubuntu `apt-get install chromium`")
        try:
            # its sandbox needs a user other than root
            browser = playwright.chromium.launch(executable_path=found, args=[*FLAGS, "--no-sandbox"])
        except Error as error:
            pytest.fail(f"Chromium is here but does not start: {error.message.splitlines()[0]}")
        yield browser
        browser.close()
