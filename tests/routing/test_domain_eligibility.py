"""Each rule alone: what it says, why, and by which values."""

import json

import pytest

from contracts.values import InstallerStatus
from services.routing.domain.eligibility import (
    CAPS,
    WAIVED_BY_HAND,
    Coverage,
    Rule,
    TerritoryKind,
    Turn,
    Verdict,
    assess,
    cap_has_room,
    cap_is_untold,
    first_obstacle,
    has_not_failed,
    is_first_time,
    service_is_offered,
    status_takes_leads,
    tally,
    territory_covers,
)
from services.routing.domain.states import AssignmentStatus
from services.routing.domain.windows import Limits, WindowKind
from tests.routing.samples import COVERED, HERE, NOW, SERVICE, candidate, standing


class TestPredicates:
    @pytest.mark.parametrize(
        ("status", "passed", "reason"),
        [
            (InstallerStatus.ACTIVE, True, "takes_leads"),
            (InstallerStatus.PAUSED, False, "installer_paused"),
            (InstallerStatus.SUSPENDED, False, "installer_suspended"),
        ],
    )
    def test_only_the_active_take_leads(self, status: InstallerStatus, passed: bool, reason: str) -> None:
        verdict = status_takes_leads(candidate(status=status))
        assert verdict == Verdict(Rule.STATUS, passed, reason, {"status": status})

    def test_a_service_is_offered_or_not(self) -> None:
        roofer = candidate(services=frozenset({"roofing", "gutters"}))
        assert service_is_offered(roofer, "roofing").reason_code == "service_offered"
        refused = service_is_offered(roofer, SERVICE)
        assert (refused.passed, refused.reason_code) == (False, "service_not_offered")
        assert refused.compared == {"wanted": SERVICE, "offered": ["gutters", "roofing"]}

    def test_a_territory_holds_a_place_by_one_of_its_parts(self) -> None:
        inside = territory_covers(Coverage(TerritoryKind.RANGE, "2000-2234"), HERE)
        assert (inside.passed, inside.compared) == (
            True,
            {"place": "2204 NSW", "kind": "range", "matched": "2000-2234"},
        )
        assert territory_covers(None, HERE).reason_code == "outside_territory"

    @pytest.mark.parametrize(
        ("earlier", "is_first", "may_try"),
        [
            ((), True, True),
            ((AssignmentStatus.PENDING,), False, True),
            ((AssignmentStatus.SENT,), False, True),
            ((AssignmentStatus.FAILED,), True, False),
            ((AssignmentStatus.CANCELLED,), True, False),
            ((AssignmentStatus.RETURNED,), True, False),
            ((AssignmentStatus.FAILED, AssignmentStatus.SENT), False, False),
        ],
    )
    def test_the_same_lead_goes_to_one_installer_once(
        self, earlier: tuple[AssignmentStatus, ...], is_first: bool, may_try: bool
    ) -> None:
        assert is_first_time(earlier).passed is is_first
        assert has_not_failed(earlier).passed is may_try

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

    @pytest.mark.parametrize(
        ("limit", "used", "is_told"), [(10, 10, True), (10, 9, False), (None, 900, False), (0, 0, False)]
    )
    def test_a_full_window_passes_by_itself_when_the_next_one_begins(
        self, limit: int | None, used: int, is_told: bool
    ) -> None:
        count = standing().counts[WindowKind.WEEK]
        count.used = used
        assert cap_has_room(limit, count).until == (count.window.ends_at if is_told else None)

    def test_nobody_knows_when_a_window_of_an_unknown_zone_ends(self) -> None:
        assert cap_is_untold("Australia/Atlantis", standing().counts[WindowKind.DAY]).until is None


class TestAssess:
    def test_gives_every_rules_verdict(self) -> None:
        verdicts = assess(standing(), service=SERVICE, location=HERE, coverage=COVERED, earlier=())
        assert [verdict.rule for verdict in verdicts] == list(Rule)
        assert first_obstacle(verdicts) is None

    def test_names_all_that_is_in_the_way(self) -> None:
        full = standing(Limits(day=1, month=1), taken=1, status=InstallerStatus.PAUSED)
        verdicts = assess(full, service="roofing", location=HERE, coverage=None, earlier=(AssignmentStatus.SENT,))
        assert [verdict.rule for verdict in verdicts if not verdict.allows] == [
            Rule.STATUS,
            Rule.SERVICE,
            Rule.TERRITORY,
            Rule.DUPLICATE_TO_INSTALLER,
            Rule.CAP_DAY,
            Rule.CAP_MONTH,
        ]

    def test_by_hand_overrules_service_territory_and_an_earlier_failure(self) -> None:
        verdicts = assess(
            standing(),
            service="roofing",
            location=HERE,
            coverage=None,
            earlier=(AssignmentStatus.FAILED,),
            waived=WAIVED_BY_HAND,
        )
        assert first_obstacle(verdicts) is None
        assert {verdict.rule for verdict in verdicts if verdict.is_waived} == WAIVED_BY_HAND

    def test_nothing_overrules_status_and_duplicates(self) -> None:
        verdicts = assess(
            standing(status=InstallerStatus.SUSPENDED),
            service=SERVICE,
            location=HERE,
            coverage=COVERED,
            earlier=(AssignmentStatus.PENDING,),
            waived=WAIVED_BY_HAND | CAPS,
        )
        assert [v.rule for v in verdicts if not v.allows] == [Rule.STATUS, Rule.DUPLICATE_TO_INSTALLER]

    def test_sees_what_was_taken_since_it_last_looked(self) -> None:
        last = standing(Limits(day=1))
        asked = {"service": SERVICE, "location": HERE, "coverage": COVERED, "earlier": ()}
        assert first_obstacle(assess(last, **asked)) is None  # type: ignore[arg-type]
        last.take(Turn(NOW, 1))
        obstacle = first_obstacle(assess(last, **asked))  # type: ignore[arg-type]
        assert obstacle is not None
        assert obstacle.rule is Rule.CAP_DAY

    def test_keeps_places_apart(self) -> None:
        one = standing()
        there = HERE.model_copy(update={"postcode": "2480"})
        assert all(v.passed for v in assess(one, service=SERVICE, location=HERE, coverage=COVERED, earlier=()))
        outside = first_obstacle(assess(one, service=SERVICE, location=there, coverage=None, earlier=()))
        assert outside is not None
        assert outside.rule is Rule.TERRITORY

    def test_tells_a_verdict_as_json(self) -> None:
        waived = Verdict(Rule.SERVICE, False, "service_not_offered", {"wanted": "roofing"}, is_waived=True)
        assert json.loads(waived.text) == {
            "rule": "service",
            "passed": False,
            "reason_code": "service_not_offered",
            "compared": {"wanted": "roofing"},
            "is_waived": True,
        }

    def test_counts_reasons_by_frequency(self) -> None:
        rules = [Rule.STATUS, Rule.CAP_MONTH, Rule.CAP_MONTH, Rule.SERVICE]
        assert tally(Verdict(rule, False, "no", {}) for rule in rules) == "cap_month 2, service 1, status 1"
