"""Each rule alone: what it says, why, by which values, and until when."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.candidate import Coverage, DeliveryHealth, History, Place, TerritoryKind, Turn
from services.routing.domain.eligibility import (
    CAPS,
    FRESH,
    WAIVED_BY_HAND,
    Rule,
    Verdict,
    backlog_is_paced,
    cap_has_room,
    delivery_works,
    first_obstacle,
    has_no_credit_hold,
    has_not_failed,
    is_first_time,
    is_present,
    service_is_offered,
    status_takes_leads,
    tally,
    territory_covers,
    was_not_returned,
)
from services.routing.domain.hours import Span
from services.routing.domain.standing import Considered, Standing, assess, keeps_hours, verdicts_of
from services.routing.domain.states import AbsenceKind, AssignmentStatus, BreakerState
from services.routing.domain.versions import Away
from services.routing.domain.windows import Limits, WindowKind
from tests.routing.samples import COVERED, HERE, NOW, SERVICE, candidate, standing, standing_of

PLACE = Place(HERE.postcode, HERE.state)
SOON, LATER = NOW + timedelta(hours=2), NOW + timedelta(days=2)
WEEKDAYS = tuple(Span(day, 7 * 60, 17 * 60) for day in range(5))


def judged(
    one: Standing,
    *,
    service: str = SERVICE,
    coverage: Coverage | None = COVERED,
    history: History = History(),  # noqa: B008  # immutable
    place: Place = PLACE,
    backlog_per_hour: int | None = None,
    waived: frozenset[Rule] = frozenset(),
) -> tuple[Verdict, ...]:
    considered = Considered(one, coverage, history)
    return verdicts_of(
        assess(considered, service=service, place=place, backlog_per_hour=backlog_per_hour, waived=waived)
    )


class TestInstaller:
    @pytest.mark.parametrize(
        ("status", "passed", "reason"),
        [
            (InstallerStatus.ACTIVE, True, "takes_leads"),
            (InstallerStatus.PAUSED, False, "installer_paused"),
            (InstallerStatus.SUSPENDED, False, "installer_suspended"),
        ],
    )
    def test_only_the_active_take_leads(self, status: InstallerStatus, passed: bool, reason: str) -> None:
        assert status_takes_leads(status) == Verdict(Rule.STATUS, passed, reason, {"status": status})

    @pytest.mark.parametrize(
        ("absences", "reason", "until"),
        [
            ((), "not_away", None),
            ((Away(SOON, LATER, AbsenceKind.HOLIDAY),), "not_away", None),
            # Half-open: it ends at this very instant.
            ((Away(NOW - timedelta(days=1), NOW, AbsenceKind.HOLIDAY),), "not_away", None),
            ((Away(NOW, LATER, AbsenceKind.HOLIDAY),), "away_for_holiday", LATER),
            ((Away(NOW, None, AbsenceKind.PAUSE),), "away_for_pause", None),
            ((Away(NOW, SOON, AbsenceKind.PAUSE), Away(NOW, LATER, AbsenceKind.HOLIDAY)), "away_for_pause", LATER),
            ((Away(NOW, SOON, AbsenceKind.PAUSE), Away(NOW, None, AbsenceKind.HOLIDAY)), "away_for_pause", None),
        ],
    )
    def test_who_is_away_gets_none_until_it_is_back(
        self, absences: tuple[Away, ...], reason: str, until: datetime | None
    ) -> None:
        verdict = is_present(absences, NOW)
        assert (verdict.rule, verdict.passed) == (Rule.PAUSED, reason == "not_away")
        assert (verdict.reason_code, verdict.until) == (reason, until)

    def test_an_absence_is_told_with_its_ends(self) -> None:
        compared = is_present((Away(NOW, LATER, AbsenceKind.HOLIDAY),), NOW).compared
        assert compared == {"absence": "holiday", "starts_at": NOW.isoformat(), "ends_at": LATER.isoformat()}

    def test_a_service_is_offered_or_not(self) -> None:
        roofer = frozenset({"roofing", "gutters"})
        assert service_is_offered(roofer, "roofing").reason_code == "service_offered"
        refused = service_is_offered(roofer, SERVICE)
        assert (refused.passed, refused.reason_code) == (False, "service_not_offered")
        assert refused.compared == {"wanted": SERVICE, "offered": ["gutters", "roofing"]}

    def test_a_territory_holds_a_place_by_one_of_its_parts(self) -> None:
        [inside] = territory_covers(Coverage(TerritoryKind.RANGE, "2000-2234"), PLACE).verdicts
        assert (inside.passed, inside.compared) == (
            True,
            {"place": "2204 NSW", "kind": "range", "matched": "2000-2234"},
        )
        outside = territory_covers(None, PLACE).obstacle
        assert outside is not None
        assert (outside.reason_code, outside.until) == ("outside_territory", None)

    @pytest.mark.parametrize(("is_held", "reason"), [(True, "on_credit_hold"), (False, "no_hold")])
    def test_who_is_on_credit_hold_gets_none(self, is_held: bool, reason: str) -> None:
        verdict = has_no_credit_hold(is_held=is_held)
        assert (verdict.passed, verdict.reason_code, verdict.compared) == (not is_held, reason, {"is_held": is_held})


class TestHistory:
    @pytest.mark.parametrize(
        ("earlier", "is_first", "may_try", "kept_it"),
        [
            ((), True, True, True),
            ((AssignmentStatus.PENDING,), False, True, True),
            ((AssignmentStatus.SENT,), False, True, True),
            ((AssignmentStatus.FAILED,), True, False, True),
            ((AssignmentStatus.CANCELLED,), True, False, True),
            ((AssignmentStatus.RETURNED,), True, True, False),
            ((AssignmentStatus.FAILED, AssignmentStatus.SENT), False, False, True),
        ],
    )
    def test_the_same_lead_goes_to_one_installer_once(
        self, earlier: tuple[AssignmentStatus, ...], is_first: bool, may_try: bool, kept_it: bool
    ) -> None:
        history = History.of(earlier)
        assert is_first_time(history).passed is is_first
        assert has_not_failed(history).passed is may_try
        assert was_not_returned(history).passed is kept_it

    def test_a_persons_other_lead_is_the_same_to_an_installer(self) -> None:
        verdict = is_first_time(History(same_person=2))
        assert (verdict.passed, verdict.reason_code) == (False, "had_the_person_already")
        assert verdict.compared == {"live_assignments": 0, "same_person_leads": 2}


class TestHours:
    """It is Tuesday, 13:15 in Sydney and 10:15 in Perth."""

    @pytest.mark.parametrize(
        ("changes", "holidays", "reason", "until"),
        [
            ({}, (), "always_open", None),
            ({"hours": WEEKDAYS}, (), "open", None),
            ({"hours": (Span(1, 13 * 60 + 15, 14 * 60),)}, (), "open", None),
            # Half-open: it closes at this very minute, and opens in a week.
            ({"hours": (Span(1, 0, 13 * 60 + 15),)}, (), "closed", "2026-03-09T13:00:00+00:00"),
            ({"hours": (Span(1, 14 * 60, 15 * 60),)}, (), "closed", "2026-03-03T03:00:00+00:00"),
            (
                {"hours": (Span(1, 14 * 60, 15 * 60),), "time_zone": "Australia/Perth"},
                (),
                "closed",
                "2026-03-03T06:00:00+00:00",
            ),
            ({"hours": ()}, (), "closed", None),
            ({"hours": WEEKDAYS}, (date(2026, 3, 3), date(2026, 3, 4)), "public_holiday", "2026-03-04T20:00:00+00:00"),
            ({}, (date(2026, 3, 3),), "public_holiday", "2026-03-03T13:00:00+00:00"),
        ],
    )
    def test_are_by_the_installers_own_clock(
        self, changes: dict[str, Any], holidays: tuple[date, ...], reason: str, until: str | None
    ) -> None:
        verdict = keeps_hours(standing_of(candidate(**changes), holidays=holidays))
        assert (verdict.rule, verdict.reason_code) == (Rule.HOURS, reason)
        assert verdict.passed is (reason in ("always_open", "open"))
        assert (verdict.until and verdict.until.isoformat()) == until

    def test_tell_the_time_and_the_hours_of_the_day(self) -> None:
        verdict = keeps_hours(standing(hours=(*WEEKDAYS, Span(5, 0, 60))))
        assert verdict.compared == {
            "local_time": "2026-03-03T13:15",
            "hours": [[1, 420, 1020]],
            "is_public_holiday": False,
        }

    def test_of_an_installer_that_opens_while_the_clocks_are_turned(self) -> None:
        """At 2:00 on 5 April 2026 the clocks of Sydney go back an hour: Sunday's 7:00 is of the other offset."""
        saturday = datetime.fromisoformat("2026-04-04T10:00:00+00:00")
        closed = standing_of(candidate(hours=(Span(6, 7 * 60, 12 * 60),)), now=saturday)
        until = keeps_hours(closed).until
        assert until is not None
        assert until.isoformat() == "2026-04-04T21:00:00+00:00"


