"""Sender accounts: the health of each, and which of them sends the next message.

active -> throttled | cooldown | disabled;  throttled -> active;  cooldown -> probing -> active | cooldown
suspended and disabled are left by an operator alone, through probing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.notifications.domain.messages import MailClass
from services.notifications.domain.replies import Verdict

BOUNCE_WINDOW = timedelta(hours=24)
BOUNCE_SAMPLE = 50
HIGHEST_BOUNCE_RATE = 0.05
BOUNCE_COOLDOWN = timedelta(hours=1)
FAULTS_IN_A_ROW = 5
FAULT_BREAK = timedelta(minutes=5)
AUTHENTICATION_FAILURES = 10
SERVER_THROTTLE = timedelta(minutes=5)
WARN_AT_CAP = 0.9
THROTTLED_SHARE = 0.25
"""How much of its weight a throttled account keeps."""
BUCKET = timedelta(minutes=10)


class AccountState(StrEnum):
    ACTIVE = "active"
    THROTTLED = "throttled"
    COOLDOWN = "cooldown"
    PROBING = "probing"
    SUSPENDED = "suspended"
    DISABLED = "disabled"

    @property
    def may_send(self) -> bool:
        return self in (AccountState.ACTIVE, AccountState.THROTTLED, AccountState.PROBING)


class AccountAction(StrEnum):
    SUSPEND = "suspend"
    RESUME = "resume"


class AccountObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    SUSPENDED = "it is suspended"
    MAY_SEND = "it may send already"


def obstacle_to(action: AccountAction, state: AccountState) -> AccountObstacle | None:
    if action is AccountAction.SUSPEND:
        return AccountObstacle.SUSPENDED if state is AccountState.SUSPENDED else None
    return AccountObstacle.MAY_SEND if state.may_send else None


class HealthReason(StrEnum):
    CAP_NEAR = "cap_near"
    CAP_REACHED = "cap_reached"
    RATE_LIMITED = "rate_limited"
    BOUNCE_RATE = "bounce_rate"
    DELIVERY_FAULTS = "delivery_faults"
    AUTHENTICATION_FAILURES = "authentication_failures"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Health:
    """`counted_since` is where the bounce window begins anew, after a probe that succeeded."""

    state: AccountState
    since: datetime
    counted_since: datetime
    reason: HealthReason | None = None
    next_change_at: datetime | None = None
    faults_in_a_row: int = 0
    authentication_failures: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an account did: in the bounce window, and since the business day began."""

    window_sends: int
    window_refusals: int
    sends_today: int
    daily_cap: int

    @property
    def bounce_rate(self) -> float:
        """At most 1, though what comes back now may have been sent before the window."""
        return min(1.0, self.window_refusals / self.window_sends) if self.window_sends else 0.0

    @property
    def bounces_too_much(self) -> bool:
        return self.window_sends >= BOUNCE_SAMPLE and self.bounce_rate > HIGHEST_BOUNCE_RATE

    @property
    def cap_used(self) -> float:
        return self.sends_today / self.daily_cap


def bucket_start(now: datetime, counted_since: datetime) -> datetime:
    """Sends are counted in buckets of ten minutes; one begins anew where the counting does."""
    whole = now - timedelta(seconds=now.timestamp() % BUCKET.total_seconds())
    return max(whole, counted_since)


def day_start(now: datetime, zone: ZoneInfo) -> datetime:
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def next_day_start(now: datetime, zone: ZoneInfo) -> datetime:
    noon_tomorrow = now.astimezone(zone).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return day_start(noon_tomorrow, zone)


def after(health: Health, verdicts: Iterable[Verdict], traffic: Traffic, now: datetime) -> Health:
    """The health once these outcomes, in their order, are known; `traffic` counts them already."""
    counted_since = health.counted_since
    for verdict in verdicts:
        health = _after_one(health, verdict, now)
    # A probe that succeeded just now has closed the window that `traffic` is of.
    is_counted = health.counted_since == counted_since
    if is_counted and health.state in (AccountState.ACTIVE, AccountState.THROTTLED) and traffic.bounces_too_much:
        return _entered(health, AccountState.COOLDOWN, HealthReason.BOUNCE_RATE, now, now + BOUNCE_COOLDOWN)
    return health


def _after_one(health: Health, verdict: Verdict, now: datetime) -> Health:
    if verdict is Verdict.NOT_AUTHENTICATED:
        return _after_authentication_failure(health, now)
    if verdict.is_delivery_fault:
        return _after_fault(health, now)
    if verdict in (Verdict.ACCEPTED, Verdict.REFUSED, Verdict.DEFERRED, Verdict.THROTTLED):
        # The server answered, whatever it answered: it can be reached and knows us.
        health = replace(health, faults_in_a_row=0, authentication_failures=0)
        return _after_answer(health, verdict, now)
    return health


def _after_authentication_failure(health: Health, now: datetime) -> Health:
    health = replace(health, authentication_failures=health.authentication_failures + 1)
    if health.state is AccountState.SUSPENDED or health.authentication_failures < AUTHENTICATION_FAILURES:
        return health
    return _entered(health, AccountState.DISABLED, HealthReason.AUTHENTICATION_FAILURES, now)


