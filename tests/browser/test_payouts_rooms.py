"""The rooms of payouts, worked by clicks, with and without scripts: pay by hand, splits, experts, sweeps."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from services.payouts.commands.approvals import Asking, ask_for_run
from services.payouts.commands.boards import note_board
from services.payouts.commands.experts import ExpertProfile, add_expert
from services.payouts.domain import PayoutState, RuleKind
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.payouts.arrangements import ROBIN

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"
BOTH = pytest.mark.parametrize("has_scripts", [True, False])


def at(rooms: Rooms, path: str) -> str:
    return rooms.address("payouts", f"/console/{path}")


async def do(here: Any, label: str, **fields: str) -> None:
    """Opens a deed's form, fills it and sends it."""
    form = here.page.locator("details.action", has=here.page.locator("summary", has_text=label))
    await form.locator("summary").click()
    for name, value in fields.items():
        await form.locator(f"[name={name}]").fill(value)
    await form.get_by_role("button", name=label).click()


@BOTH
async def test_pay_by_hand_takes_two_operators(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    payout = await rooms.office.ready_payout()
    first = await visit(java_script_enabled=has_scripts)
    await first.enter(await rooms.person(Role.ADMIN, "Robin Field"), at(rooms, "payouts"))
    await first.page.get_by_role("link", name="Priya Raman").click()
    await expect(first.page.get_by_text("Client has paid")).to_be_visible()
    await do(first, "Ask to send now")
    await expect(first.page.get_by_text("Asked for: a second operator can approve it until")).to_be_visible()
    await expect(first.page.locator(".action.impossible", has_text="whoever asked for it")).to_have_count(1)
    second = await visit(java_script_enabled=has_scripts)
    await second.enter(await rooms.person(Role.ADMIN, "Sam Whitlock"), at(rooms, f"payouts/{payout.id}"))
    await expect(second.page.get_by_text("Robin Field asked for it to be sent by hand.")).to_be_visible()
    await do(second, "Approve and send now")
    await expect(second.page.locator(".chip", has_text="Sent to Stripe").first).to_be_visible()
    assert (await rooms.office.payout(payout.id)).state is PayoutState.SENT
    await do(second, "Take back", reason="The client was refunded in part")
    await expect(second.page.locator(".chip", has_text="Taken back").first).to_be_visible()
    assert (await rooms.office.payout(payout.id)).reversed_cents == 70_000


async def test_a_part_is_taken_back_and_what_failed_is_released(rooms: Rooms, visit: Visits) -> None:
    sent = await rooms.office.sender.send((await rooms.office.ready_payout()).id)
    here = await visit()
    await here.enter(Role.ADMIN, at(rooms, f"payouts/{sent.id}"))
    await do(here, "Take back", amount="200.50", reason=PLANTED)
    await expect(here.page.get_by_text("Taken back, $499.50 stays sent")).to_be_visible()
    await expect(here.page.get_by_text(PLANTED).first).to_be_visible()
    rooms.office.gateway.transfer_refusal = "amount_too_small"
    failed = await rooms.office.sender.send((await rooms.office.ready_payout()).id)
    await here.page.goto(at(rooms, f"payouts/{failed.id}"))
    await expect(here.page.get_by_text("Nothing moved: Stripe says amount too small")).to_be_visible()
    await do(here, "Release", reason="The limit was raised at Stripe")
    await expect(here.page.get_by_text("Released: the next sweep may send it")).to_be_visible()


@BOTH
async def test_held_pay_is_mended_and_allocated(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    names = [await rooms.office.expert(name) for name in ("Ana Duarte", "Bo Chen", "Cai Liu", "Dot Ray")]
    held = await rooms.office.board(amount_cents=100_001)
    await rooms.office.close(held)
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.ADMIN, at(rooms, "board-splits?stands=held"))
    await here.page.get_by_role("link", name="Market entry").click()
    await expect(here.page.get_by_text("Name the experts who took part, then allocate the pay.")).to_be_visible()
    await here.page.get_by_role("link", name="Change participations").click()
    await here.page.get_by_role("button", name="More rows").click()
    await expect(here.page.get_by_label("Expert of row 4")).to_have_count(1 if has_scripts else 0)
    rows = len(names) if has_scripts else 3
    for row in range(1, rows + 1):
        await here.page.get_by_label(f"Expert of row {row}").select_option(index=row)
        await here.page.get_by_label(f"Value of row {row}").fill("1")
    await here.page.get_by_role("button", name="Show the split").click()
    await expect(here.page.get_by_role("cell", name="$700.00")).to_be_visible()
    await here.page.get_by_role("button", name="Save participations").click()
    await do(here, "Allocate the pay")
    await expect(here.page.get_by_text("Allocated: the payouts stand below")).to_be_visible()
    payouts = await rooms.office.payouts(held.board_id)
    assert (len(payouts), sum(payout.amount_cents for payout in payouts)) == (rows, 70_000)
    await expect(here.page.locator(".action.impossible", has_text="its pay is allocated")).to_have_count(1)


async def test_an_expert_is_added_and_changed_where_nobody_else_did(rooms: Rooms, visit: Visits) -> None:
    here = await visit()
    await here.enter(Role.ADMIN, at(rooms, "experts"))
    await here.page.get_by_role("link", name="New expert").click()
    await here.page.locator("#add-name").fill(PLANTED)
    await here.page.locator("#add-email").fill("ana@experts.example")
    await here.page.get_by_role("button", name="Add expert").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text(PLANTED)
    await expect(here.page.locator(".chip", has_text="No Stripe account")).to_be_visible()
    other = await visit()
    await other.enter(await rooms.person(Role.ADMIN, "Sam Whitlock"), here.page.url)
    await do(here, "Change expert", stripe_account_id="acct_1Nexample")
    await expect(here.page.locator(".chip", has_text="Not asked yet")).to_be_visible()
    await do(other, "Change expert", name="Ana Duarte")
    await expect(other.page.get_by_text("Somebody changed it in the meantime").first).to_be_visible()


async def test_a_role_without_the_capability_is_told_who_can(rooms: Rooms, visit: Visits) -> None:
    payout = await rooms.office.ready_payout()
    held = await rooms.office.board((payout.expert_id, RuleKind.SHARE, 1))
    here = await visit()
    await here.enter(Role.EDITOR, at(rooms, f"payouts/{payout.id}"))
    told = here.page.locator(".action.impossible", has_text="admins can do it")
    await expect(told).to_have_count(1)
    await expect(here.page.locator("details.action")).to_have_count(0)
    for path in (f"experts/{payout.expert_id}", "experts/new", f"board-splits/{held.board_id}"):
        await here.page.goto(at(rooms, path))
        await expect(told.first).to_be_visible()
        await expect(here.page.locator("details.action, main form.form")).to_have_count(0)


async def test_every_page_is_accessible_and_shows_markup_as_text(rooms: Rooms, visit: Visits) -> None:
    office = rooms.office
    unknown, asked, expert_id, board_id = await arrange(rooms)
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, at(rooms, "payouts"))
    await expect(here.page.get_by_text(PLANTED).first).to_be_visible()
    for path in (
        "payouts",
        f"payouts/{unknown}",
        f"payouts/{asked}",
        "experts?stands=suspended",
        f"experts/{expert_id}",
        "experts/new",
        "board-splits",
        f"board-splits/{board_id}",
        f"board-splits/{board_id}/participations",
        "payout-sweeps",
    ):
        await check_everywhere(here, at(rooms, path))
        assert await here.page.title() != "planted"
    assert await office.sweeps()


async def arrange(rooms: Rooms) -> tuple[UUID, UUID, UUID, UUID]:
    """A payout of unknown outcome, one that was asked for, an expert, and their board; markup where people write."""
    office, now = rooms.office, rooms.clock.now()
    account = office.gateway.open_account("acct_planted")
    profile = ExpertProfile(name=PLANTED, email="planted@experts.example", stripe_account_id=account)
    async with office.database.transaction() as session:
        expert_id = (await add_expert(session, profile, now)).id
    facts = await office.board((expert_id, RuleKind.SHARE, 1), (await office.expert(), RuleKind.FIXED, 100))
    async with office.database.transaction() as session:
        (await note_board(session, facts)).title = PLANTED
    await office.close(facts)
    await office.sweep()
    await office.pay(facts.board_id)
    unknown, asked = await office.payouts(facts.board_id)
    office.gateway.lose_answers, office.gateway.hides = 1, True
    await office.sender.send(unknown.id)
    asking = Asking(asked.id, timedelta(hours=24), gnosis_safe_enabled=False, actor=ROBIN)
    async with office.database.transaction() as session:
        await ask_for_run(session, asking, now)
    return unknown.id, asked.id, expert_id, facts.board_id
