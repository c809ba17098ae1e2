"""A simulation is the same rules over past leads: without a draft it is what deciding one by one comes to."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.ids import new_id
from contracts.values import AustralianState, InstallerStatus, Location
from services.routing.domain.candidate import Candidate, Coverage, Place, TerritoryKind, WindowCount
from services.routing.domain.comparing import Comparison
from services.routing.domain.decision import Request, carry_out, decide
from services.routing.domain.eligibility import Rule
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.domain.record import record_of
from services.routing.domain.simulating import Arrival, World, chosen_in, coverage_of, simulate
from services.routing.domain.standing import Considered, Standing
from services.routing.domain.states import Channel
from services.routing.domain.versions import Profile
from services.routing.domain.windows import Limits, Moment
from services.routing.simulating import run
from tests.routing.samples import CANDIDATES, NOW, SERVICE, candidate

NSW, WA = (
    Location(suburb="", state=AustralianState.NSW, postcode="2204"),
    Location(suburb="", state=AustralianState.WA, postcode="6160"),
)
TERRITORIES = st.sampled_from(
    [
        Territory(states=frozenset({AustralianState.NSW})),
        Territory(states=frozenset({AustralianState.NSW, AustralianState.WA})),
        Territory(ranges=(PostcodeRange("2000", "2234"),)),
        Territory(postcodes=frozenset({"6160"})),
    ]
)


def arrival(hours: int = 0, location: Location = NSW, wanted_count: int = 1, **changes: Any) -> Arrival:
    given: dict[str, Any] = {"service": SERVICE, "product": "exclusive", **changes}
    return Arrival(
        lead_id=new_id(),
        location=location,
        wanted_count=wanted_count,
        received_at=NOW + timedelta(hours=hours),
        **given,
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    those = draw(st.lists(CANDIDATES, min_size=1, max_size=4, unique_by=lambda who: who.id))
    one = st.tuples(st.integers(0, 30), st.sampled_from([NSW, WA]), st.sampled_from([1, 3]))
    steps = draw(st.lists(one, max_size=12))
    hours, arrivals = 0, []
    for step, location, wanted_count in steps:
        hours += step
        arrivals.append(arrival(hours, location, wanted_count))
    return World(
        candidates={who.id: who for who in those},
        territories={who.id: draw(TERRITORIES) for who in those},
        arrivals=arrivals,
        on_hold=frozenset(who.id for who in those if draw(st.integers(0, 5)) == 0),
        holidays={state: frozenset({date(2026, 3, 9)}) for state in AustralianState},
    )


def one_by_one(world: World) -> list[str]:
    """With standings made anew for each lead, from nothing but what was given before."""
    taken: list[tuple[UUID, datetime]] = []
    balances: dict[UUID, int] = {}
    turns: dict[UUID, Any] = {}
    records, numbers = [], count(1)
    for each in world.arrivals:
        considered = []
        for id_, who in sorted(world.candidates.items()):
            coverage = coverage_of(world.territories[id_], Place(each.location.postcode, each.location.state))
            if coverage is None:
                continue
            moment = Moment.at(each.received_at, who.time_zone)
            counts = {
                kind: WindowCount(w, reserved=sum(i == id_ and w.starts_at <= at < w.ends_at for i, at in taken))
                for kind, w in moment.windows.items()
            }
            holidays = world.holidays[who.home_state] if who.keeps_public_holidays and who.home_state else ()
            facts: dict[str, Any] = {
                "has_credit_hold": id_ in world.on_hold,
                "holidays": holidays,
                "last_turn": turns.get(id_),
            }
            standing = Standing(who, each.received_at, moment, counts, balances.get(id_, 0), **facts)
            considered.append(Considered(standing, coverage))
        request = Request(
            each.lead_id, each.service, each.location, each.wanted_count, each.received_at, policy=world.policy
        )
        decision = decide(request, considered)
        records.append(record_of(decision))
        carry_out(decision, numbers)
        for those in considered:
            balances[those.standing.candidate.id] = those.standing.balance_ppm
            turns[those.standing.candidate.id] = those.standing.last_turn
        taken += [(id_, each.received_at) for id_ in chosen_in(decision)]
    return records


class TestSimulate:
    @given(worlds())
    @settings(max_examples=150)
    def test_without_a_draft_is_deciding_one_by_one(self, world: World) -> None:
        assert _records(world) == one_by_one(world)

    def test_begins_the_windows_anew_as_days_pass(self) -> None:
        one = candidate(Limits(day=1))
        world = World(
            {one.id: one}, {one.id: Territory(frozenset({AustralianState.NSW}))}, [arrival(h) for h in (0, 1, 24)]
        )
        assert [len(decision.chosen) for decision in simulate(world)] == [1, 0, 1]

    def test_keeps_a_persons_other_leads_from_who_had_the_first(self) -> None:
        one = candidate()
        first = arrival()
        second = arrival(1, others=(first.lead_id,))
        first = first._replace(others=(second.lead_id,))
        world = World({one.id: one}, {one.id: Territory(frozenset({AustralianState.NSW}))}, [first, second])
        assert [len(decision.chosen) for decision in simulate(world)] == [1, 0]

    def test_lets_a_persons_other_lead_go_there_again_once_the_policy_has_forgotten(self) -> None:
        one = candidate()
        first = arrival()
        second = arrival(10 * 24, others=(first.lead_id,))
        first = first._replace(others=(second.lead_id,))
        world = World({one.id: one}, {one.id: Territory(frozenset({AustralianState.NSW}))}, [first, second])
        given = {
            days: [len(each.chosen) for each in simulate(world.drafted({"ordering": {"same_person_days": days}}))]
            for days in (0, 9, 10)
        }
        assert given == {0: [1, 1], 9: [1, 1], 10: [1, 0]}


def _records(world: World) -> list[str]:
    """Each read before the next is decided: the standings go on."""
    return [record_of(decision) for decision in simulate(world)]


class TestDraft:
    def test_changes_what_it_names_and_nothing_else(self) -> None:
        one, two = candidate(Limits(day=5, month=90)), candidate(Limits(month=7))
        world = World({one.id: one, two.id: two}, {one.id: Territory(), two.id: Territory()}, [])
        drafted = world.drafted(
            {
                "ordering": {"most_owed_leads": 9, "same_person_days": 30},
                "ignore_rules": ["hours", "cap_day"],
                "everyone": {"caps_percent": 150},
                "installers": {
                    str(one.id): {
                        "caps": {"day": None, "week": 3, "month": None},
                        "status": "paused",
                        "hours": [[0, 420, 1020]],
                        "share_weight": 5,
                        "services": ["roofing"],
                        "territory": {"states": ["WA"], "ranges": [], "postcodes": []},
                    }
                },
            }
        )
        changed, other = drafted.candidates[one.id], drafted.candidates[two.id]
        assert (changed.limits, changed.status) == (Limits(week=3), InstallerStatus.PAUSED)
        assert (changed.share_weight, changed.services) == (5, frozenset({"roofing"}))
        assert changed.hours == ((0, 420, 1020),)
        assert other.limits == Limits(month=10)
        assert drafted.territories[one.id].states == {AustralianState.WA}
        assert (drafted.policy.most_owed_leads, drafted.policy.backlog_per_hour) == (9, 5)
        assert drafted.policy.same_person_days == 30
        assert drafted.waived == {Rule.HOURS, Rule.CAP_DAY}
        assert world.candidates[one.id] is one

    def test_of_nothing_moves_nothing(self) -> None:
        world = _two_in_nsw()
        comparison = Comparison(world, world.drafted({}), {})
        assert [moved for moved in comparison.moved() if moved] == []
        assert comparison.totals()["before"] == comparison.totals()["after"]


def _two_in_nsw(number: int = 10) -> World:
    first, second = candidate(name="First"), candidate(Limits(day=2), name="Second")
    nsw = Territory(frozenset({AustralianState.NSW}))
    return World(
        {first.id: first, second.id: second},
        {first.id: nsw, second.id: nsw},
        [arrival(given_to=frozenset({first.id})) for _ in range(number)],
    )


class TestComparison:
    def test_tells_what_moves_and_what_it_comes_to(self) -> None:
        world = _two_in_nsw()
        first, second = world.candidates
        prices = {(first, "exclusive"): 5_000}
        draft = world.drafted({"installers": {str(second): {"status": "paused"}}})
        comparison = Comparison(world, draft, prices)
        moved = [each for each in comparison.moved() if each]
        totals = comparison.totals()
        assert (totals["leads"], totals["moved"]) == (10, len(moved))
        assert all(each.before.chosen == {second} and each.after.chosen == {first} for each in moved)
        assert totals["as_happened"] == {"same": 10 - len(moved), "of": 10}
        assert totals["after"]["revenue_cents"] == 50_000
        assert totals["before"]["revenue_cents"] == 50_000 - 5_000 * len(moved)
        assert (totals["before"]["unpriced"], totals["after"]["unpriced"]) == (len(moved), 0)
        assert totals["after"]["installers"][str(first)]["leads"] == 10
        assert totals["before"]["installers"][str(second)]["leads"] == len(moved) == 2
        assert totals["before"]["installers"][str(second)]["cap_hits"] > 0

    def test_tells_of_each_lead_that_moves_share_and_caps(self) -> None:
        world = _two_in_nsw()
        _, second = world.candidates
        comparison = Comparison(world, world.drafted({"installers": {str(second): {"status": "paused"}}}), {})
        moved = [each for each in comparison.moved() if each]
        assert [side.entitled_ppm for each in moved for side in (each.before, each.after)] == [500_000, 1_000_000] * 2
        assert [(each.before.cap_percent, each.after.cap_percent) for each in moved] == [(50, None), (100, None)]
        assert all(each.before.at_cap == each.after.at_cap == 0 for each in moved)

    def test_tells_whom_a_cap_kept_a_lead_from(self) -> None:
        world = _two_in_nsw()
        _, second = world.candidates
        full = {"caps": {"day": 0, "week": None, "month": None}}
        comparison = Comparison(world, world.drafted({"installers": {str(second): full}}), {})
        assert [(each.before.at_cap, each.after.at_cap) for each in comparison.moved() if each] == [(0, 1), (0, 1)]
        totals = comparison.totals()
        before, after = totals["before"], totals["after"]
        assert (after["leads_at_cap"], after["cap_hits"], after["full_days"]) == (10, 10, 1)
        assert before["leads_at_cap"] == before["cap_hits"] == before["installers"][str(second)]["cap_hits"] < 10
        assert after["installers"][str(second)]["full_days"] == 1

    def test_tells_of_each_installer_revenue_and_share(self) -> None:
        world = _two_in_nsw()
        first, second = world.candidates
        prices = {(first, "exclusive"): 5_000}
        comparison = Comparison(world, world, prices)
        list(comparison.moved())
        totals = comparison.totals()["before"]
        told = totals["installers"]
        assert [told[str(id_)]["share_ppm"] for id_ in (first, second)] == [800_000, 200_000]
        assert [told[str(id_)]["revenue_cents"] for id_ in (first, second)] == [40_000, 0]
        assert [told[str(id_)]["unpriced"] for id_ in (first, second)] == [0, 2]
        assert sum(each["revenue_cents"] for each in told.values()) == totals["revenue_cents"]

    def test_covers_by_the_most_specific_part(self) -> None:
        every = Territory(frozenset({AustralianState.NSW}), (PostcodeRange("2000", "2234"),), frozenset({"2204"}))
        place = Place("2204", AustralianState.NSW)
        assert coverage_of(every, place) == Coverage(TerritoryKind.POSTCODE, "2204")
        assert coverage_of(every, Place("2205", AustralianState.NSW)) == Coverage(TerritoryKind.RANGE, "2000-2234")
        assert coverage_of(every, Place("2999", AustralianState.NSW)) == Coverage(TerritoryKind.STATE, "NSW")
        assert coverage_of(every, Place("3000", AustralianState.VIC)) is None


class TestChild:
    def test_reads_json_and_writes_a_line_for_each_lead_that_moves(self) -> None:
        who = new_id()
        request = {
            "world": {
                "profiles": [[str(who), 3, _profile()]],
                "arrivals": [
                    [str(new_id()), SERVICE, "NSW", "2204", "exclusive", 1, NOW.isoformat(), [str(who)], []]
                    for _ in range(3)
                ],
                "policy": {"most_owed_leads": 3, "backlog_per_hour": 5, "same_person_days": 90},
                "on_hold": [],
                "holidays": {},
            },
            "draft": {"installers": {str(who): {"caps": {"day": 2, "week": None, "month": None}}}},
            "prices": [[str(who), "exclusive", 4_000]],
            "left_off": 7,
        }
        out = io.StringIO()
        run(io.StringIO(json.dumps(request)), out)
        told = [json.loads(line) for line in out.getvalue().splitlines()]
        [moved] = [line["moved"] for line in told if "moved" in line]
        assert (moved["before"], moved["after"]) == ([str(who)], [])
        assert (moved["before_cents"], moved["after_cents"]) == (4_000, 0)
        assert (moved["before_entitled_ppm"], moved["after_entitled_ppm"]) == (1_000_000, 0)
        assert (moved["before_at_cap"], moved["after_at_cap"]) == (0, 1)
        assert (moved["before_cap_percent"], moved["after_cap_percent"]) == (None, None)
        assert told[-1]["totals"]["after"]["unplaced"] == 1
        assert told[-1]["totals"]["left_off"] == 7


def _profile() -> dict[str, Any]:
    """As a row of installer_versions has it."""
    profile = Profile(
        name="Southern Sun Solar",
        email="leads@southernsun.example",
        status=InstallerStatus.ACTIVE,
        services=(SERVICE,),
        time_zone="Australia/Sydney",
        limits=Limits(),
        share_weight=None,
        hours=[[1, 0, 1440]],
        home_state=None,
        keeps_public_holidays=False,
        absences=(),
        channel=Channel.MAIL,
        territory=Territory(frozenset({AustralianState.NSW})),
    )
    read: dict[str, Any] = json.loads(json.dumps(profile.told()))
    assert isinstance(Candidate.of_profile(new_id(), 1, read), Candidate)
    assert NOW.tzinfo is UTC
    return read
