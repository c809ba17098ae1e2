"""Returns in any order of asking, deciding, delivering and closing: each state told once, one standing, none twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chassis.clock import FixedClock
from chassis.database import create_engine
from chassis.errors import Refusal
from contracts.values import CapReleaseReason
from services.routing.commands.assignments import ReleaseCap, release_cap
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.domain.returns import ReturnCode, ReturnState
from services.routing.domain.states import AssignmentStatus, CapState
from tests.kit.databases import Databases, RolledBackDatabase
from tests.routing.arrangements import EXCLUSIVE, NOW, ROBIN, SHARED, Floor, leads

TOLD_AS = {
    ReturnState.ACCEPTED: "assignment.returned",
    ReturnState.DENIED: "assignment.return_denied",
    ReturnState.WITHDRAWN: "assignment.return_withdrawn",
}


class Returns(RuleBasedStateMachine):
    runner: asyncio.Runner
    connection: Any

    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock(NOW)
        self.outer = self.run(self.connection.begin())
        self.floor = Floor(RolledBackDatabase(self.connection, "/waybill/routing"), self.clock)
        self.standing: dict[UUID, UUID] = {}
        """Of an assignment, the return of it that stands."""
        self.states: dict[UUID, ReturnState] = {}
        self.closed: set[UUID] = set()

    def run(self, work: Awaitable[Any]) -> Any:
        async def do() -> Any:
            return await work

        return self.runner.run(do())

    def teardown(self) -> None:
        self.run(self.outer.rollback())

    @initialize()
    def open(self) -> None:
        self.run(self.floor.installers(3))
        self.leads_arrive(3, SHARED)

    @rule(number=st.integers(1, 3), path=st.sampled_from([EXCLUSIVE, SHARED]))
    def leads_arrive(self, number: int, path: Any) -> None:
        self.run(self.floor.dispatch(*leads(number, path)))
        self.mails_are_taken()

    @rule()
    def mails_are_taken(self) -> None:
        """Also those that were taken before, of whatever became of them."""
        made = self.run(self.floor.assignments())
        self.run(self.floor.deliver(*[each.id for each in made]))

    @rule(data=st.data(), code=st.sampled_from(ReturnCode))
    def one_is_asked_back(self, data: st.DataObject, code: ReturnCode) -> None:
        made = data.draw(st.sampled_from(self.run(self.floor.assignments())))
        stands = self.states.get(self.standing.get(made.id, made.id))
        try:
            asked = self.run(self.floor.ask_back(made.id, code))
        except Refusal:
            assert (stands and stands.is_standing) or made.status is not AssignmentStatus.SENT
            return
        assert made.status is AssignmentStatus.SENT
        assert not (stands and stands.is_standing)
        self.standing[made.id], self.states[asked.id] = asked.id, asked.state

    @rule(data=st.data(), wanted=st.sampled_from(list(TOLD_AS)), times=st.integers(1, 2))
    def one_is_decided(self, data: st.DataObject, wanted: ReturnState, times: int) -> None:
        if not self.states:
            return
        id_ = data.draw(st.sampled_from(sorted(self.states)))
        deed: Any = {
            ReturnState.ACCEPTED: partial(self.floor.take_back, note="Right, whatever the quota"),
            ReturnState.DENIED: self.floor.turn_down,
            ReturnState.WITHDRAWN: self.floor.withdraw,
        }[wanted]
        before = self.states[id_]
        for _ in range(times):
            try:
                self.run(deed(id_))
            except Refusal:
                assert before not in (ReturnState.REQUESTED, wanted)
            else:
                assert before in (ReturnState.REQUESTED, wanted)
                self.states[id_] = wanted

    @rule(data=st.data())
    def a_place_is_released(self, data: st.DataObject) -> None:
        made = data.draw(st.sampled_from(self.run(self.floor.assignments())))

        async def do() -> None:
            async with self.floor.database.transaction() as session:
                await release_cap(session, ReleaseCap(made.id, CapReleaseReason.INVALID_LEAD, None, ROBIN), NOW)

        if made.cap_state is CapState.COUNTED:
            self.run(do())

    @rule(data=st.data())
    def a_lead_is_closed(self, data: st.DataObject) -> None:
        made = data.draw(st.sampled_from(self.run(self.floor.assignments())))

        async def do() -> None:
            async with self.floor.database.transaction() as session:
                await close_leads(session, [CloseLead(made.lead_id, "withdrawn", NOW)], NOW)

        self.run(do())
        self.closed.add(made.lead_id)

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.clock.advance(timedelta(days=days))

    @invariant()
    def each_state_is_told_once_and_is_what_stands(self) -> None:
        kept = {each.id: each.state for each in self.run(self.floor.returns())}
        assert kept == self.states
        told = Counter(event.type for event in self.run(self.floor.events(*TOLD_AS.values())))
        assert told == Counter(TOLD_AS[state] for state in kept.values() if state in TOLD_AS)

    @invariant()
    def an_assignment_is_returned_where_its_return_is_accepted(self) -> None:
        made = {each.id: each for each in self.run(self.floor.assignments())}
        returned = {id_ for id_, each in made.items() if each.status is AssignmentStatus.RETURNED}
        asked = self.run(self.floor.returns())
        assert returned == {each.assignment_id for each in asked if each.state is ReturnState.ACCEPTED}
        released = Counter(e.assignment_id for e in self.run(self.floor.events("assignment.cap_released")))
        assert released == Counter(id_ for id_, each in made.items() if each.cap_state is CapState.RELEASED)

    @invariant()
    def nobody_gets_again_what_it_gave_back_and_no_open_lead_is_forgotten(self) -> None:
        made = self.run(self.floor.assignments())
        assert max(Counter((each.lead_id, each.installer_id) for each in made).values(), default=1) == 1
        live = {each.lead_id for each in made if each.status.is_live}
        waiting = {item.lead_id for item in self.run(self.floor.exceptions(is_open=True))}
        assert {each.lead_id for each in made} <= live | waiting | self.closed


def test_returns_hold_whatever_comes_in_whatever_order(databases: Databases) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(databases.of_service("routing").url, pool_size=1, name="tests-returns")

        async def connect() -> Any:
            return await engine.connect()

        Returns.runner, Returns.connection = runner, runner.run(connect())
        checks = list(HealthCheck)
        wanted = settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=checks)
        run_state_machine_as_test(Returns, settings=wanted)
        runner.run(Returns.connection.close())
        runner.run(engine.dispose())