class TestDelivery:
    @pytest.mark.parametrize(
        ("health", "reason", "until"),
        [
            (DeliveryHealth(), "delivery_works", None),
            (DeliveryHealth(BreakerState.OPEN, SOON, 0), "breaker_open", SOON),
            (DeliveryHealth(BreakerState.OPEN, NOW, 0), "probe_due", None),
            (DeliveryHealth(BreakerState.OPEN, NOW, 1), "probe_under_way", None),
            (DeliveryHealth(BreakerState.HALF_OPEN, None, 0), "probe_due", None),
            (DeliveryHealth(BreakerState.HALF_OPEN, None, 2), "probe_under_way", None),
        ],
    )
    def test_an_open_breaker_lets_one_through_once_its_probe_is_due(
        self, health: DeliveryHealth, reason: str, until: datetime | None
    ) -> None:
        verdict = delivery_works(health, NOW)
        assert (verdict.reason_code, verdict.until) == (reason, until)
        assert verdict.passed is (reason in ("delivery_works", "probe_due"))

    def test_of_a_batch_the_first_is_the_probe(self) -> None:
        one = standing_of(candidate(), delivery=DeliveryHealth(BreakerState.HALF_OPEN, None, 0))
        assert first_obstacle(judged(one)) is None
        one.take(Turn(NOW, 1))
        obstacle = first_obstacle(judged(one))
        assert obstacle is not None
        assert obstacle.reason_code == "probe_under_way"


