"""Markup in all that outsiders send and in every field that operators write in: it runs nowhere, and is shown as text.

The forms are collected from the pages themselves. In the browser each is sent once as it could be accepted; past the
browser each is sent once more with markup in all of its fields, as a page shows it that answers without scripts.
A service's forms are sent one after another, as one deed leads to the next; the services' at the same time.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from playwright.async_api import BrowserContext, Dialog, Page, Request

from chassis.console.rooms import rooms as all_rooms
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from deploy import SERVICES
from tests.browser.conftest import Rooms, Visit
from tests.browser.planting import PLANTED, plant
from tests.browser.reading import PageForm, ReadPage, path_of, pattern_of, rooms_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Visits = Callable[..., Any]
Found = Sequence[tuple[str, PageForm]]
"""The forms of one kind, each with the address of a page that it is on."""

SMALL: Any = {"width": 320, "height": 240}
"""Nobody looks at the pages: the less is painted, the better."""

OF_A_KIND = 4
"""So many pages of one kind are read: in other states they have other forms."""

READING = httpx.Limits(max_connections=8, keepalive_expiry=1)
"""So many pages are read at the same time. Servers end a connection that rests for some seconds."""

ENDS = (
    "accept",
    "deny",
    "withdraw",
    "void",
    "agree",
    "decline",
    "close",
    "cancel",
    "complete",
    "resolve",
    "discard",
    "revoke",
    "disable",
    "reject",
    "ignore",
    "lift",
    "issued",
    "send",
    "snooze",
)
"""Deeds after which a thing has no others: they are done last."""

ON_EVERY_PAGE = ("/console/sign-out", "/console/step-up")

# Fills a form as somebody would who means it, but for markup wherever words are wanted; then sends it.
FILL = """([action, planted]) => {
    const form = [...document.querySelectorAll("main form[method=post]")]
        .find((each) => new URL(each.getAttribute("action"), location.href).href === action);
    const kept = /abn|phone|stripe|external|postcode|territory|services|zone|secret|host|url|account_id|ids$/;
    for (const each of form.elements) {
        const isText = each.matches("textarea, input:not([type]), input[type=text]");
        if (each.matches("select") && !each.value) each.selectedIndex = Math.min(1, each.options.length - 1);
        else if (each.type === "email") each.value = each.validity.valid && each.value || "planted@post.example";
        else if (each.type === "number" || (isText && each.inputMode)) each.value ||= "1";
        else if (each.type === "checkbox" && each.name.endsWith("_ids")) each.checked = true;
        else if (each.type === "datetime-local") each.value ||= "2026-12-03T14:05";
        else if (each.type === "radio") each.checked ||= !form.querySelector(`[name="${each.name}"]:checked`);
        else if (each.name === "services") each.value ||= "solar-battery";
        else if (each.name === "service") each.value = "solar-battery";
        else if (isText && !kept.test(each.name))
            each.value = each.maxLength < 0 || planted.length <= each.maxLength ? planted : planted.split("script>")[2];
    }
    form.noValidate = true;
    document.documentElement.dataset.sent = "yes";
    form.requestSubmit(form.querySelector("button:not([formaction])"));
}"""

# What only markup out of somebody's text can have made of a page.
MADE = """() => [...document.querySelectorAll("img, main script")].map((each) => each.outerHTML).concat(
    document.title === "planted" ? "its title" : [])"""

# One that was sent is none any more: what was refused in its place keeps what was typed.
HAS = """action => document.documentElement.matches(":not([data-sent])") &&
    [...document.querySelectorAll("main form[method=post]")].some(
        (each) => new URL(each.getAttribute("action"), location.href).href === action)"""

REFUSED = {
    "/console/leads/*/compare",  # no lead has such an id
    "/console/duplicates/settings",  # less would be rejected than is held
    "/console/account/password",  # the present one is not this
    "/console/simulations",  # no installer is called so
    "/console/lead-sources",  # there is a source of this name already
    "/console/escalations/*",  # and a policy
    "/console/follow-ups/*/complete",  # its lead was closed a moment ago, and no next one is planned
    "/console/client-invoices/*/mark-paid",  # the reference stands for another payment
    "/console/invoices/*/mark-issued",  # it lacks its id at Stripe
    "/console/differences/*/refer",  # no invoice has such a number
    "/console/stripe/upload",  # no report has such rows
    "/console/email-health/new",  # it lacks its secret
    "/console/board-splits/*/participations",  # no pool is in such words
    "/console/accounts/*/receive",  # nothing that is asked for is in such words: an amount
    "/console/installers/*/absences",  # it would end as it starts
    "/console/invoices/*/promise",  # it would be for a day that is over
    "/console/month-close/*/references/look",  # no list of references is in such words
    "/console/installers/*/hours",  # no hours are in such words
    "/console/messages/bounce",  # no mail that came back is in such words
}
"""What of all this is not taken even as it was meant."""

UNREACHED = {
    "/console/accounts/*/receive/record",  # the amount has to be said first
    "/console/account/sessions/*/end",
    "/console/account/sessions/end-others",
    "/console/accounts/*/end-prices",  # behind the page that shows what it changes: test_billing_accounts.py
    "/console/accounts/*/prices",
    "/console/board-splits/*/participations/preview",  # another button of the form that saves them
    "/console/client-invoices/*/redraft",
    "/console/differences/*/look_up",  # no key of Stripe's is set
    "/console/differences/*/record",  # its number is refused as that of the reference is
    "/console/duplicates/*/*/dismiss",  # no lead is held: test_intake_duplicates.py holds one, with markup
    "/console/duplicates/*/*/merge",
    "/console/duplicates/*/*/merge-with-credits",  # another button of the form that merges, where somebody was charged
    "/console/duplicates/settings/try",  # as that of the participations
    "/console/email-health/*/resume",
    "/console/exceptions/*/unassign",  # nobody has one
    "/console/exceptions/*/wake",
    "/console/erasures",  # leads have to be chosen first
    "/console/installers/*/absences/end",
    "/console/installers/*/people/*/change",
    "/console/installers/*/people/*/remove",
    "/console/escalations/*/try",  # as that of the participations
    "/console/escalations/try",
    "/console/invoices/*/apply-credit",
    "/console/invoices/*/resend",
    "/console/invoices/*/unapply-credit",
    "/console/invoices/*/withdraw-promise",  # nobody promised anything
    "/console/leads/*/ask-credits",  # where somebody was charged: its words are as those of the corrections
    "/console/leads/*/correct-with-credits",
    "/console/leads/*/reject",
    "/console/leads/*/release",
    "/console/leads/*/unmerge",
    "/console/month-close/*/all-installers",  # the month is about all of them
    "/console/month-close/*/issue/all",  # nothing is ready
    "/console/month-close/*/references/keep",  # a list has to be looked at first
    "/console/operators/*/enable",
    "/console/stripe/compare",  # no key of Stripe's is set
    "/console/payments/*/reverse",
    "/console/receipts/*/refund",
    "/console/receipts/*/reverse",
    "/console/simulations/*/cancel",  # over before the walk comes to it
    "/console/simulations/new",  # another button of the form that asks for one
    "/console/void-requests/*/approve",
    "/console/void-requests/*/reject",
    "/console/write-offs/*/approve",
    "/console/write-offs/*/reject",
    "/console/write-offs/*/reverse",
}
"""Deeds of states that nothing is in before the walk. A form that is added is either reached or named here."""

ELSEWHERE_HELD = "/(views|export|bulk)(/|$)|/console/(sign-in|enrol)|/admin/design/"

SHOWN_IN = {
    "leads",
    "lead-sources",
    "assignments",
    "returns",
    "installers",
    "delivery-events",
    "held-deliveries",
    "invoices",
    "client-invoices",
    "accounts",
    "adjustments",
    "boards",
    "clients",
    "board-splits",
    "payouts",
    "experts",
    "tickets",
    "messages",
    "suppressions",
    "operators",
}
"""Rooms whose lists name something that somebody else has written."""


@dataclass
class Walk:
    """Through all pages that links lead to; `forms` by the kind of their address, each with the pages it is on."""

    client: httpx.AsyncClient
    rooms: Rooms
    pages: dict[str, ReadPage] = field(default_factory=dict)
    forms: dict[str, list[tuple[str, PageForm]]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    async def go(self) -> None:
        """A page comes after those that lead to it, whichever of them is read first."""
        addresses = [self.rooms.address(service) for service in SERVICES]
        found = [self.rooms.address(room.service, room.path.partition("?")[0]) for room in all_rooms()]
        kinds: Counter[str] = Counter()
        while chosen := list(_not_too_many(found, kinds, self.seen)):
            read = await asyncio.gather(*(self._read(address) for address in chosen))
            pages = [page for page in read if page is not None]
            for page in pages:
                self._keep(page)
            found = [link for page in pages for link in rooms_of(page.links, addresses)]

    async def _read(self, address: str) -> ReadPage | None:
        answer = await self.client.get(address)
        assert not answer.is_server_error, f"{address} answered {answer.status_code}"
        if not answer.is_success or not answer.headers["content-type"].startswith("text/html"):
            return None
        return ReadPage(address, answer.text)

    def _keep(self, page: ReadPage) -> None:
        self.pages[page.address] = page
        for form in page.forms:
            self.forms.setdefault(pattern_of(form.action), []).append((page.address, form))

    def written(self) -> list[dict[str, Found]]:
        """The forms of the rooms that take text, of each service in the order in which they are sent."""
        by_service: dict[str, dict[str, Found]] = {}
        for kind, found in sorted(self.forms.items(), key=lambda each: each[0].endswith(ENDS)):
            if any(form.written for _, form in found) and not kind.endswith(ON_EVERY_PAGE):
                by_service.setdefault(kind.partition("/")[0], {})[kind] = found
        return list(by_service.values())


def _not_too_many(found: Iterable[str], kinds: Counter[str], seen: set[str]) -> Iterator[str]:
    """What was not seen yet, unless enough of its kind were."""
    for address in found:
        kind = pattern_of(address)
        if address not in seen and kinds[kind] < OF_A_KIND:
            seen.add(address)
            kinds[kind] += 1
            yield address


@pytest.fixture
async def here(rooms: Rooms, visit: Visits) -> AsyncIterator[Visit]:
    """As a super admin; what was planted opens no dialog and fetches nothing."""
    await plant(rooms)
    here: Visit = await visit(viewport=SMALL, reduced_motion="reduce")
    executed: list[str] = []

    async def dismiss(dialog: Dialog) -> None:
        executed.append(dialog.message)
        await dialog.dismiss()

    def note(request: Request) -> None:
        if request.url.endswith("/x"):
            executed.append(request.url)

    here.context.on("dialog", dismiss)
    here.context.on("request", note)
    await here.enter(Role.SUPER_ADMIN, f"{rooms.identity}/console")
    yield here
    assert executed == []


@pytest.fixture
async def client(here: Visit) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as whoever is before the browser."""
    (access,) = [each["value"] for each in await here.context.cookies() if each["name"] == ACCESS_COOKIE]
    settings: Any = {"cookies": {ACCESS_COOKIE: access}, "follow_redirects": True, "limits": READING}
    async with httpx.AsyncClient(timeout=30, trust_env=False, **settings) as client:
        yield client


