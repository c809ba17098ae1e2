"""What holds of every page of the console, looked at in one go.

    here = await visit()
    await here.enter(Role.SUPER_ADMIN, rooms.address("billing", "/console/invoices"))
    await check_everywhere(here, rooms.address("billing", "/console/invoices"))

`check_page` looks once, as the visit stands. `check_everywhere` looks at 1440 and at 390 pixels, each in light and in
dark, within one loading: axe looks at all of it twice, and twice at the contrasts alone, as nothing else depends on the
scheme. It leaves the page wide and light.
"""

from typing import Literal

from playwright.async_api import ViewportSize

from tests.browser.visits import Visit

WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
Scheme = Literal["light", "dark"]

_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def check_page(here: Visit, address: str, *, status: int = 200) -> None:
    """Opens `address` and expects `status`; then axe finds nothing, nothing overflows, the console is silent."""
    await _open(here, address, status)
    await _look(here, address)


async def check_everywhere(here: Visit, address: str, *, status: int = 200) -> None:
    await _show(here, WIDE, "light")
    await _open(here, address, status)
    await _look(here, f"{address} at {WIDE['width']} px")
    await _compare_colours(here, address, WIDE, "dark")
    await _show(here, NARROW, "dark")
    await _look(here, f"{address} at {NARROW['width']} px, dark")
    await _compare_colours(here, address, NARROW, "light")
    await _show(here, WIDE, "light")


async def _show(here: Visit, viewport: ViewportSize, scheme: Scheme) -> None:
    await here.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await here.page.set_viewport_size(viewport)


async def _compare_colours(here: Visit, address: str, viewport: ViewportSize, scheme: Scheme) -> None:
    await _show(here, viewport, scheme)
    pale = await here.violations("color-contrast")
    assert pale == [], f"{address} at {viewport['width']} px, {scheme}: {pale}"


async def _open(here: Visit, address: str, status: int) -> None:
    answer = await here.page.goto(address)
    assert answer is not None
    assert here.page.url == address, f"{address} led to {here.page.url}"
    assert answer.status == status, f"{address} answered {answer.status}"


async def _look(here: Visit, told: str) -> None:
    violations = await here.violations()
    assert violations == [], f"{told}: {violations}"
    assert await here.page.evaluate(_OVERFLOW) <= 0, f"{told} overflows to the side"
    assert here.complaints == [], f"{told}: {here.complaints}"
