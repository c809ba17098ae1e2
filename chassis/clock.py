"""Business time, injected. Security (tokens, one-time codes, step-up) runs on the machine's clock, never on this."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """An aware instant in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class ShiftedClock:
    """The machine's clock plus an offset in seconds read from a file that all local processes share.

    Time therefore still passes, and moving it is one atomic write that every process sees at its next reading.
    Settings allow it in local mode alone.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._current_offset()

    def move_to(self, instant: datetime) -> None:
        """Moves time forward to `instant`; backwards is refused, as nothing in the ledger may be undone by a clock."""
        if instant < self.now():
            raise ValueError(f"the clock only moves forward: it is {self.now().isoformat()} already")
        offset = instant - datetime.now(UTC)
        draft = self._file.with_suffix(".next")
        draft.write_text(repr(offset.total_seconds()))
        draft.replace(self._file)

    def _current_offset(self) -> timedelta:
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            return timedelta()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._offset = timedelta(seconds=float(self._file.read_text()))
            self._stamp = stamp
        return self._offset


class FixedClock:
    """Stands still until it is moved: for tests and replays."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def advance(self, step: timedelta) -> None:
        self.instant += step