class TestCaps:
    @pytest.mark.parametrize(
        ("limit", "used", "reserved", "passed", "reason"),
        [
            (None, 900, 90, True, "uncapped"),
            (10, 9, 0, True, "below_cap"),
            (10, 5, 4, True, "below_cap"),
            (10, 5, 5, False, "cap_reached"),
            (10, 12, 0, False, "cap_reached"),
            (0, 0, 0, False, "cap_reached"),
        ],
    )
    def test_a_reserved_place_is_taken_like_a_used_one(
        self, limit: int | None, used: int, reserved: int, passed: bool, reason: str
    ) -> None:
        count = standing().counts[WindowKind.WEEK]
        count.used, count.reserved = used, reserved
        verdict = cap_has_room(limit, count)
        assert (verdict.rule, verdict.passed, verdict.reason_code) == (Rule.CAP_WEEK, passed, reason)
        assert verdict.compared == {
            "limit": limit,
            "used": used,
            "reserved": reserved,
            "window_start": "2026-03-01T13:00:00+00:00",
        }
        # A cap of nothing at all is not lifted by the next window.
        assert verdict.until == (count.window.ends_at if not passed and limit else None)

    def test_nobody_knows_the_windows_of_a_zone_that_is_gone(self) -> None:
        lost = [v for v in judged(standing(time_zone="Mars/Olympus")) if not v.allows]
        assert [(v.rule, v.reason_code) for v in lost] == [
            (rule, "time_zone_unknown") for rule in (Rule.CAP_DAY, Rule.CAP_WEEK, Rule.CAP_MONTH)
        ]

    @pytest.mark.parametrize(("given", "passed"), [(0, True), (4, True), (5, False), (6, False)])
    def test_what_waited_is_given_by_the_hour(self, given: int, passed: bool) -> None:
        [verdict] = backlog_is_paced(given, 5).verdicts
        assert (verdict.passed, verdict.compared) == (passed, {"given_in_last_hour": given, "most": 5})
        assert FRESH.obstacle is None


