"""What the rooms of payouts read and say, beneath their pages."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import insert, select

from chassis.console.listing import NOW, Listing
from chassis.console.lists.asking import read_query
from chassis.console.lists.reading import read_page, read_totals
from chassis.errors import Invalid
from chassis.tables import schedule_runs
from services.payouts.commands.approvals import Asking, ask_for_run
from services.payouts.domain import RuleKind, pool_of
from services.payouts.http import boards as http_boards
from services.payouts.http import experts as http_experts
from services.payouts.http import payouts as http_payouts
from services.payouts.models import Payout
from services.payouts.pages import expert, experts, participations, payout, payouts, split, splits, sweeps
from services.payouts.pages.participations import ParticipationsForm
from services.payouts.pages.split import percent
from services.payouts.pages.words import STANDS
from services.payouts.settings import Settings
from services.payouts.sweeping import JOB, sweep_times
from tests.payouts.arrangements import ROBIN, START, Office

SETTINGS = Settings(database_url="postgresql://x/y")
LISTINGS = (payouts.listing(SETTINGS), experts.LISTING, splits.listing(SETTINGS), sweeps.listing(SETTINGS))


async def listed(office: Office, listing: Listing, query: str) -> list[Any]:
    asked = read_query(listing, query, SETTINGS.zone)
    async with office.database.reading() as session:
        return list((await read_page(session, asked, office.clock.now())).rows)


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
def test_each_tab_is_written_in_the_one_way_of_its_list(listing: Listing) -> None:
    assert [read_query(listing, tab.query, SETTINGS.zone).query for tab in listing.tabs] == [
        tab.query for tab in listing.tabs
    ]


class TestPayouts:
    async def arrange(self, office: Office) -> None:
        """One of each that a payout can stand at, but for those that are being sent."""
        await office.sender.send((await office.ready_payout()).id)
        taken_back = (await office.ready_payout()).id
        await office.sender.send(taken_back)
        await office.reverse(taken_back, 70_000)
        office.gateway.transfer_refusal = "amount_too_small"
        await office.sender.send((await office.ready_payout()).id)
        office.gateway.transfer_refusal = ""
        office.gateway.lose_answers = 1
        await office.sender.send((await office.ready_payout()).id)
        await office.ready_payout(account=None)
        await office.sweep()
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(facts)
        await office.ready_payout()
        asking = Asking((await office.ready_payout()).id, timedelta(hours=24), gnosis_safe_enabled=False, actor=ROBIN)
        async with office.database.transaction() as session:
            await ask_for_run(session, asking, office.clock.now())

    async def test_each_is_found_by_the_one_filter_of_its_state(self, office: Office) -> None:
        await self.arrange(office)
        found = {stands: await listed(office, LISTINGS[0], f"stands={stands}") for stands in STANDS}
        assert {stands: len(rows) for stands, rows in found.items()} == {each: each != "sending" for each in STANDS}
        assert all(row.stands == stands for stands, rows in found.items() for row in rows)

    async def test_say_why_they_wait(self, office: Office) -> None:
        await self.arrange(office)
        told = {row.stands: row.why for row in await listed(office, LISTINGS[0], "")}
        assert told == {
            "unknown": "answer_lost",
            "needs_approval": "approval",
            "failed": "amount_too_small",
            "on_hold": "no_stripe_account",
            "pending": "client_has_not_paid",
            "ready": None,
            "sent": None,
            "reversed": None,
        }

    @pytest.mark.parametrize(
        "now",
        [
            START,
            datetime(2026, 4, 4, 12, tzinfo=UTC),  # the night in which daylight saving ends
            datetime(2026, 10, 3, 12, tzinfo=UTC),  # and the one in which it begins
            datetime(2026, 3, 8, 22, tzinfo=UTC),  # the instant of a sweep itself
        ],
    )
    async def test_are_told_the_sweep_that_the_schedule_has(self, office: Office, now: datetime) -> None:
        await office.ready_payout()
        async with office.database.reading() as session:
            query = select(payouts.next_sweep_sql(SETTINGS)).select_from(Payout)
            told = await session.scalar(query, {NOW.key: now})
        assert told == sweep_times(SETTINGS)(now)

    async def test_sum_all_that_matches(self, office: Office) -> None:
        await self.arrange(office)
        asked = read_query(LISTINGS[0], "stands=sent&stands=reversed", SETTINGS.zone)
        async with office.database.reading() as session:
            totals = await read_totals(session, asked, office.clock.now())
        assert (totals.count, totals.sums) == (2, {"amount": 140_000, "reversed": 70_000})


class TestExperts:
    async def test_each_has_what_was_sent_and_what_waits(self, office: Office) -> None:
        sent = await office.ready_payout()
        await office.sender.send(sent.id)
        await office.reverse(sent.id, 10_000)
        waits = await office.ready_payout(account=None)
        rows = {row.id: row for row in await listed(office, experts.LISTING, "")}
        assert (rows[sent.expert_id].sent, rows[sent.expert_id].waits) == (60_000, 0)
        assert (rows[waits.expert_id].sent, rows[waits.expert_id].waits) == (0, 70_000)
        assert rows[waits.expert_id].stands == "no_account"


class TestSplits:
    async def test_show_the_pool_that_is_allocated(self, office: Office) -> None:
        cents = (99, 1_234_567, 800_001)
        for each in cents:
            await office.board(amount_cents=each)
        rows = await listed(office, LISTINGS[2], "stands=no_rules")
        assert {row.contracted: row.pool for row in rows} == {each: pool_of(each, 7_000) for each in cents}

    async def test_held_pay_is_found_with_its_reason(self, office: Office) -> None:
        await office.close(await office.board())
        await office.close(await office.board((await office.expert(), RuleKind.FIXED, 70_001)))
        rows = await listed(office, LISTINGS[2], "stands=held&sort=-contracted")
        assert {row.why for row in rows} == {"no_participation", "pool_exceeded"}
        assert len(await listed(office, LISTINGS[2], "stands=held&why=pool_exceeded")) == 1

    @pytest.mark.parametrize(
        ("basis_points", "told"), [(7_000, "70 %"), (3_350, "33.5 %"), (1, "0.01 %"), (10, "0.1 %")]
    )
    def test_say_a_part_without_needless_noughts(self, basis_points: int, told: str) -> None:
        assert percent(basis_points) == told


class TestParticipationsForm:
    def rule(self, kind: str, value: str) -> Any:
        form = ParticipationsForm(expert_id=[str(ROBIN.id), ""], kind=[kind, "share"], value=[value, ""])
        (rule,) = form.body().participations
        return rule.value

    @pytest.mark.parametrize(
        ("kind", "written", "value"),
        [
            ("fixed", "$1,250.50", 125_050),
            ("percentage", "12.5 %", 1_250),
            ("percentage", "100", 10_000),
            ("share", "3", 3),
        ],
    )
    def test_reads_what_people_write(self, kind: str, written: str, value: int) -> None:
        assert self.rule(kind, written) == value

    @pytest.mark.parametrize(
        ("kind", "written"),
        [
            ("fixed", "0"),
            ("fixed", "1.005"),
            ("percentage", "101"),
            ("percentage", "9e999999"),
            ("share", "1.5"),
            ("share", "-1"),
            ("share", "NaN"),
            ("another", "1"),
        ],
    )
    def test_names_the_row_that_cannot_be_read(self, kind: str, written: str) -> None:
        with pytest.raises(Invalid) as caught:
            self.rule(kind, written)
        assert [(fault.field, fault.message[:6]) for fault in caught.value.errors] == [("value.0", "Row 1 ")]

    def test_takes_the_pool_in_percent(self) -> None:
        assert ParticipationsForm(pool="62.5").body().pool_basis_points == 6_250
        assert ParticipationsForm().body().pool_basis_points is None


class TestSchedule:
    async def read(self, office: Office, *, last: datetime | None, now: datetime) -> sweeps.Schedule:
        async with office.database.transaction() as session:
            if last is not None:
                row = {"job": JOB, "due_at": last, "started_at": last, "finished_at": last}
                await session.execute(insert(schedule_runs).values(row))
            return await sweeps.read_schedule(session, SETTINGS, now)

    async def test_before_the_first_run_names_the_next(self, office: Office) -> None:
        schedule = await self.read(office, last=None, now=START)
        assert (schedule.last, schedule.missed, schedule.following) == (None, 0, sweep_times(SETTINGS)(START))

    async def test_a_week_that_held_misses_nothing(self, office: Office) -> None:
        due = sweep_times(SETTINGS)(START)
        schedule = await self.read(office, last=due, now=due + timedelta(days=7, minutes=10))
        assert (schedule.missed, schedule.missed_since) == (0, None)

    async def test_counts_what_was_missed_since(self, office: Office) -> None:
        due = sweep_times(SETTINGS)(START)
        schedule = await self.read(office, last=due, now=due + timedelta(days=15))
        assert (schedule.missed, schedule.missed_since) == (2, sweep_times(SETTINGS)(due))
        async with office.database.reading() as session:
            (note,) = await sweeps.notes_of(SETTINGS)(session, due + timedelta(days=15), SETTINGS.zone)
        assert (note.title, note.tone) == ("2 sweeps were missed", "danger")


@pytest.mark.parametrize(
    ("page", "json"),
    [
        (payout.run_by_form, http_payouts.run_payout),
        (payout.release_by_form, http_payouts.release_payout),
        (payout.reverse_by_form, http_payouts.reverse_payout),
        (expert.add_by_form, http_experts.add_expert),
        (expert.change_by_form, http_experts.change_expert),
        (split.allocate_by_form, http_boards.allocate),
        (participations.save_participations, http_boards.set_participations),
    ],
)
def test_a_deed_asks_for_the_same_on_its_page_as_over_json(page: HTTPRouteHandler, json: HTTPRouteHandler) -> None:
    """A page's second factor is asked for once its form is read, so that it can go on after it."""
    of_page, of_json = cast("Any", page.guards)[0], cast("Any", json.guards)[0]
    assert of_page.is_page
    assert (of_page.capability, of_page.step_up) == (of_json.capability, of_json.step_up)
