"""Pictures of every room as the demonstration fills it: `python -m tests.browser.screenshots`, or `make screenshots`.

Starts a system of its own, plays the demonstration on it, looks at each room and at the first document of its list,
wide and narrow, in light and in dark, and stops it. Writes `docs/screens/<page>-<width>-<scheme>.webp` and a page that
shows them all; pictures of rooms that are no more go.
"""

import argparse
import asyncio
import base64
import shutil
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pyotp
from playwright.async_api import BrowserContext, Page, ViewportSize

from chassis.console.rooms import Room, rooms
from contracts.identity import Role
from deploy.local.child import ChildFailed
from deploy.local.demo.operators import Refused, SignIn
from deploy.local.demo.play import play
from deploy.local.demo.reader import TooLate
from deploy.local.keeper import ToldToStop, stop_on_signals
from deploy.local.paths import ROOT
from deploy.local.system import System
from tests.browser.chromium import running_chromium
from tests.browser.sweep import NARROW, WIDE

SCREENS = ROOT / "docs" / "screens"
VIEWPORTS: Sequence[ViewportSize] = (WIDE, NARROW)
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
TALLEST_PX = 1_200
LARGEST_BYTES = 40_000
QUALITIES = (60, 45, 30)
"""The first of them that makes a picture small enough is taken, else the last."""

FIRST_DOCUMENT = "main table tbody th a[href]"


@dataclass(frozen=True, slots=True)
class Picture:
    """`page` is its name in the address of the picture, `title` for who reads the gallery."""

    page: str
    title: str
    width: int
    scheme: str

    @property
    def file_name(self) -> str:
        return f"{self.page}-{self.width}-{self.scheme}.webp"

    @property
    def told(self) -> str:
        return f"{self.title} at {self.width} pixels, {self.scheme}"


@dataclass
class Camera:
    """`pictures` are those that were taken, in their order."""

    context: BrowserContext
    page: Page
    directory: Path
    pictures: list[Picture]

    async def take(self, name: str, title: str, address: str) -> None:
        """Of one page, at every width and in every scheme."""
        # What other services tell of it comes after the page itself.
        answer = await self.page.goto(address, wait_until="networkidle")
        if answer is None or not answer.ok:
            raise Refused(f"{address} answered {answer.status if answer else 'nothing'}")
        for picture in pictures_of(name, title):
            viewport = next(each for each in VIEWPORTS if each["width"] == picture.width)
            await self.page.set_viewport_size(viewport)
            await self.page.emulate_media(
                color_scheme="dark" if picture.scheme == "dark" else "light", reduced_motion="reduce"
            )
            await self.page.evaluate("document.fonts.ready.then(() => undefined)")
            (self.directory / picture.file_name).write_bytes(await self._photograph(viewport))
            self.pictures.append(picture)

    async def with_rows(self) -> str:
        """The address of the list's view that has rows: the one with which its room opens, or all of it."""
        everything = self.page.locator("#list-tabs a", has_text="All")
        if not await self.page.locator("main .empty").count() or not await everything.count():
            return self.page.url
        address: str = await everything.first.evaluate("link => link.href")
        return address

    async def first_document(self) -> str | None:
        """Where the first row of the list leads; None where the page lists nothing."""
        links = self.page.locator(FIRST_DOCUMENT)
        found: str | None = await links.first.evaluate("link => link.href") if await links.count() else None
        return found

    async def _photograph(self, viewport: ViewportSize) -> bytes:
        """The whole page down to a limit, as a WebP: Playwright itself makes none."""
        tall = int(await self.page.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": viewport["width"], "height": min(tall, TALLEST_PX), "scale": 1}
        devtools = await self.context.new_cdp_session(self.page)
        picture = b""
        for quality in QUALITIES:
            options = {"format": "webp", "quality": quality, "clip": clip, "captureBeyondViewport": True}
            picture = base64.b64decode((await devtools.send("Page.captureScreenshot", options))["data"])
            if len(picture) <= LARGEST_BYTES:
                break
        await devtools.detach()
        return picture


def pictures_of(page: str, title: str) -> Iterator[Picture]:
    for viewport in VIEWPORTS:
        for scheme in SCHEMES:
            yield Picture(page, title, viewport["width"], scheme)


def shown_rooms() -> list[Room]:
    """All that a deployed system has, and the page of the design language."""
    return [room for room in rooms() if not room.is_local or room.name == "design"]


def gallery(pictures: Iterable[Picture]) -> str:
    """The page that shows them, in the order in which they were taken."""
    by_title: dict[str, list[Picture]] = {}
    for picture in pictures:
        by_title.setdefault(picture.title, []).append(picture)
    parts = ["# Screens", "Made by `make screenshots` from the demonstration's data."]
    for title, taken in by_title.items():
        columns = [f"{each.width} pixels, {each.scheme}" for each in taken]
        images = [f"![{each.told}]({each.file_name})" for each in taken]
        parts.append(f"## {title}")
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(taken), images)))
    return "\n\n".join(parts) + "\n"


