"""Places under the caps: reserved, used, given back, released, and counted anew by another clock."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import new_id
from contracts.values import CreditReason
from services.routing.domain.counting import (
    CapChange,
    CapMove,
    Counts,
    WindowKey,
    changes_of,
    counted,
    frees_the_cap,
    recounted,
)
from services.routing.domain.states import AssignmentStatus, CapState
from services.routing.domain.windows import WindowKind, window_at
from tests.routing.samples import INSTANTS, NOW

COUNT = st.integers(0, 1)
GIVEN = new_id()
"""By which decision, as far as the windows do not care."""
SYDNEY, PERTH = ZoneInfo("Australia/Sydney"), ZoneInfo("Australia/Perth")


def key(installer_id: UUID, kind: WindowKind, at: datetime = NOW) -> WindowKey:
    return WindowKey(installer_id, kind, window_at(kind, at, SYDNEY).starts_at)


class TestChangesOf:
    def test_moves_a_place_in_each_of_its_windows(self) -> None:
        id_ = new_id()
        changes = changes_of([CapMove(id_, NOW, CapChange.COMMIT, GIVEN)], {id_: SYDNEY})
        assert changes == {key(id_, kind): Counts(reserved=-1, used=1) for kind in WindowKind}

    def test_sums_what_meets_in_one_window(self) -> None:
        id_, yesterday = new_id(), NOW - timedelta(days=1)
        moves = [
            CapMove(id_, NOW, CapChange.COMMIT, GIVEN),
            CapMove(id_, yesterday, CapChange.GIVE_BACK, GIVEN),
            CapMove(id_, yesterday, CapChange.RELEASE, GIVEN),
        ]
        changes = changes_of(moves, {id_: SYDNEY})
        assert changes[key(id_, WindowKind.DAY)] == Counts(-1, 1)
        assert changes[key(id_, WindowKind.DAY, yesterday)] == Counts(-1, -1)
        assert changes[key(id_, WindowKind.MONTH)] == Counts(-2, 0)

    def test_frees_a_place_where_it_was_taken(self) -> None:
        id_, last_month = new_id(), NOW - timedelta(days=20)
        [month] = [
            k
            for k in changes_of([CapMove(id_, last_month, CapChange.RELEASE, GIVEN)], {id_: SYDNEY})
            if k.kind == "month"
        ]
        assert month.starts_at == datetime(2026, 1, 31, 13, tzinfo=UTC)


class TestRecounted:
    @given(st.lists(st.tuples(INSTANTS, st.builds(Counts, COUNT, COUNT, COUNT)), max_size=30))
    def test_loses_and_invents_nothing(self, assignments: list[tuple[datetime, Counts]]) -> None:
        windows = recounted(assignments, PERTH)
        for kind in WindowKind:
            of_kind = [counts for window, counts in windows.items() if window.kind is kind]
            for field in Counts._fields:
                assert sum(getattr(c, field) for c in of_kind) == sum(getattr(c, field) for _, c in assignments)

    @pytest.mark.parametrize(
        ("status", "cap_state", "adds"),
        [
            (AssignmentStatus.PENDING, CapState.RESERVED, Counts(reserved=1)),
            (AssignmentStatus.SENT, CapState.COUNTED, Counts(used=1)),
            (AssignmentStatus.SENT, CapState.RELEASED, Counts()),
            (AssignmentStatus.FAILED, CapState.GIVEN_BACK, Counts(failed=1)),
            (AssignmentStatus.CANCELLED, CapState.GIVEN_BACK, Counts()),
        ],
    )
    def test_counts_an_assignment_by_its_state(
        self, status: AssignmentStatus, cap_state: CapState, adds: Counts
    ) -> None:
        assert counted(status, cap_state) == adds


class TestCredits:
    def test_only_an_invalid_lead_frees_the_cap(self) -> None:
        assert {reason for reason in CreditReason if frees_the_cap(reason)} == {
            CreditReason.INVALID_CONTACT,
            CreditReason.POSTCODE_MISMATCH,
        }
