"""What intake tells the pages that span all services; every number of it is a door to as many rows."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.console.bulk.room import jobs_of
from chassis.console.desk import Hit
from chassis.console.lists.asking import read_query
from chassis.console.lists.reading import read_totals
from chassis.ids import new_id
from services.intake.commands.escalating import escalate
from services.intake.commands.policies import PolicyDraft, create_policy, turn_policy
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.escalation import Policy, Step, StepAction, SubjectKind
from services.intake.pages import LISTINGS
from services.intake.pages.desk import desk_of
from tests.intake.couples import Couples
from tests.intake.reception import Reception
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows, someone
from tests.intake.test_erasing import erase
from tests.kit.databases import RolledBackDatabase

SYDNEY = ZoneInfo("Australia/Sydney")
DESK = desk_of(SYDNEY)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    """Three leads today, of which one is stuck and one waits for an operator, one a week ago, one the month before."""
    reception = Reception(database, clock)
    _, key = await reception.source("Solar Quotes")
    _, other = await reception.source("Compare Power")
    await reception.lead(key, ago=HOUR, name="Stuck")
    delivered = await reception.lead(key, ago=2 * HOUR, name="Delivered", email="dee+solar@example.test")
    await reception.move(delivered, LeadStatus.DISPATCHING, LeadStatus.DELIVERED, ago=HOUR)
    waits = await reception.lead(other, ago=3 * HOUR, name="Waits", phone="+61298765432")
    await reception.move(waits, LeadStatus.EXCEPTION, ago=HOUR, reason="no_eligible_installer")
    last_week = await reception.lead(other, ago=7 * DAY + HOUR, name="Earlier")
    await reception.close(last_week, CloseReason.TEST_LEAD)
    long_ago = await reception.lead(key, ago=27 * DAY, name="Long ago")
    await reception.move(long_ago, LeadStatus.DISPATCHING, LeadStatus.DELIVERED, ago=26 * DAY)
    for owner, planned_ago in ((OPERATOR, 3 * HOUR), (None, 1.5 * HOUR), (None, 4 * HOUR)):
        await reception.follow_up(waits, owner, ahead=HOUR, planned_ago=planned_ago)
    client = await reception.client()
    await reception.board(client)
    await reception.closed(await reception.board(client, "Pricing"))
    return reception


async def rows_behind(session: AsyncSession, path: str) -> int:
    """How many the list shows at the address."""
    room, _, query = path.partition("?")
    (listing,) = (each for each in (*LISTINGS, jobs_of("intake", {})) if each.path == room)
    return (await read_totals(session, read_query(listing, query, SYDNEY), NOW)).count


class TestWaiting:
    async def test_counts_what_its_door_shows(self, database: RolledBackDatabase, reception: Reception) -> None:
        async with database.reading() as session:
            counted = {each.sentence(2): await each.count(session, NOW) for each in DESK.waiting}
            behind = [await rows_behind(session, each.path) for each in DESK.waiting]
        assert [backlog.number for backlog in counted.values()] == behind == [0, 0, 1, 0, 3, 1, 1, 0]
        assert [backlog.oldest for backlog in counted.values()] == [
            None,
            None,
            NOW - HOUR,
            None,
            NOW - 3 * HOUR,
            NOW - 3 * HOUR,
            NOW,
            None,
        ]
        assert list(counted)[2] == "2 leads are later in dispatch than they may be"

    async def test_leads_from_what_is_held_to_the_pairs_by_which_it_is(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        """Three leads of one person: the second is held for the first, the third for both."""
        _, key = await reception.source("Held")
        couples = Couples(database, key)
        _, second, _ = await couples.leads(CONTENT, CONTENT, CONTENT)
        held = DESK.waiting[0]
        async with database.reading() as session:
            counted, behind = await held.count(session, NOW), await rows_behind(session, held.path)
        assert (held.room, counted.number, behind) == ("duplicates", 3, 3)
        assert counted.oldest == NOW - timedelta(minutes=1)
        await reception.close(second, CloseReason.TEST_LEAD)
        async with database.reading() as session:
            counted, behind = await held.count(session, NOW), await rows_behind(session, held.path)
        assert counted.number == behind == 2

    async def test_counts_the_pairs_to_review_that_its_door_shows(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        """Of one whose lead says nothing any more there is nothing to be looked at."""
        _, key = await reception.source("Alike")
        couples = Couples(database, key)
        _, neighbour = await couples.leads(CONTENT, someone(1, phone=CONTENT.phone))
        to_review = DESK.waiting[1]
        for number in (1, 0):
            async with database.reading() as session:
                counted, behind = await to_review.count(session, NOW), await rows_behind(session, to_review.path)
            assert counted.number == behind == number
            await erase(reception, neighbour)

    async def test_counts_what_a_policy_made_critical_until_it_is_over(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        rules = Policy(SubjectKind.LEAD, (Step(5, StepAction.CRITICAL),), statuses=frozenset({LeadStatus.EXCEPTION}))
        async with database.transaction() as session:
            made = await create_policy(session, new_id(), PolicyDraft("Nobody placed it", rules), OPERATOR, NOW)
            await turn_policy(session, made.id, is_on=True, reason=None, by=OPERATOR, now=NOW - 2 * HOUR)
        assert await escalate(database, NOW) == 1
        assert await self.critical(database) == (1, 1, NOW)
        (waits,) = await rows(database, "SELECT id FROM leads WHERE status = 'exception'")
        await reception.close(waits["id"], CloseReason.UNPLACEABLE)
        assert await self.critical(database) == (0, 0, None)

    async def critical(self, database: RolledBackDatabase) -> tuple[int, int, Any]:
        """How many are counted, how many stand behind the door, and since when."""
        (waiting,) = (each for each in DESK.waiting if "critical" in each.path)
        async with database.reading() as session:
            counted = await waiting.count(session, NOW)
            return counted.number, await rows_behind(session, waiting.path), counted.oldest


class TestCards:
    async def test_compare_today_with_a_week_ago(self, database: RolledBackDatabase, reception: Reception) -> None:
        async with database.reading() as session:
            received, placed, contact = [await card.read(session, NOW) for card in DESK.cards]
        assert (received.value, received.trend) == ("3", "2 more than a week ago by this time")
        assert placed.value == "66.7 %"
        assert (contact.value, contact.trend) == ("–", "Of 0 of 3 leads")  # noqa: RUF001
        assert placed.trend == "Of 3 leads, 66.7 points more than in the 7 days before"

    async def test_say_where_there_is_nothing(self, database: RolledBackDatabase) -> None:
        async with database.reading() as session:
            received, placed, _ = [await card.read(session, NOW) for card in DESK.cards]
        assert (received.value, received.trend) == ("0", "As many as a week ago by this time")
        assert placed.trend == "No lead came in"


class TestCharts:
    async def test_every_bar_is_a_door_to_as_many(self, database: RolledBackDatabase, reception: Reception) -> None:
        async with database.reading() as session:
            days, sources = [await chart.read(session, NOW) for chart in DESK.charts]
            behind = [await rows_behind(session, bar.path) for bar in (*days, *sources)]
        assert [bar.value for bar in (*days, *sources)] == behind
        assert len(days) == 14
        assert (days[0].label, days[0].value, days[0].before) == ("Tue 3 Mar", 3, 1)
        assert [(bar.label, bar.value, bar.before) for bar in sources] == [
            ("Compare Power", 2, 0),
            ("Solar Quotes", 2, 1),
        ]


class TestFinders:
    async def found(self, database: RolledBackDatabase, text: str) -> list[str]:
        async with database.reading() as session:
            hits: list[Hit] = [hit for finder in DESK.finders for hit in await finder.find(session, text)]
        return [hit.title for hit in hits]

    @pytest.mark.parametrize(
        ("text", "titles"),
        [
            ("02 9876 5432", ["Waits"]),
            ("DEE@example.test", ["Delivered"]),
            ("pric", ["Pricing"]),
            ("51 824 753 556", ["Wattle Advisory Pty Ltd"]),
            ("compare", ["Compare Power"]),
            ("100%", []),
        ],
    )
    async def test_find_by_what_is_at_hand(
        self, database: RolledBackDatabase, reception: Reception, text: str, titles: list[str]
    ) -> None:
        assert await self.found(database, text) == titles

    async def test_find_by_any_id(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        reception = Reception(database, clock)
        source, key = await reception.source()
        lead_id = await reception.lead(key)
        client = await reception.client()
        board = await reception.board(client)
        found = [await self.found(database, str(id_)) for id_ in (lead_id, board.id, client.id, source.id)]
        assert found == [["Mia O'Brien"], ["Market entry"], ["Wattle Advisory Pty Ltd"], ["Solar Quotes"]]
