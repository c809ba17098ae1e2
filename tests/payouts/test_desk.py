"""What payouts tells home and the search."""

from datetime import timedelta

from sqlalchemy import insert, text

from chassis.tables import schedule_runs
from services.payouts.domain import RuleKind
from services.payouts.pages.desk import desk_of
from services.payouts.settings import Settings
from services.payouts.sweeping import JOB
from tests.payouts.arrangements import START, Office

DESK = desk_of(Settings(database_url="postgresql://x/y"))


async def waiting(office: Office) -> dict[str, int]:
    """By the path that its door leads to."""
    async with office.database.reading() as session:
        now = office.clock.now()
        told = {each.path: (await each.count(session, now)).number for each in DESK.waiting}
    return {path.rsplit("/", 1)[1]: number for path, number in told.items() if number}


async def figures(office: Office) -> dict[str, tuple[str, str]]:
    async with office.database.reading() as session:
        found = {card.title: await card.read(session, office.clock.now()) for card in DESK.cards}
    return {title: (figure.value, figure.trend) for title, figure in found.items()}


async def hits(office: Office, title: str, text: str) -> list[str]:
    (finder,) = (each for each in DESK.finders if each.title == title)
    async with office.database.reading() as session:
        return [hit.path for hit in await finder.find(session, text)]


class TestWaiting:
    async def test_nothing_waits_in_an_empty_office(self, office: Office) -> None:
        assert await waiting(office) == {}

    async def test_counts_what_needs_somebody(self, office: Office) -> None:
        office.gateway.lose_answers = 1
        await office.sender.send((await office.ready_payout()).id)
        office.gateway.transfer_refusal = "amount_too_small"
        await office.sender.send((await office.ready_payout()).id)
        await office.close(await office.board())
        async with office.database.transaction() as session:
            then = START - timedelta(days=20)
            row = {"job": JOB, "due_at": then, "started_at": then, "finished_at": then}
            await session.execute(insert(schedule_runs).values(row))
        assert await waiting(office) == {
            "payouts?stands=unknown": 1,
            "payouts?stands=failed": 1,
            "board-splits?stands=held": 1,
            "payout-sweeps": 3,
        }


class TestFigures:
    async def test_say_what_goes_next_and_what_went(self, office: Office) -> None:
        await office.sender.send((await office.ready_payout()).id)
        office.gateway.available = 0
        await office.ready_payout()
        await office.sweep()
        assert await figures(office) == {
            "Ready for the next sweep": ("$700.00", "1 payout"),
            "Pay sent this month": ("$700.00", ""),
            "Left by the last sweep": ("$700.00", "1 payout did not go"),
        }

    async def test_weeks_are_the_business_zones(self, office: Office) -> None:
        """Sunday evening in London is Monday in Sydney."""
        office.clock.instant = START.replace(day=8, hour=20)
        await office.sender.send((await office.ready_payout()).id)
        (chart,) = DESK.charts
        async with office.database.reading() as session:
            bars = await chart.read(session, office.clock.now())
        assert len(bars) == 8
        assert [(bar.label, bar.value) for bar in bars[-2:]] == [("2 Mar", 0), ("9 Mar", 70_000)]
        assert bars[-1].path == "/console/payouts?stands=sent&sent_from=2026-03-09&sent_to=2026-03-15"


class TestFinding:
    async def test_finds_a_payout_by_what_anybody_calls_it(self, office: Office) -> None:
        payout = await office.sender.send((await office.ready_payout()).id)
        async with office.database.reading() as session:
            account = await session.scalar(text("SELECT stripe_account_id FROM experts"))
        for name in (str(payout.id), str(payout.board_id), payout.stripe_transfer_id, "priya", "market", account):
            assert await hits(office, "Payouts", str(name)) == [f"/console/payouts/{payout.id}"]

    async def test_finds_an_expert(self, office: Office) -> None:
        expert_id = await office.expert("Tomasz 100% Lindqvist")
        await office.board((await office.expert("Ana Duarte"), RuleKind.SHARE, 1))
        for name in ("100%", str(expert_id), "lindq"):
            assert await hits(office, "Experts", name) == [f"/console/experts/{expert_id}"]
