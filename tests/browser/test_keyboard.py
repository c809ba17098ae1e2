"""An invoice issued by keys alone, from the home page on: whoever works all day takes no hand off them."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from contracts.identity import Role
from tests.billing.arrangements import NOW, march, sent
from tests.browser.conftest import Rooms

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
FARTHEST = 60
"""How many times Tab is pressed at the most; a page whose deeds are farther than that is not worked by keys."""

FOCUSED = """() => {
    const at = document.activeElement;
    const label = at.labels?.[0] ?? at;
    return label.textContent.trim().replace(/\\s+/g, " ");
}"""


async def tab_to(page: Page, words: str) -> None:
    """Moves the focus on until it is at what is called so."""
    seen = []
    for _ in range(FARTHEST):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(FOCUSED))
        if seen[-1].startswith(words):
            return
    raise AssertionError(f"{words!r} is not reached by Tab: {seen}")


async def test_keys_alone_issue_an_invoice(rooms: Rooms, visit: Visits) -> None:
    rooms.clock.instant = NOW
    installer_id = await rooms.books.priced_installer()
    draft = await rooms.books.draft_of(installer_id, sent(installer_id, march(10)))
    here = await visit()
    await here.enter(Role.ADMIN, f"{rooms.identity}/console")
    page, billing = here.page, rooms.address("billing")
    for key in "gi":
        await page.keyboard.press(key)
    await page.wait_for_url(f"{billing}/console/invoices?status=draft")
    for key in "je":
        await page.keyboard.press(key)
    await page.wait_for_url(f"{billing}/console/invoices/{draft}")
    await tab_to(page, "Mark issued")
    await page.keyboard.press("Enter")
    await tab_to(page, "Stripe invoice")
    await page.keyboard.type("in_1Nxe8TLkdIwHu7ix")
    await tab_to(page, "Mark issued")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("WB-000001")
    invoice = await rooms.books.invoice(draft)
    assert (invoice.number, invoice.stripe_invoice_id) == ("WB-000001", "in_1Nxe8TLkdIwHu7ix")