async def test_markup_runs_nowhere_and_is_shown_as_text(here: Visit, client: httpx.AsyncClient) -> None:
    before, after = Walk(client, here.rooms), Walk(client, here.rooms)
    await before.go()
    unmarked = [
        (page.address, form.action) for page in before.pages.values() for form in page.forms if not form.is_marked
    ]
    assert unmarked == []
    assert _routes(here.rooms) - {path_of(kind) for kind in before.forms} == UNREACHED
    answers = await asyncio.gather(*(_send_in_the_browser(here.context, forms) for forms in before.written()))
    accepted = {kind: is_accepted for each in answers for kind, is_accepted in each.items()}
    assert {path_of(kind) for kind, is_accepted in accepted.items() if not is_accepted} == REFUSED
    await asyncio.gather(*(_send_past_the_browser(client, forms) for forms in before.written()))
    await after.go()
    for page in (*before.pages.values(), *after.pages.values()):
        assert page.planted == [], page.address
    named = {page.address.rsplit("/", 1)[1] for page in after.pages.values() if PLANTED in page.text}
    assert SHOWN_IN - named == set()


def _routes(rooms: Rooms) -> set[str]:
    """What forms are sent to, but for lists' views, exports and deeds over many rows, the way in, and the samples."""
    paths = {
        path_of(re.sub(r"{[^}]*}", "*", guard.path))
        for service in SERVICES
        for guard in rooms.building.guards(service)
        if guard.is_page and guard.method == "POST"
    }
    return {path for path in paths if not re.search(ELSEWHERE_HELD, path)}