async def photograph(services: dict[str, str], visitor: SignIn, directory: Path) -> list[Picture]:
    async with _camera(directory) as camera:
        await camera.take("sign-in", "Sign in", f"{services['identity']}/console/sign-in")
        await _sign_in(camera.page, visitor, services["identity"])
        for room in shown_rooms():
            await camera.page.goto(services[room.service] + room.path)
            await camera.take(room.name, room.title, await camera.with_rows())
            if not room.is_local and room.name != "home" and (document := await camera.first_document()) is not None:
                await camera.take(f"{room.name}-document", f"{room.title}: one of them", document)
        return camera.pictures


@asynccontextmanager
async def _camera(directory: Path) -> AsyncIterator[Camera]:
    async with running_chromium() as browser:
        context = await browser.new_context(viewport=WIDE)
        yield Camera(context, await context.new_page(), directory, [])
        await context.close()


async def _sign_in(page: Page, visitor: SignIn, identity: str) -> None:
    """With the code of the next step, which drift allows: the demonstration may have spent the present one."""
    await page.goto(f"{identity}/console/sign-in")
    await page.get_by_label("E-mail").fill(visitor.email)
    await page.get_by_label("Password").fill(visitor.password)
    code = pyotp.TOTP(visitor.totp_secret).at(datetime.now(UTC) + timedelta(seconds=30))
    await page.get_by_label("One-time code").fill(code)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: not url.endswith("/console/sign-in"))


async def _play_and_photograph(system: System, directory: Path) -> list[Picture]:
    played = await play(system, _tell)
    visitor = next(one for one in played.sign_ins if one.role is Role.SUPER_ADMIN)
    return await photograph(system.addresses.services, visitor, directory)


def write(pictures: Sequence[Picture], taken_in: Path, directory: Path) -> None:
    """All of them take the place of all that were there."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.webp"):
        old.unlink()
    for picture in pictures:
        shutil.copyfile(taken_in / picture.file_name, directory / picture.file_name)
    (directory / "README.md").write_text(gallery(pictures))


def _tell(line: str) -> None:
    sys.stderr.write(f"  {line}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("--to", type=Path, default=SCREENS)
    options: Any = parser.parse_args(arguments)
    stop_on_signals()
    try:
        # Nobody else's servers are used, whatever the environment names.
        with System({}, report=_tell) as system:
            taken_in = system.room / "screens"
            taken_in.mkdir()
            pictures = asyncio.run(_play_and_photograph(system, taken_in))
            write(pictures, taken_in, options.to)
    except ToldToStop:
        sys.exit(130)
    except (Refused, TooLate, ChildFailed) as failed:
        sys.stderr.write(f"screenshots: {failed}\n")
        sys.exit(1)
    sys.stdout.write(f"{len(pictures)} pictures in {options.to}\n")


if __name__ == "__main__":
    main()
