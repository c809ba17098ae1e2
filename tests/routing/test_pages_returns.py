"""The room of returns, one return's page, and what they tell at home."""

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from chassis.clock import FixedClock
from chassis.console.business_days import say_left
from chassis.console.lists.declaration import NOW as AT
from chassis.console.lists.declaration import ZONE
from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.business_days import days_left
from contracts.identity import Role
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import DenialCode, ReturnCode, ReturnState
from services.routing.measures import measure_waiting
from services.routing.models import Return
from services.routing.pages import desk_returns, return_words, returns
from tests.kit.identity import TestIdentity
from tests.kit.metrics import gauge
from tests.routing.arrangements import BUSINESS_ZONE, NOW, Floor, lead
from tests.routing.desk import Desk
from tests.routing.test_pages_lists import rows


@pytest.fixture
async def sent(floor: Floor) -> UUID:
    await floor.installer()
    await floor.dispatch(lead())
    made = (await floor.only_assignment()).id
    await floor.deliver(made)
    return made


class Pages:
    def __init__(self, desk: Desk, identity: TestIdentity, role: Role = Role.EDITOR) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(role))
        self.client = desk.client

    async def read(self, path: str) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


class TestList:
    async def test_reads_as_a_sentence(self, floor: Floor, sent: UUID) -> None:
        asked = await floor.ask_back(sent, ReturnCode.CONTACT_INVALID)
        [row] = await rows(floor, returns.LISTING, "state=requested")
        assert (row.id, row.left, row.quota, row.rule, row.credit) == (
            asked.id,
            5,
            "0 of 2 (15 %)",
            "a_person_can_tell",
            None,
        )
        await floor.take_back(asked.id)
        [row] = await rows(floor, returns.LISTING, "state=accepted")
        assert (row.left, row.credit) == (None, "asked")

    async def test_tells_what_is_late_apart(self, floor: Floor, clock: FixedClock, sent: UUID) -> None:
        await floor.ask_back(sent)
        assert await rows(floor, returns.LISTING, "state=requested&decision=late") == []
        clock.advance(timedelta(days=10))
        [row] = await rows(floor, returns.LISTING, "state=requested&decision=late")
        assert row.left == -3

    @pytest.mark.parametrize("query", ["code=other", "in=NSW", "recent=true", "q=Marrick", "state=requested&sort=due"])
    async def test_is_found_by(self, floor: Floor, sent: UUID, query: str) -> None:
        await floor.ask_back(sent)
        assert len(await rows(floor, returns.LISTING, query)) == 1

    @given(hours=st.integers(0, 24 * 40))
    def test_has_words_for_any_days_left(self, hours: int) -> None:
        left = days_left(NOW + timedelta(days=9), NOW + timedelta(hours=hours), BUSINESS_ZONE)
        told = say_left(left)
        assert told is not None
        assert ("late" in told) is (left < 0)

    async def test_counts_days_as_the_domain_does(self, floor: Floor, clock: FixedClock, sent: UUID) -> None:
        asked = await floor.ask_back(sent)
        zone = ZoneInfo("Australia/Sydney")
        for _ in range(14):
            async with floor.database.reading() as session:
                query = select(returns.DAYS_LEFT).where(Return.id == asked.id)
                told = (await session.execute(query, {AT.key: clock.now(), ZONE.key: zone.key})).scalar_one()
            assert told == days_left(asked.decide_by, clock.now(), zone)
            clock.advance(timedelta(hours=17))

    def test_has_words_for_every_state_and_verdict(self) -> None:
        assert set(return_words.STATES) == set(ReturnState)
        assert {code.value for code in DenialCode} & set(return_words.RULES) == {
            "window_passed",
            "inside_territory",
            "service_offered",
            "quota_used",
        }