def _after_fault(health: Health, now: datetime) -> Health:
    health = replace(health, faults_in_a_row=health.faults_in_a_row + 1)
    enough = health.faults_in_a_row >= FAULTS_IN_A_ROW or health.state is AccountState.PROBING
    if not enough or not health.state.may_send:
        return health
    return _entered(health, AccountState.COOLDOWN, HealthReason.DELIVERY_FAULTS, now, now + FAULT_BREAK)


def _after_answer(health: Health, verdict: Verdict, now: datetime) -> Health:
    if health.state is AccountState.PROBING:
        return _after_probe(health, verdict, now)
    if verdict is Verdict.THROTTLED and health.state in (AccountState.ACTIVE, AccountState.THROTTLED):
        return _entered(health, AccountState.THROTTLED, HealthReason.RATE_LIMITED, now, now + SERVER_THROTTLE)
    return health


def _after_probe(health: Health, verdict: Verdict, now: datetime) -> Health:
    """A refusal shows that the server can be reached, which is all that a break for faults waits for."""
    if verdict is Verdict.ACCEPTED or (verdict is Verdict.REFUSED and health.reason is not HealthReason.BOUNCE_RATE):
        return replace(_entered(health, AccountState.ACTIVE, None, now), counted_since=now)
    if verdict is Verdict.REFUSED:
        return _entered(health, AccountState.COOLDOWN, HealthReason.BOUNCE_RATE, now, now + BOUNCE_COOLDOWN)
    return health


def at(health: Health, traffic: Traffic, now: datetime, zone: ZoneInfo) -> Health:
    """The health as time alone has changed it: breaks end, a day's cap is reached or begins anew."""
    due = health.next_change_at is not None and health.next_change_at <= now
    if health.state is AccountState.COOLDOWN and due:
        return _entered(health, AccountState.PROBING, health.reason, now)
    if health.state not in (AccountState.ACTIVE, AccountState.THROTTLED):
        return health
    if health.reason is HealthReason.RATE_LIMITED and not due and traffic.cap_used < 1:
        return health
    return _by_cap(health, traffic, now, zone)


def _by_cap(health: Health, traffic: Traffic, now: datetime, zone: ZoneInfo) -> Health:
    if traffic.cap_used >= 1:
        wanted, reason = AccountState.THROTTLED, HealthReason.CAP_REACHED
    elif traffic.cap_used >= WARN_AT_CAP:
        wanted, reason = AccountState.THROTTLED, HealthReason.CAP_NEAR
    else:
        return health if health.state is AccountState.ACTIVE else _entered(health, AccountState.ACTIVE, None, now)
    if (health.state, health.reason) == (wanted, reason):
        return health
    return _entered(health, wanted, reason, now, next_day_start(now, zone))


def suspended(health: Health, now: datetime) -> Health:
    return _entered(health, AccountState.SUSPENDED, HealthReason.OPERATOR, now)


def resumed(health: Health, now: datetime) -> Health:
    """By an operator: the next message is its probe, and what was counted against it is forgotten."""
    fresh = replace(health, faults_in_a_row=0, authentication_failures=0, counted_since=now)
    return _entered(fresh, AccountState.PROBING, HealthReason.OPERATOR, now)


def _entered(
    health: Health,
    state: AccountState,
    reason: HealthReason | None,
    now: datetime,
    next_change_at: datetime | None = None,
) -> Health:
    since = now if state is not health.state else health.since
    return replace(health, state=state, reason=reason, since=since, next_change_at=next_change_at)


@dataclass(slots=True)
class Candidate:
    """An account as the choice sees it. `room` is how many more it may take now; `load` what it did today."""

    account_id: UUID
    mail_classes: frozenset[MailClass]
    weight: float
    load: int
    room: int

    def takes(self, mail_class: MailClass) -> bool:
        return self.room > 0 and mail_class in self.mail_classes


def room_of(health: Health, traffic: Traffic, in_flight: int) -> int:
    """How many messages an account may take now; a probing one has a single message out at a time."""
    if not health.state.may_send:
        return 0
    left = traffic.daily_cap - traffic.sends_today - in_flight
    return min(left, 1 - in_flight) if health.state is AccountState.PROBING else left


def weight_of(health: Health, traffic: Traffic, weight: int) -> float:
    share = THROTTLED_SHARE if health.state is AccountState.THROTTLED else 1.0
    return weight * share * (1.0 - min(traffic.bounce_rate, 0.9))


def choose(candidates: Collection[Candidate], mail_class: MailClass, keep_with: UUID | None = None) -> UUID | None:
    """The account for one more message, noted in its candidate; None where none may take it.

    A thread keeps the account that it began with where that may send; else the one that did least for its weight.
    """
    able = [candidate for candidate in candidates if candidate.takes(mail_class)]
    if not able:
        return None
    kept = next((candidate for candidate in able if candidate.account_id == keep_with), None)
    chosen = kept or min(able, key=lambda c: ((c.load + 1) / c.weight, c.account_id))
    chosen.room -= 1
    chosen.load += 1
    return chosen.account_id
