"""Markup in all that outsiders send and in every field that operators write in: it runs nowhere, and is shown as text.

The forms are collected from the pages themselves. In the browser each is sent once as it could be accepted; past the
browser each is sent once more with markup in all of its fields, as a page shows it that answers without scripts.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
from playwright.async_api import Dialog, Request, expect

from chassis.console.rooms import rooms as all_rooms
from contracts.identity import Role
from deploy import SERVICES
from tests.browser.conftest import Rooms, Visit
from tests.browser.planting import PLANTED, plant
from tests.browser.reading import PageForm, ReadPage, path_of, pattern_of, rooms_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Visits = Callable[..., Any]
OF_A_KIND = 4
"""So many pages of one kind are read: in other states they have other forms."""

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

HAS = """action => [...document.querySelectorAll("main form[method=post]")].some(
    (each) => new URL(each.getAttribute("action"), location.href).href === action)"""

REFUSED = {
    "/console/leads/*/compare",  # no lead has such an id
    "/console/duplicates/settings",  # less would be rejected than is held
    "/console/account/password",  # the present one is not this
    "/console/lead-sources",  # there is a source of this name already
    "/console/escalations/*",  # and a policy
    "/console/follow-ups/*/complete",  # its lead was closed a moment ago, and no next one is planned
    "/console/accounts/*/end-prices",  # prices were set from that day a moment ago
    "/console/client-invoices/*/mark-paid",  # the reference stands for another payment
    "/console/invoices/*/mark-issued",  # it lacks its id at Stripe
    "/console/email-health/new",  # it lacks its secret
    "/console/board-splits/*/participations",  # no pool is in such words
    "/console/installers/*/absences",  # it would end as it starts
    "/console/installers/*/hours",  # no hours are in such words
}
"""What of all this is not taken even as it was meant."""

UNREACHED = {
    "/console/account/sessions/*/end",
    "/console/account/sessions/end-others",
    "/console/board-splits/*/participations/preview",  # another button of the form that saves them
    "/console/client-invoices/*/redraft",
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
    "/console/leads/*/correct-with-credits",
    "/console/leads/*/reject",
    "/console/leads/*/release",
    "/console/leads/*/unmerge",
    "/console/operators/*/enable",
    "/console/simulations/*/cancel",  # over before the walk comes to it
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

    here: Visit
    rooms: Rooms
    pages: dict[str, ReadPage] = field(default_factory=dict)
    forms: dict[str, list[tuple[str, PageForm]]] = field(default_factory=dict)

    async def go(self) -> None:
        addresses = [self.rooms.address(service) for service in SERVICES]
        waiting = [self.rooms.address(room.service, room.path.partition("?")[0]) for room in all_rooms()]
        kinds: dict[str, int] = {}
        seen = set()
        while waiting:
            address = waiting.pop(0)
            kind = pattern_of(address)
            if address in seen or kinds.get(kind, 0) >= OF_A_KIND:
                continue
            seen.add(address)
            kinds[kind] = kinds.get(kind, 0) + 1
            page = await self._read(address)
            if page is not None:
                waiting += rooms_of(page.links, addresses)

    async def _read(self, address: str) -> ReadPage | None:
        answer = await self.here.context.request.get(address)
        assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, f"{address} answered {answer.status}"
        if not answer.ok or not answer.headers["content-type"].startswith("text/html"):
            return None
        page = self.pages[address] = ReadPage(address, await answer.text())
        for form in page.forms:
            self.forms.setdefault(pattern_of(form.action), []).append((address, form))
        return page

    def written(self) -> dict[str, list[tuple[str, PageForm]]]:
        """The forms of the rooms that take text."""
        return {
            kind: found
            for kind, found in sorted(self.forms.items(), key=lambda each: each[0].endswith(ENDS))
            if any(form.written for _, form in found) and not kind.endswith(ON_EVERY_PAGE)
        }


@pytest.fixture
async def walk(rooms: Rooms, visit: Visits) -> AsyncIterator[Walk]:
    """As a super admin; what was planted opens no dialog and fetches nothing."""
    await plant(rooms)
    here: Visit = await visit()
    executed: list[str] = []

    async def dismiss(dialog: Dialog) -> None:
        executed.append(dialog.message)
        await dialog.dismiss()

    def note(request: Request) -> None:
        if request.url.endswith("/x"):
            executed.append(request.url)

    here.page.on("dialog", dismiss)
    here.page.on("request", note)
    await here.enter(Role.SUPER_ADMIN, f"{rooms.identity}/console")
    walk = Walk(here, rooms)
    await walk.go()
    yield walk
    assert executed == []


async def test_markup_runs_nowhere_and_is_shown_as_text(walk: Walk) -> None:
    unmarked = [
        (page.address, form.action) for page in walk.pages.values() for form in page.forms if not form.is_marked
    ]
    assert unmarked == []
    unreached = _routes(walk.rooms) - {path_of(kind) for kind in walk.forms}
    assert unreached == UNREACHED
    accepted = {kind: await _send_in_the_browser(walk.here, found) for kind, found in walk.written().items()}
    assert {path_of(kind) for kind, is_accepted in accepted.items() if not is_accepted} == REFUSED
    for found in walk.written().values():
        await _send_past_the_browser(walk.here, found[0][1])
    after = Walk(walk.here, walk.rooms)
    await after.go()
    for page in (*walk.pages.values(), *after.pages.values()):
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


async def _send_in_the_browser(here: Visit, found: Sequence[tuple[str, PageForm]]) -> bool:
    """Whether it was accepted. What was done before can have taken the form from one page; then another has it."""
    for address, form in found:
        await here.page.goto(address)
        if await here.page.evaluate(HAS, form.action):
            break
    else:
        raise AssertionError(f"no page has {form.action} any more: {[address for address, _ in found]}")
    async with here.page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        await here.page.evaluate(FILL, [form.action, PLANTED])
    answer = await sent.value
    assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, f"{form.action} answered {answer.status}"
    is_told = answer.headers.get("content-type", "").startswith("application/json")
    if answer.request.is_navigation_request() or (answer.ok and is_told):
        await expect(here.page.locator("html[data-sent]")).to_have_count(0)
    await expect(here.page.locator("img, main script")).to_have_count(0)
    await expect(here.page).not_to_have_title("planted")
    return answer.status < HTTPStatus.BAD_REQUEST


async def _send_past_the_browser(here: Visit, form: PageForm) -> None:
    sent: dict[str, str | float | bool] = {**form.sent, **dict.fromkeys(form.written, PLANTED)}
    answer = await here.context.request.post(form.action, form=sent, headers={"Accept": "text/html"})
    assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, f"{form.action} answered {answer.status}"
    assert ReadPage(form.action, await answer.text()).planted == [], form.action


def test_markup_that_is_not_shown_as_text_is_noticed() -> None:
    page = ReadPage(
        "http://127.0.0.1/console/leads", f"<p>{PLANTED}</p><form method=post action=/console/leads></form>"
    )
    assert len(page.planted) == 2
    assert not page.forms[0].is_marked
