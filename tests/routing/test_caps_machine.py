"""Caps under everything that moves them, in any order: the counters are what a recount says, and no limit is passed."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chassis.clock import FixedClock
from chassis.database import create_engine
from contracts.values import CapReleaseReason, InstallerStatus
from services.routing.commands.assignments import (
    CancelAssignment,
    ReleaseCap,
    cancel_assignment,
    release_cap,
    release_caps_for_credits,
)
from services.routing.commands.installers import ChangeStatus, change_particulars, change_status, set_caps
from services.routing.domain.returns import ReturnCode, ReturnState
from services.routing.domain.states import CancelReason
from services.routing.domain.windows import Limits
from tests.kit.databases import Databases, RolledBackDatabase
from tests.routing.arrangements import EXCLUSIVE, NOW, ROBIN, SHARED, Floor, leads

ZONES = ("Australia/Sydney", "Australia/Perth", "Pacific/Auckland")
CAP = st.none() | st.integers(0, 4)
LIMITS = st.builds(Limits, day=CAP, week=CAP, month=CAP)
RESERVED, USED, FAILED, FREE = "reserved", "used", "failed", "free"
Window = tuple[str, date]


@dataclass
class Given:
    """A lead that an installer was given at an instant, and what it counts as."""

    at: datetime
    counts_as: str = RESERVED


@dataclass
class Known:
    """An installer as the model has it; a window is told by its first local day."""

    limits: Limits
    zone: str = ZONES[0]
    is_active: bool = True
    given: dict[UUID, Given] = field(default_factory=dict)

    def windows(self, at: datetime) -> list[Window]:
        day = at.astimezone(ZoneInfo(self.zone)).date()
        return [("day", day), ("week", day - timedelta(days=day.weekday())), ("month", day.replace(day=1))]

    def recount(self) -> dict[Window, Counter[str]]:
        counts: defaultdict[Window, Counter[str]] = defaultdict(Counter)
        for each in self.given.values():
            for window in self.windows(each.at):
                counts[window][each.counts_as] += 1
        return {window: +Counter({k: n for k, n in c.items() if k != FREE}) for window, c in counts.items()}

    def room(self, at: datetime) -> int | None:
        """How many leads more it may be given; None is any number."""
        counts, rooms = self.recount(), []
        for kind, first in self.windows(at):
            limit = getattr(self.limits, kind)
            taken = counts.get((kind, first), Counter())
            if limit is not None:
                rooms.append(max(0, limit - taken[RESERVED] - taken[USED]))
        return min(rooms, default=None)


class Caps(RuleBasedStateMachine):
    runner: asyncio.Runner
    connection: Any

    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock(NOW)
        self.outer = self.run(self.connection.begin())
        self.floor = Floor(RolledBackDatabase(self.connection, "/waybill/routing"), self.clock)
        self.known: dict[UUID, Known] = {}
        self.owner: dict[UUID, UUID] = {}

    def run(self, work: Awaitable[Any]) -> Any:
        async def do() -> Any:
            return await work

        return self.runner.run(do())

    async def command(self, command: Any, *arguments: Any) -> None:
        async with self.floor.database.transaction() as session:
            await command(session, *arguments)

    def teardown(self) -> None:
        self.run(self.outer.rollback())

    @initialize(limits=st.lists(LIMITS, min_size=1, max_size=2))
    def open(self, limits: list[Limits]) -> None:
        for each in (Limits(week=9), *limits):
            self.known[self.run(self.floor.installer(each))] = Known(each)
        self.arrive(5, SHARED)
        for id_, given in [pair for known in self.known.values() for pair in known.given.items()][::2]:
            self.run(self.floor.deliver(id_))
            given.counts_as = USED

    @rule(number=st.integers(1, 5), path=st.sampled_from([EXCLUSIVE, SHARED]))
    def leads_arrive(self, number: int, path: Any) -> None:
        self.arrive(number, path)

    def arrive(self, number: int, path: Any) -> None:
        now = self.clock.now()
        rooms = {id_: each.room(now) for id_, each in self.known.items()}
        broken = self.broken()
        self.run(self.floor.dispatch(*leads(number, path)))
        got = self.note_given(now)
        for id_, room in rooms.items():
            may = number if room is None else min(number, room)
            assert got[id_] <= (may if self.known[id_].is_active else 0)
        if path is SHARED:
            # Three shares for three installers at the most: each that can be reached gets all that it has room for.
            may_have = {id_: number if room is None else min(number, room) for id_, room in rooms.items()}
            asked = {id_ for id_, known in self.known.items() if known.is_active} - broken
            expected = +Counter({id_: n for id_, n in may_have.items() if id_ in asked})
            assert Counter({id_: n for id_, n in got.items() if id_ not in broken}) == expected

    def broken(self) -> set[UUID]:
        """Whose mail failed so often in a row that it is not tried for a while, or with one lead alone."""
        query = "SELECT installer_id FROM delivery_endpoints WHERE breaker <> 'closed'"
        return {row["installer_id"] for row in self.run(self.floor.rows(query))}

    def note_given(self, now: datetime) -> Counter[UUID]:
        """Tells how many leads each installer has got since this was last asked."""
        new = [made for made in self.run(self.floor.assignments()) if made.id not in self.owner]
        for made in new:
            self.owner[made.id] = made.installer_id
            self.known[made.installer_id].given[made.id] = Given(now)
        return Counter(made.installer_id for made in new)

    def pick(self, data: st.DataObject, *states: str) -> tuple[UUID, Given] | None:
        among = (
            sorted(
                (id_, given)
                for known in self.known.values()
                for id_, given in known.given.items()
                if given.counts_as in states
            )
            if states
            else []
        )
        return data.draw(st.sampled_from(among)) if among else None

    @rule(data=st.data(), is_delivered=st.booleans())
    def a_mail_is_answered(self, data: st.DataObject, is_delivered: bool) -> None:
        """Also one that was answered before, or that is of an assignment that has ended: nothing moves twice."""
        if picked := self.pick(data, RESERVED, USED, FAILED, FREE):
            id_, given = picked
            self.run(self.floor.deliver(id_) if is_delivered else self.floor.refuse_mail(id_))
            if given.counts_as == RESERVED:
                given.counts_as = USED if is_delivered else FAILED

    @rule(data=st.data())
    def an_operator_takes_one_back(self, data: st.DataObject) -> None:
        if picked := self.pick(data, RESERVED):
            id_, given = picked
            command = CancelAssignment(id_, CancelReason.OPERATOR_ERROR, None, ROBIN)
            self.run(self.command(cancel_assignment, command, self.clock.now()))
            given.counts_as = FREE

    @rule(data=st.data(), times=st.integers(1, 2))
    def an_operator_releases_a_cap(self, data: st.DataObject, times: int) -> None:
        if picked := self.pick(data, USED):
            id_, given = picked
            for _ in range(times):
                command = ReleaseCap(id_, CapReleaseReason.INVALID_LEAD, None, ROBIN)
                self.run(self.command(release_cap, command, self.clock.now()))
            given.counts_as = FREE

    @rule(data=st.data())
    def a_credit_comes(self, data: st.DataObject) -> None:
        """Whatever became of the assignment meanwhile: only a place that counts is freed."""
        if picked := self.pick(data, RESERVED, USED, FAILED, FREE):
            id_, given = picked
            command = ReleaseCap(id_, CapReleaseReason.CREDIT_LINKED)
            self.run(self.command(release_caps_for_credits, [command], self.clock.now()))
            if given.counts_as == USED:
                given.counts_as = FREE

    @rule(data=st.data(), code=st.sampled_from([ReturnCode.CONTACT_INVALID, ReturnCode.OUTSIDE_CRITERIA]))
    def an_installer_gives_one_back(self, data: st.DataObject, code: ReturnCode) -> None:
        """Within its window it is taken back, and of the second reason others get it, within their caps. Where it was
        found invalid by somebody else before, a rule takes it back at once.
        """
        if not (picked := self.pick(data, USED)):
            return
        id_, given = picked
        now = self.clock.now()
        rooms = {installer: each.room(now) for installer, each in self.known.items()}
        asked = self.run(self.floor.ask_back(id_, code))
        if asked.state is ReturnState.DENIED:
            return
        if asked.state is ReturnState.REQUESTED:
            self.run(self.floor.take_back(asked.id, note="Right, whatever the quota"))
        else:
            assert (asked.state, code) == (ReturnState.ACCEPTED, ReturnCode.CONTACT_INVALID)
        given.counts_as = FREE
        for installer, number in self.note_given(now).items():
            assert installer != self.owner[id_]
            assert code is ReturnCode.OUTSIDE_CRITERIA
            assert self.known[installer].is_active
            room = rooms[installer]
            assert room is None or number <= room

    @rule(data=st.data(), zone=st.sampled_from(ZONES))
    def an_installer_moves(self, data: st.DataObject, zone: str) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.known)))
        self.run(self.command(change_particulars, id_, {"time_zone": zone}, ROBIN, self.clock.now()))
        self.known[id_].zone = zone

    @rule(data=st.data(), limits=LIMITS)
    def caps_are_set(self, data: st.DataObject, limits: Limits) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.known)))
        self.run(self.command(set_caps, id_, limits, ROBIN, self.clock.now()))
        self.known[id_].limits = limits

    @rule(data=st.data(), status=st.sampled_from([InstallerStatus.ACTIVE, InstallerStatus.PAUSED]))
    def a_status_is_set(self, data: st.DataObject, status: InstallerStatus) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.known)))
        self.run(self.command(change_status, ChangeStatus(id_, status, "season", ROBIN), self.clock.now()))
        self.known[id_].is_active = status.takes_leads

    @precondition(lambda self: self.known)
    @rule(hours=st.sampled_from([1, 9, 24, 24 * 7, 24 * 40]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @invariant()
    def counters_are_what_a_recount_says(self) -> None:
        for id_, known in self.known.items():
            rows = self.run(self.floor.rows("SELECT * FROM cap_windows WHERE installer_id = :id", id=id_))
            zone = ZoneInfo(known.zone)
            kept = {
                (row["kind"], row["window_start"].astimezone(zone).date()): +Counter(
                    {state: row[state] for state in (RESERVED, USED, FAILED)}
                )
                for row in rows
            }
            assert {w: c for w, c in kept.items() if c} == {w: c for w, c in known.recount().items() if c}

    @invariant()
    def what_is_owed_is_bounded(self) -> None:
        rows = self.run(self.floor.rows("SELECT balance_ppm FROM turns_taken"))
        assert all(abs(row["balance_ppm"]) <= 3_000_000 for row in rows)


def test_caps_hold_whatever_comes_in_whatever_order(databases: Databases) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(databases.of_service("routing").url, pool_size=1, name="tests-caps")

        async def connect() -> Any:
            return await engine.connect()

        Caps.runner, Caps.connection = runner, runner.run(connect())
        checks = list(HealthCheck)
        wanted = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=checks)
        run_state_machine_as_test(Caps, settings=wanted)
        runner.run(Caps.connection.close())
        runner.run(engine.dispose())
