"""How long a lead waits, why, and what comes next by itself."""

from datetime import timedelta

import pytest

from contracts.values import InstallerStatus
from services.routing.domain.hours import Span
from services.routing.domain.policies import DEFAULT_CARE, Care
from services.routing.domain.standing import Standing
from services.routing.domain.states import AbsenceKind, ExceptionReason
from services.routing.domain.versions import Away
from services.routing.domain.waiting import (
    NEVER_RETRIED,
    WaitKind,
    budget_of,
    counts_since,
    escalate_at,
    is_late,
    kind_of,
    next_retry,
    passes_at,
    reason_of,
)
from services.routing.domain.windows import Limits
from tests.routing.samples import NOW, decided, request, standing

R = ExceptionReason
HOUR = timedelta(hours=1)
MORNINGS = tuple(Span(day, 7 * 60, 12 * 60) for day in range(7))
"""It is a quarter past one in the afternoon there."""
BACK_TOMORROW = (Away(NOW - HOUR, NOW + 24 * HOUR, AbsenceKind.HOLIDAY),)


def full() -> Standing:
    return standing(Limits(day=1), taken=1)


def closed() -> Standing:
    return standing(hours=MORNINGS)


def away() -> Standing:
    return standing(absences=BACK_TOMORROW)


def suspended() -> Standing:
    return standing(status=InstallerStatus.SUSPENDED)


def roofer() -> Standing:
    return standing(services=frozenset({"roofing"}))


class TestReasonOf:
    @pytest.mark.parametrize(
        ("those", "reason"),
        [
            ([], R.NO_COVERAGE),
            ([roofer()], R.NO_COVERAGE),
            ([full(), full()], R.ALL_AT_CAP),
            ([closed()], R.OUTSIDE_HOURS),
            ([away(), suspended()], R.ALL_AWAY),
            ([full(), roofer()], R.ALL_AT_CAP),
            ([full(), away()], R.ALL_AT_CAP),
            ([full(), closed(), away()], R.OUTSIDE_HOURS),
        ],
    )
    def test_is_of_those_that_do_the_service(self, those: list[Standing], reason: ExceptionReason) -> None:
        assert reason_of(decided(request(), *those).assessments) is reason

    def test_one_that_time_alone_does_not_mend_alarms(self) -> None:
        held = standing()
        held.has_credit_hold = True
        assert reason_of(decided(request(), held, full()).assessments) is R.NO_ELIGIBLE_INSTALLER


class TestPassesAt:
    def test_is_the_earliest_at_which_all_in_the_way_of_one_has_passed(self) -> None:
        assessments = decided(request(), closed(), away(), suspended()).assessments
        opening = passes_at(assessments)
        assert opening is not None
        assert (opening - NOW).total_seconds() == 17 * 3600 + 44 * 60 + 56

    def test_waits_for_the_last_of_what_is_in_the_way_of_one(self) -> None:
        assert passes_at(
            decided(request(), standing(Limits(month=1), taken=1, absences=BACK_TOMORROW)).assessments
        ) == (
            standing().moment.windows["month"].ends_at  # type: ignore[index]
        )

    def test_is_unknown_where_something_does_not_pass_by_itself(self) -> None:
        assert passes_at(decided(request(), suspended(), roofer()).assessments) is None
        assert passes_at([]) is None


class TestNextRetry:
    def test_what_is_expected_waits_for_what_passes(self) -> None:
        care = DEFAULT_CARE[R.OUTSIDE_HOURS]
        assert next_retry(R.OUTSIDE_HOURS, care, NOW, done=0, left=20, passes=NOW + 17 * HOUR) == NOW + 17 * HOUR
        assert next_retry(R.OUTSIDE_HOURS, care, NOW, done=0, left=20) == NOW + HOUR / 2

    def test_what_alarms_is_tried_by_the_delays_whatever_passes(self) -> None:
        care = DEFAULT_CARE[R.DELIVERY_FAILED]
        delays = [next_retry(R.DELIVERY_FAILED, care, NOW, done=n, left=3 - n, passes=NOW + HOUR) for n in range(4)]
        assert delays == [*[NOW + timedelta(minutes=minutes) for minutes in (2, 4, 8)], None]

    @pytest.mark.parametrize("reason", sorted(NEVER_RETRIED))
    def test_what_time_does_not_mend_is_never_retried_whatever_the_policy_says(self, reason: ExceptionReason) -> None:
        care = Care(budget=9)
        assert budget_of(reason, care) == 0
        assert next_retry(reason, care, NOW, done=0, left=9, passes=NOW + HOUR) is None

    def test_a_delay_that_doubles_stays_in_the_calendar(self) -> None:
        care = Care(factor=10, budget=100)
        assert next_retry(R.DELIVERY_FAILED, care, NOW, done=99, left=1) == NOW + timedelta(days=14)


class TestEscalation:
    def test_what_is_nobodys_is_called_for_at_its_limit_at_the_latest(self) -> None:
        care = Care(escalate_minutes=60, unowned_minutes=30)
        assert escalate_at(care, NOW, is_owned=True) == NOW + HOUR
        assert escalate_at(care, NOW, is_owned=False) == NOW + HOUR / 2
        assert escalate_at(Care(escalate_minutes=15), NOW, is_owned=False) == NOW + HOUR / 4

    @pytest.mark.parametrize("is_owned", [True, False])
    def test_is_counted_back_to_where_it_began(self, is_owned: bool) -> None:
        care = Care(escalate_minutes=60, unowned_minutes=30)
        assert counts_since(care, escalate_at(care, NOW, is_owned=is_owned), is_owned=is_owned) == NOW

    def test_is_late_once_the_limit_is_reached_unless_somebody_has_it_or_it_sleeps(self) -> None:
        def late(**changes: object) -> bool:
            given = {"owner_is_known": False, "snoozed_until": None, "now": NOW} | changes
            return is_late(NOW, **given)  # type: ignore[arg-type]

        assert late()
        assert not late(owner_is_known=True)
        assert not late(now=NOW - timedelta(seconds=1))
        assert not late(snoozed_until=NOW + HOUR)
        assert late(snoozed_until=NOW)


def test_each_reason_is_of_one_kind() -> None:
    assert {kind_of(reason) for reason in WaitKind.EXPECTED.reasons} == {WaitKind.EXPECTED}
    assert set(WaitKind.EXPECTED.reasons) | set(WaitKind.ALARMING.reasons) == set(ExceptionReason)
