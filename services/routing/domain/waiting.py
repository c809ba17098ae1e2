"""How long a lead waits in the exception queue, and what comes next by itself: another try, or somebody is called."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from services.routing.domain.decision import Assessment
from services.routing.domain.eligibility import CAPS, Rule, Verdict
from services.routing.domain.policies import Care, QueuePolicy
from services.routing.domain.standing import verdicts_of
from services.routing.domain.states import ExceptionReason

R = ExceptionReason


class WaitKind(StrEnum):
    """Expected is what passes by the arrangements that were made; alarming is all that somebody has to see."""

    EXPECTED = "expected"
    ALARMING = "alarming"

    @property
    def reasons(self) -> tuple[ExceptionReason, ...]:
        return tuple(reason for reason in ExceptionReason if kind_of(reason) is self)


EXPECTED = frozenset({R.AUTO_DISPATCH_OFF, R.OUTSIDE_HOURS, R.ALL_AT_CAP, R.ALL_AWAY, R.NO_COVERAGE})
NEVER_RETRIED = frozenset(
    {R.AUTO_DISPATCH_OFF, R.NO_COVERAGE, R.CONTACT_MISSING, R.DELIVERED_LATE, R.RETURNED, R.GONE_STALE}
)
"""What time alone does not mend, whatever the policy says."""
IS_AWAY = frozenset({Rule.STATUS, Rule.PAUSED})
PASSES_BY_ITSELF = CAPS | IS_AWAY | {Rule.HOURS}
PACE = timedelta(minutes=12)
"""Between two looks at a lead that only the pace of the backlog holds back."""


def kind_of(reason: ExceptionReason) -> WaitKind:
    return WaitKind.EXPECTED if reason in EXPECTED else WaitKind.ALARMING


def reason_of(assessments: Iterable[Assessment]) -> ExceptionReason:
    """Why nobody was chosen, of those that do the service. Where several reasons that pass by themselves meet, it is
    named by who could have had the lead otherwise: who is open before who is present before who is on the books.
    """
    obstacles = {each.obstacle.rule for each in assessments if each.obstacle is not None and _does_service(each)}
    if not obstacles:
        return R.NO_COVERAGE
    if not obstacles <= PASSES_BY_ITSELF:
        return R.NO_ELIGIBLE_INSTALLER
    if Rule.HOURS in obstacles:
        return R.OUTSIDE_HOURS
    return R.ALL_AT_CAP if obstacles & CAPS else R.ALL_AWAY


def passes_at(assessments: Iterable[Assessment]) -> datetime | None:
    """The earliest instant at which all that is in the way of one of them has passed by itself, if there is one."""
    instants = [_passes_at([v for v in verdicts_of(each.judged) if not v.allows]) for each in assessments]
    return min([instant for instant in instants if instant is not None], default=None)


def is_held_by_pace(assessments: Iterable[Assessment]) -> bool:
    """Somebody may have it, but has had enough of what waited for now."""
    return any(each.obstacle is not None and each.obstacle.rule is Rule.BACKLOG_PACE for each in assessments)


def _passes_at(failed: Sequence[Verdict]) -> datetime | None:
    untils = [verdict.until for verdict in failed if verdict.until is not None]
    return max(untils) if untils and len(untils) == len(failed) else None


def _does_service(assessment: Assessment) -> bool:
    return all(v.passed for v in verdicts_of(assessment.judged) if v.rule is Rule.SERVICE)


def budget_of(reason: ExceptionReason, care: Care) -> int:
    return 0 if reason in NEVER_RETRIED else care.budget


def next_retry(
    reason: ExceptionReason, care: Care, now: datetime, *, done: int, left: int, passes: datetime | None = None
) -> datetime | None:
    """When it is tried again by itself, after `done` tries and with `left` to go; None where it is not any more.

    What is expected waits for the instant at which it passes; without one, and for all else, by the policy's delays.
    """
    if left <= 0 or reason in NEVER_RETRIED:
        return None
    if passes is not None and passes > now and kind_of(reason) is WaitKind.EXPECTED:
        return passes
    minutes = min(care.first_retry_minutes * care.factor**done, LONGEST_MINUTES)
    return now + timedelta(minutes=minutes)


LONGEST_MINUTES = 20_160
"""Two weeks: a delay that doubles does not leave the calendar."""


def escalate_at(care: Care, since: datetime, *, is_owned: bool) -> datetime:
    """When somebody is called: for what is nobody's not later than it may be nobody's."""
    minutes = care.escalate_minutes if is_owned else min(care.escalate_minutes, care.unowned_minutes)
    return since + timedelta(minutes=minutes)


def counts_since(care: Care, at: datetime, *, is_owned: bool) -> datetime:
    """From when a limit counts that ends at `at`: what takes another's place goes on with it."""
    return at - (escalate_at(care, at, is_owned=is_owned) - at)


def goes_stale_at(policy: QueuePolicy, waits_since: datetime) -> datetime:
    """From then on it is not given away by itself: nobody wants a flood of cold leads."""
    return waits_since + timedelta(hours=policy.stale_hours)


def is_snoozed(snoozed_until: datetime | None, now: datetime) -> bool:
    """What was snoozed wakes by itself."""
    return snoozed_until is not None and now < snoozed_until


def is_late(at: datetime | None, *, owner_is_known: bool, snoozed_until: datetime | None, now: datetime) -> bool:
    """Nobody's past its limit, which `at` is."""
    return not owner_is_known and at is not None and at <= now and not is_snoozed(snoozed_until, now)