async def _send_in_the_browser(context: BrowserContext, forms: dict[str, Found]) -> dict[str, bool]:
    """Whether each was accepted. The views of lists are one piece: one room of a service stands for its others."""
    views = [kind for kind in forms if kind.endswith("/views")]
    page = await context.new_page()
    accepted = {kind: await _send(page, found) for kind, found in forms.items() if kind not in views[1:]}
    await page.close()
    return accepted


async def _send(page: Page, found: Found) -> bool:
    form = await _come_to(page, found)
    async with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        await page.evaluate(FILL, [form.action, PLANTED])
    answer = await sent.value
    assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, f"{form.action} answered {answer.status}"
    is_told = answer.headers.get("content-type", "").startswith("application/json")
    if answer.request.is_navigation_request() or (answer.ok and is_told):
        await page.locator("html:not([data-sent])").wait_for(state="attached")
        await page.wait_for_load_state("domcontentloaded")
    assert await page.evaluate(MADE) == [], form.action
    return answer.status < HTTPStatus.BAD_REQUEST


async def _come_to(page: Page, found: Found) -> PageForm:
    """Stays where it is there already. What was done before can have taken the form from one page; another has it."""
    _, first = found[0]
    if await page.evaluate(HAS, first.action):
        return first
    for address, form in found:
        await page.goto(address, wait_until="domcontentloaded")
        if await page.evaluate(HAS, form.action):
            return form
    raise AssertionError(f"no page has {first.action} any more: {[address for address, _ in found]}")


async def _send_past_the_browser(client: httpx.AsyncClient, forms: dict[str, Found]) -> None:
    for (_, form), *_ in forms.values():
        sent = {**form.sent, **dict.fromkeys(form.written, PLANTED)}
        answer = await client.post(form.action, data=sent, headers={"Accept": "text/html"})
        assert not answer.is_server_error, f"{form.action} answered {answer.status_code}"
        assert ReadPage(form.action, answer.text).planted == [], form.action


def test_markup_that_is_not_shown_as_text_is_noticed() -> None:
    page = ReadPage(
        "http://127.0.0.1/console/leads", f"<p>{PLANTED}</p><form method=post action=/console/leads></form>"
    )
    assert len(page.planted) == 2
    assert not page.forms[0].is_marked