class TestAssess:
    def test_gives_every_rules_verdict_in_their_order(self) -> None:
        verdicts = judged(standing())
        assert [verdict.rule for verdict in verdicts] == list(Rule)
        assert first_obstacle(verdicts) is None

    def test_names_all_that_is_in_the_way(self) -> None:
        full = standing(
            Limits(day=1, month=1),
            taken=1,
            status=InstallerStatus.PAUSED,
            absences=(Away(NOW, None, AbsenceKind.PAUSE),),
            hours=(),
        )
        full.has_credit_hold = True
        full.backlog = 5
        verdicts = judged(full, service="roofing", coverage=None, history=History(1, 1, 1, 1), backlog_per_hour=5)
        assert [verdict.rule for verdict in verdicts if not verdict.allows] == [
            rule for rule in Rule if rule not in (Rule.DELIVERY_HEALTH, Rule.CAP_WEEK)
        ]

    def test_by_hand_overrules_what_an_operator_may_know_better(self) -> None:
        late = standing(hours=())
        late.backlog = 5
        verdicts = judged(
            late,
            service="roofing",
            coverage=None,
            history=History(ended=1),
            backlog_per_hour=5,
            waived=WAIVED_BY_HAND,
        )
        assert first_obstacle(verdicts) is None
        assert {verdict.rule for verdict in verdicts if verdict.is_waived} == WAIVED_BY_HAND

    def test_nothing_overrules_who_may_not_have_any_lead_or_not_this_one(self) -> None:
        barred = standing(status=InstallerStatus.SUSPENDED, absences=(Away(NOW, None, AbsenceKind.PAUSE),))
        barred.has_credit_hold = True
        barred.delivery = DeliveryHealth(BreakerState.OPEN, SOON, 0)
        verdicts = judged(barred, history=History(live=1, returned=1), waived=WAIVED_BY_HAND | CAPS)
        assert [v.rule for v in verdicts if not v.allows] == [
            Rule.STATUS,
            Rule.PAUSED,
            Rule.DUPLICATE_TO_INSTALLER,
            Rule.RETURNED_BY_INSTALLER,
            Rule.CREDIT_HOLD,
            Rule.DELIVERY_HEALTH,
        ]

    def test_sees_what_was_taken_since_it_last_looked(self) -> None:
        last = standing(Limits(day=1))
        assert first_obstacle(judged(last)) is None
        last.take(Turn(NOW, 1))
        obstacle = first_obstacle(judged(last))
        assert obstacle is not None
        assert obstacle.rule is Rule.CAP_DAY

    def test_keeps_places_and_services_apart(self) -> None:
        one = standing()
        assert all(v.passed for v in judged(one))
        outside = first_obstacle(judged(one, place=Place("2480", AustralianState.NSW), coverage=None))
        assert outside is not None
        assert outside.rule is Rule.TERRITORY
        other = first_obstacle(judged(one, service="roofing"))
        assert other is not None
        assert other.rule is Rule.SERVICE

    def test_tells_a_verdict_as_json(self) -> None:
        waived = Verdict(Rule.SERVICE, False, "service_not_offered", {"wanted": "roofing"}, is_waived=True)
        assert json.loads(waived.text) == {
            "rule": "service",
            "passed": False,
            "reason_code": "service_not_offered",
            "compared": {"wanted": "roofing"},
            "is_waived": True,
        }
        assert json.loads(Verdict(Rule.PAUSED, False, "away_for_pause", {}, until=SOON).text)["until"] == (
            SOON.isoformat()
        )

    def test_counts_reasons_by_frequency(self) -> None:
        rules = [Rule.STATUS, Rule.CAP_MONTH, Rule.CAP_MONTH, Rule.SERVICE]
        assert tally(Verdict(rule, False, "no", {}) for rule in rules) == "cap_month 2, service 1, status 1"
