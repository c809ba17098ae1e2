"""Business time that a laptop may move, and nothing else may."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.clock import ShiftedClock
from chassis.settings import Environment, ServiceSettings


class TestShiftedClock:
    def test_is_the_machine_clock_until_it_is_moved(self, tmp_path: Path) -> None:
        clock = ShiftedClock(tmp_path / "clock")
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)

    def test_a_move_is_seen_by_every_holder_of_the_file(self, tmp_path: Path) -> None:
        mover, other = ShiftedClock(tmp_path / "clock"), ShiftedClock(tmp_path / "clock")
        target = datetime.now(UTC) + timedelta(days=40)
        mover.move_to(target)
        assert timedelta(0) <= other.now() - target < timedelta(seconds=1)

    def test_goes_on_after_a_move(self, tmp_path: Path) -> None:
        clock = ShiftedClock(tmp_path / "clock")
        clock.move_to(datetime.now(UTC) + timedelta(days=1))
        first = clock.now()
        assert clock.now() > first

    def test_never_moves_backwards(self, tmp_path: Path) -> None:
        clock = ShiftedClock(tmp_path / "clock")
        with pytest.raises(ValueError, match="only moves forward"):
            clock.move_to(datetime.now(UTC) - timedelta(seconds=5))


class TestSettings:
    def test_refuse_a_movable_clock_outside_local_mode(self, tmp_path: Path) -> None:
        with pytest.raises(ValidationError, match="WAYBILL_ENVIRONMENT=local only"):
            ServiceSettings(
                environment=Environment.PRODUCTION, clock_file=tmp_path / "clock", database_url="postgresql://x/y"
            )
