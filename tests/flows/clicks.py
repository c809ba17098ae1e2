"""An operator before the running system's pages, with a mouse and what the pages themselves show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time

import pyotp
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect
from playwright.async_api import Error as BrowserError

from chassis.http.auth import ACCESS_COOKIE
from tests.flows.operators import SignedIn
from tests.flows.running import PROMISED_SECONDS, Running

STEP_SECONDS = 30
PATIENCE_MS = 10_000
GLANCE_MS = 250
"""How long a page is looked at before it is asked for again."""

STALE = """
UPDATE sessions SET mfa_at = mfa_at - interval '10 minutes'
WHERE operator_id = (SELECT id FROM operators WHERE email = $1)
"""


@dataclass
class Clicks:
    running: Running
    page: Page
    context: BrowserContext
    operator: SignedIn
    has_scripts: bool
    complaints: list[str] = field(default_factory=list)
    _step: int = 0

    def code(self) -> str:
        """Of the earliest step that is good and was not used: each is good once."""
        self._step = max(self._step + 1, int(time()) // STEP_SECONDS - 1)
        return pyotp.TOTP(self.operator.totp_secret).at(self._step * STEP_SECONDS)

    async def sign_in(self) -> None:
        await self.page.goto(self.running.url("identity", "/console"))
        await self.page.get_by_label("E-mail").fill(self.operator.email)
        await self.page.get_by_label("Password").fill(self.operator.password)
        await self.page.get_by_label("One-time code").fill(self.code())
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.locator("details.me")).to_be_visible()

    async def let_second_factor_grow_old(self) -> None:
        """As if they had signed in ten minutes ago; the next page renews the access by the session."""
        await self.running.owners["identity"].execute(STALE, self.operator.email)
        await self.context.clear_cookies(name=ACCESS_COOKIE)

    async def go_to(self, room: str) -> None:
        """By the rail, where a room's link may tell how many wait there."""
        titled = self.page.locator(".title").get_by_text(room, exact=True)
        await self.leave_by(self.page.get_by_role("navigation", name="Rooms").get_by_role("link").filter(has=titled))
        await expect(self.page.get_by_role("heading", name=room, level=1)).to_be_visible()

    async def follow(self, name: str) -> None:
        await self.leave_by(self.page.locator("main").get_by_role("link", name=name, exact=True).first)

    async def leave_by(self, link: Locator) -> None:
        """Until another page is there: what came next would be done to the one that is left."""
        before = self.page.url
        await link.click()
        await self.page.wait_for_url(lambda url: url != before)

    async def open_first(self) -> None:
        """The first row of a list."""
        await self.leave_by(self.page.get_by_role("rowheader").get_by_role("link").first)

    async def open_lead(self, name: str) -> None:
        await self.go_to("Leads")
        await self.find(name)
        await self.follow(name)
        await expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    async def open_in_queue(self) -> None:
        """What of the lead that is shown waits for an operator."""
        await self.until_shown(self.page.get_by_role("link", name="Open it in the queue"))
        await self.follow("Open it in the queue")
        await self.open_first()

    async def press(self, name: str) -> None:
        await self.page.locator("main").get_by_role("button", name=name, exact=True).click()

    async def find(self, text: str) -> None:
        """In all of the list, by its search."""
        await self.leave_by(self.page.locator("main").get_by_role("link", name="All", exact=True))
        await self.page.locator("main [name=q]").fill(text)
        await self.press("Filter")
        await self.page.wait_for_url("**q=**")

    async def fill(self, within: Locator, **fields: str) -> None:
        """By the fields' names, whatever kind they are of."""
        for name, text in fields.items():
            written = within.locator(f"[name={name}]").first
            if await written.evaluate("field => field.tagName") == "SELECT":
                await written.select_option(text)
            else:
                await written.fill(text)

    async def do(self, action: str, **fields: str) -> None:
        """Opens what can be done, fills it in and sends it."""
        done = self.page.locator("details.action", has=self.page.locator("summary", has_text=action))
        await done.locator("summary").click()
        await self.fill(done, **fields)
        await self.send(done.get_by_role("button", name=action, exact=True))

    async def send(self, button: Locator) -> None:
        """A form without scripts goes by loading a page, which has to come before that is loaded again."""
        if self.has_scripts:
            await button.click()
            return
        async with self.page.expect_event("domcontentloaded"):
            await button.click()

    async def confirm(self) -> None:
        """Answers the question for a fresh second factor, which has to be asked."""
        title = self.page.get_by_role("heading", name="Confirm that it is you")
        await expect(title).to_be_visible()
        asked = self.page.locator("dialog[open] form.form" if self.has_scripts else "form[action$='/console/step-up']")
        await asked.get_by_label("One-time code").fill(self.code())
        await asked.get_by_role("button", name="Confirm and continue").click()
        if not self.has_scripts:
            await self.page.get_by_role("button", name="Continue").click()

    async def until_shown(self, *looked_for: Locator) -> None:
        """Loads the page again until it shows this: what other services did comes in its own time."""

        async def shown() -> bool:
            try:
                await self.page.reload()
            except BrowserError as left:
                # What was sent is answered with another page just now.
                raise AssertionError("the page is being left") from left
            for each in looked_for:
                await expect(each.first).to_be_visible(timeout=GLANCE_MS)
            return True

        await self.running.until(shown, PROMISED_SECONDS)

    def note(self, message: ConsoleMessage) -> None:
        # A refusal, or what is not known yet, is a page with a status of its own, which the browser reports as well.
        is_refusal = "the server responded with a status of 4" in message.text
        if message.type in {"error", "warning"} and not is_refusal:
            self.complaints.append(message.text)


@asynccontextmanager
async def clicking(
    running: Running, browser: Browser, operator: SignedIn, *, has_scripts: bool
) -> AsyncIterator[Clicks]:
    """Signed in."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=has_scripts)
    context.set_default_timeout(PATIENCE_MS)
    here = Clicks(running, await context.new_page(), context, operator, has_scripts)
    context.on("console", here.note)
    context.on("weberror", lambda error: here.complaints.append(str(error.error)))
    await here.sign_in()
    yield here
    await context.close()