class TestPage:
    async def test_says_what_is_known_and_what_each_deed_does(
        self, floor: Floor, desk: Desk, identity: TestIdentity, sent: UUID
    ) -> None:
        asked = await floor.ask_back(sent, ReturnCode.CONTACT_INVALID, words="The number is <b>dead</b>")
        page = await Pages(desk, identity).read(f"/console/returns/{asked.id}")
        wanted = [
            "asked ",
            "5 business days left",
            "Monday to Friday, public holidays counted",
            "The number is &lt;b&gt;dead&lt;/b&gt;",
            "A credit for invalid contact is proposed to finance",
            "The lead is not offered to others",
            "keeps the lead and stays charged for it, and is told why by mail",
            "0 of 2 taken back before (15 %)",
            "took a return of it from its installer",
            'name="denial_code"',
        ]
        assert [text for text in wanted if text not in page] == []
        assert 'name="credit_reason"' not in page

    async def test_asks_what_the_code_leaves_open(
        self, floor: Floor, desk: Desk, identity: TestIdentity, sent: UUID
    ) -> None:
        asked = await floor.ask_back(sent, ReturnCode.OTHER)
        page = await Pages(desk, identity).read(f"/console/returns/{asked.id}")
        assert 'name="credit_reason"' in page
        assert 'name="is_offered_on"' in page

    @pytest.mark.parametrize("deed", ["accept", "deny", "withdraw"])
    async def test_tells_how_it_ended_and_why_nothing_can_be_done(
        self, floor: Floor, desk: Desk, identity: TestIdentity, sent: UUID, deed: str
    ) -> None:
        asked = await floor.ask_back(sent, ReturnCode.CONTACT_INVALID)
        deeds: dict[str, Any] = {"accept": floor.take_back, "deny": floor.turn_down, "withdraw": floor.withdraw}
        await deeds[deed](asked.id)
        page = await Pages(desk, identity).read(f"/console/returns/{asked.id}")
        told = {"accept": "has the lead no more", "deny": "was told why by mail", "withdraw": "keeps the lead"}
        assert told[deed] in page
        assert f'action="/console/returns/{asked.id}/accept"' not in page

    async def test_is_taken_by_a_form_and_leads_to_the_return(
        self, floor: Floor, desk: Desk, identity: TestIdentity, sent: UUID
    ) -> None:
        page = await Pages(desk, identity).read(f"/console/assignments/{sent}")
        assert f'action="/console/assignments/{sent}/returns"' in page
        asked = await floor.ask_back(sent)
        page = await Pages(desk, identity).read(f"/console/assignments/{sent}")
        assert f'href="/console/returns/{asked.id}"' in page
        assert "a return of it waits to be decided" in page

    async def test_a_returned_assignment_says_who_took_it_back_once(
        self, floor: Floor, desk: Desk, identity: TestIdentity, sent: UUID
    ) -> None:
        await floor.take_back((await floor.ask_back(sent, ReturnCode.CONTACT_INVALID)).id)
        page = await Pages(desk, identity).read(f"/console/assignments/{sent}")
        assert page.count("accepted its return") == 1
        assert "took it back, as the installer returned it" not in page


class TestAtHome:
    async def test_tells_what_waits_the_rate_and_the_reasons(self, floor: Floor, sent: UUID) -> None:
        asked = await floor.ask_back(sent, ReturnCode.CONTACT_INVALID)
        [waiting], [card], [chart] = desk_returns.WAITING, desk_returns.CARDS, desk_returns.CHARTS
        later = NOW + timedelta(days=1)
        async with floor.database.reading() as session:
            backlog = await waiting.count(session, later)
            assert (backlog.number, backlog.oldest) == (1, NOW)
            assert (await card.read(session, later)).value == "0.0 %"
        await floor.take_back(asked.id)
        async with floor.database.reading() as session:
            assert (await waiting.count(session, later)).number == 0
            assert (await card.read(session, later)).value == "100.0 %"
            [bar] = await chart.read(session, later)
        assert (bar.label, bar.told) == ("Contact invalid", "1")

    async def test_one_is_late_by_the_day_that_it_was_promised(
        self, floor: Floor, clock: FixedClock, sent: UUID, desk: Desk, identity: TestIdentity
    ) -> None:
        await floor.policy(ReturnsPolicy(decide_business_days=10))
        await floor.ask_back(sent)
        [waiting] = desk_returns.WAITING
        for days, is_late in ((14, False), (1, True)):
            clock.advance(timedelta(days=days))
            async with floor.database.reading() as session:
                assert (await waiting.count(session, clock.now())).is_late is is_late
                await measure_waiting(clock)(session)
            assert gauge("waybill_returns_overdue") == is_late
            told = await Pages(desk, identity).read("/console/desk/routing/today")
            assert "1 return waits to be decided" in told
            assert ("past its day" in told) is is_late

    async def test_finds_it_by_any_of_its_ids(self, floor: Floor, sent: UUID) -> None:
        asked = await floor.ask_back(sent)
        [finder] = desk_returns.FINDERS
        async with floor.database.reading() as session:
            for id_ in (asked.id, asked.assignment_id, asked.lead_id):
                [hit] = await finder.find(session, str(id_))
                assert hit.path == f"/console/returns/{asked.id}"
            assert await finder.find(session, str(new_id())) == []
            assert await finder.find(session, "Marrickville") == []
