"""What operators declare of how leads are given, returns taken and the queue worked, with what it is to begin with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from contracts.forms import Fault
from services.routing.domain.states import ExceptionReason

LIMITS = "limits"


class PolicyKind(StrEnum):
    ORDERING = "ordering"
    QUEUE = "queue"
    RETURNS = "returns"


def _number(default: int, least: int, most: int) -> Any:
    """A whole number between the two, which belong to it."""
    return field(default=default, metadata={LIMITS: (least, most)})


class _Numbers:
    """Refuses what is not within its limits, by the field's name."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]  # only dataclasses are made of it
            if LIMITS in each.metadata:
                _refuse_outside(each.name, getattr(self, each.name), *each.metadata[LIMITS])


def _refuse_outside(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        limits = {"name": name, "least": least, "most": most}
        raise Fault("policy_value", "{name} must be a whole number from {least} to {most}", limits)


@dataclass(frozen=True, slots=True)
class OrderingPolicy(_Numbers):
    """`most_owed_leads` an installer is owed or ahead at the most. Of what waited it gets `backlog_per_hour` at the
    most. A person's leads of one service do not go to it twice within `same_person_days`; 0 lets them.
    """

    kind: ClassVar = PolicyKind.ORDERING

    most_owed_leads: int = _number(3, 1, 1_000)
    backlog_per_hour: int = _number(5, 1, 10_000)
    same_person_days: int = _number(90, 0, 3_650)


class OverQuota(StrEnum):
    """What becomes of a return when its installer has given back as many as it may."""

    ASK = "ask"
    """An operator decides, who says why where they accept it."""
    DENY = "deny"
    """It is denied at once."""


@dataclass(frozen=True, slots=True)
class ReturnsPolicy(_Numbers):
    """A return is asked for within `window_business_days` of the delivery, and decided within `decide_business_days`.
    `quota_percent` of a cycle's deliveries, and `quota_least` in any case, may be given back; `over_quota` is what
    becomes of one more. Faults of ours are outside of it.
    """

    kind: ClassVar = PolicyKind.RETURNS

    window_business_days: int = _number(5, 1, 60)
    quota_percent: int = _number(15, 0, 100)
    quota_least: int = _number(2, 0, 1_000)
    decide_business_days: int = _number(5, 1, 60)
    over_quota: OverQuota = OverQuota.ASK


@dataclass(frozen=True, slots=True)
class Care(_Numbers):
    """How an item of one reason is seen to: tried again by itself `budget` times, each wait `factor` times the one
    before, then escalated. Nobody's for `unowned_minutes` is too long.
    """

    first_retry_minutes: int = _number(30, 1, 20_160)
    factor: int = _number(1, 1, 10)
    budget: int = _number(0, 0, 100)
    escalate_minutes: int = _number(60, 1, 20_160)
    unowned_minutes: int = _number(30, 1, 20_160)


_EXPECTED = Care(escalate_minutes=1_440, unowned_minutes=480)
_WAITS = Care(budget=20, escalate_minutes=1_440, unowned_minutes=480)
_SOON = Care(first_retry_minutes=2, factor=2, budget=3, escalate_minutes=15)
DEFAULT_CARE: Mapping[ExceptionReason, Care] = {
    ExceptionReason.AUTO_DISPATCH_OFF: _EXPECTED,
    ExceptionReason.NO_ELIGIBLE_INSTALLER: Care(factor=2, budget=6),
    ExceptionReason.CONTACT_MISSING: Care(),
    ExceptionReason.DISPATCH_FAILED: Care(first_retry_minutes=1, factor=2, budget=3, escalate_minutes=15),
    ExceptionReason.DELIVERY_FAILED: _SOON,
    ExceptionReason.LEFT_UNSERVED: _SOON,
    ExceptionReason.DELIVERED_LATE: Care(),
    ExceptionReason.OUTSIDE_HOURS: _WAITS,
    ExceptionReason.ALL_AT_CAP: _WAITS,
    ExceptionReason.ALL_AWAY: _WAITS,
    ExceptionReason.NO_COVERAGE: _EXPECTED,
    ExceptionReason.RETURNED: Care(),
    ExceptionReason.REOPENED: _SOON,
    ExceptionReason.GONE_STALE: Care(),
}


STALE_HOURS = 48


@dataclass(frozen=True, slots=True)
class QueuePolicy(_Numbers):
    """`fallback_owner_id` gets what nobody has taken in time; without one whoever has the fewest open
    items of those who may own one. What has waited for `stale_hours` is not given away by itself any more.
    """

    kind: ClassVar = PolicyKind.QUEUE

    fallback_owner_id: UUID | None = None
    kinds: Mapping[ExceptionReason, Care] = field(default_factory=lambda: DEFAULT_CARE)
    stale_hours: int = _number(STALE_HOURS, 1, 8_760)


Policy = OrderingPolicy | QueuePolicy | ReturnsPolicy
_PartT = TypeVar("_PartT", OrderingPolicy, ReturnsPolicy, Care)


def body_of(policy: Policy) -> dict[str, Any]:
    """As JSON has it."""
    if not isinstance(policy, QueuePolicy):
        return asdict(policy)
    owner = policy.fallback_owner_id
    kinds = {reason.value: asdict(care) for reason, care in policy.kinds.items()}
    return {
        "fallback_owner_id": None if owner is None else str(owner),
        "stale_hours": policy.stale_hours,
        "kinds": kinds,
    }


def policy_of(kind: PolicyKind, body: Mapping[str, Any]) -> Policy:
    """What the body does not say is as it is to begin with; raises Fault for what it cannot say."""
    match kind:
        case PolicyKind.ORDERING:
            return _part(OrderingPolicy, body)
        case PolicyKind.QUEUE:
            return _queue_policy(body)
        case PolicyKind.RETURNS:
            return _returns_policy(body)


def _returns_policy(body: Mapping[str, Any]) -> ReturnsPolicy:
    told = body.get("over_quota", OverQuota.ASK)
    if told not in list(OverQuota):
        raise Fault("policy_value", "{name} must be ask or deny", {"name": "over_quota"})
    return _part(ReturnsPolicy, {**body, "over_quota": OverQuota(told)})


def _queue_policy(body: Mapping[str, Any]) -> QueuePolicy:
    _refuse_unknown(body, {each.name for each in fields(QueuePolicy)})
    kinds = body.get("kinds", {})
    _refuse_unknown(kinds, set(ExceptionReason))
    owner = body.get("fallback_owner_id")
    told = {reason: _part(Care, asdict(care) | kinds.get(reason, {})) for reason, care in DEFAULT_CARE.items()}
    return QueuePolicy(None if owner is None else UUID(owner), told, body.get("stale_hours", STALE_HOURS))


def _part(of: type[_PartT], body: Mapping[str, Any]) -> _PartT:
    _refuse_unknown(body, {each.name for each in fields(of)})
    return of(**body)


def _refuse_unknown(body: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(body) - known):
        raise Fault("policy_field", "there is no {name}", {"name": unknown[0]})
