"""The breaker of a delivery channel: after several failures in a row nothing is sent until one try has gone well."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.routing.domain.states import BreakerState, Channel


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`failures` in a row open it; it is tried after `probe_after`, and twice as long with each failed try."""

    failures: int
    probe_after: timedelta
    longest: timedelta = timedelta(hours=1)


THRESHOLDS = {
    Channel.WEBHOOK: Thresholds(5, timedelta(minutes=5)),
    Channel.MAIL: Thresholds(3, timedelta(minutes=30)),
}


@dataclass(frozen=True, slots=True)
class Health:
    """`opens` counts how often it opened without having closed between; `probe_at` is when it may be tried."""

    breaker: BreakerState = BreakerState.CLOSED
    failures_in_row: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    opens: int = 0

    def may_be_tried(self, now: datetime) -> bool:
        """Open, and the time of its try has come; or half open, which is that already."""
        if self.breaker is BreakerState.HALF_OPEN:
            return True
        return self.breaker is BreakerState.OPEN and self._is_due(now)

    def is_probed_by(self, begun_at: datetime) -> bool:
        """Whether a try that began then is the one that it was opened for, and no straggler of before."""
        return self.breaker is not BreakerState.CLOSED and self._is_due(begun_at)

    def _is_due(self, at: datetime) -> bool:
        return self.probe_at is not None and at >= self.probe_at


CLOSED = Health()


@dataclass(frozen=True, slots=True)
class EndedTry:
    """A try that was begun and ended at these instants of business time."""

    is_success: bool
    begun_at: datetime
    ended_at: datetime


def after(health: Health, ended: EndedTry, thresholds: Thresholds) -> Health:
    """What it is after a try. One that had begun before it was to be probed changes nothing, unless it went well."""
    if ended.is_success:
        return CLOSED
    failed = replace(health, failures_in_row=health.failures_in_row + 1)
    if health.breaker is BreakerState.CLOSED:
        return _opened(failed, ended.ended_at, thresholds) if failed.failures_in_row >= thresholds.failures else failed
    return _opened(failed, ended.ended_at, thresholds) if health.is_probed_by(ended.begun_at) else failed


def _opened(health: Health, now: datetime, thresholds: Thresholds) -> Health:
    wait = min(thresholds.longest, thresholds.probe_after * 2 ** min(health.opens, 10))
    return Health(BreakerState.OPEN, health.failures_in_row, now, now + wait, health.opens + 1)


def half_opened(health: Health) -> Health:
    return replace(health, breaker=BreakerState.HALF_OPEN)


def room_of(health: Health, under_way: int, most: int, now: datetime) -> int:
    """How many more may be sent now, with so many under way: `most` where it is closed, one where it is tried."""
    if health.breaker is BreakerState.CLOSED:
        return max(0, most - under_way)
    return max(0, 1 - under_way) if health.may_be_tried(now) else 0
