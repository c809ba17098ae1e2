"""The Chromium that install.py brought, started as a machine without a screen and without root can run it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.browser.install import CHROMIUM, LIBRARIES, missing_libraries

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--headless"]


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    environment: dict[str, str | float | bool] = {**os.environ}
    if missing_libraries():
        environment["LD_LIBRARY_PATH"] = str(LIBRARIES)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=environment)
        yield browser
        await browser.close()
