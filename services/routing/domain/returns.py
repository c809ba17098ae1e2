"""Leads that installers give back: for which reasons, on what evidence, and where a rule decides at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.values import CapReleaseReason, CreditReason
from services.routing.domain.evidence import Evidence, Quota
from services.routing.domain.policies import OverQuota, ReturnsPolicy
from services.routing.domain.states import AssignmentStatus


class ReturnCode(StrEnum):
    """Why an installer gives a lead back."""

    CONTACT_INVALID = "contact_invalid"
    DID_NOT_REQUEST = "did_not_request"
    DUPLICATE_FROM_US = "duplicate_from_us"
    OUT_OF_AREA = "out_of_area"
    WRONG_SERVICE = "wrong_service"
    OUTSIDE_CRITERIA = "outside_criteria"
    NOT_DECISION_MAKER = "not_decision_maker"
    TEST_OR_COMPETITOR = "test_or_competitor"
    CONSENT_OR_COMPLIANCE = "consent_or_compliance"
    OTHER = "other"

    @property
    def is_offered_on(self) -> bool | None:
        """Whether others may have the lead; None where that is for an operator to say."""
        return None if self is ReturnCode.OTHER else self in _GOOD_FOR_OTHERS

    @property
    def credit_reason(self) -> CreditReason | None:
        """Which credit it is proposed for; None where an operator says whether any."""
        return _CREDITED_AS.get(self)


_GOOD_FOR_OTHERS = frozenset(
    {
        ReturnCode.DUPLICATE_FROM_US,
        ReturnCode.OUT_OF_AREA,
        ReturnCode.WRONG_SERVICE,
        ReturnCode.OUTSIDE_CRITERIA,
        ReturnCode.NOT_DECISION_MAKER,
    }
)
"""The others have no consent, no person or nobody who could be reached."""

_CREDITED_AS: Mapping[ReturnCode, CreditReason] = {
    ReturnCode.DUPLICATE_FROM_US: CreditReason.DUPLICATE_DISPATCH,
    ReturnCode.OUT_OF_AREA: CreditReason.POSTCODE_MISMATCH,
    ReturnCode.CONTACT_INVALID: CreditReason.INVALID_CONTACT,
    ReturnCode.DID_NOT_REQUEST: CreditReason.INVALID_CONTACT,
    ReturnCode.TEST_OR_COMPETITOR: CreditReason.INVALID_CONTACT,
    ReturnCode.WRONG_SERVICE: CreditReason.SYSTEM_FAULT,
}


class NoReason(StrEnum):
    """Sales outcomes. We charge on delivery: none of them is a ground for a return, and each is refused by name."""

    NO_ANSWER = "no_answer"
    CHANGED_MIND = "changed_mind"
    CHOSE_ANOTHER = "chose_another"
    PRICE_SHOPPING = "price_shopping"
    DID_NOT_WIN = "did_not_win"


class ReturnState(StrEnum):
    """`requested -> accepted | denied | withdrawn`."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"

    @property
    def is_standing(self) -> bool:
        """Another return of the same delivery cannot be asked for."""
        return self in (ReturnState.REQUESTED, ReturnState.ACCEPTED)


class AskedBy(StrEnum):
    """Who wants the lead to go back; an operator asks for it either way, as installers cannot sign in."""

    INSTALLER = "installer"
    OPERATOR = "operator"


class AskedVia(StrEnum):
    """The way by which it was asked for."""

    MAIL = "mail"
    PHONE = "phone"
    API = "api"


class DenialCode(StrEnum):
    WINDOW_PASSED = "window_passed"
    INSIDE_TERRITORY = "inside_territory"
    SERVICE_OFFERED = "service_offered"
    NOT_PROVEN = "not_proven"
    SALES_OUTCOME = "sales_outcome"
    QUOTA_USED = "quota_used"


ITS_MAIL_CAME_BACK = "its_mail_came_back"
"""Why a rule is sure: the delivery that is given back never reached the installer."""


class RuleVerdict(StrEnum):
    ACCEPT = "accept"
    DENY = "deny"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rule says of a return; `reason` is why, for a denial its code."""

    verdict: RuleVerdict
    reason: str

    @property
    def is_of_a_bounce(self) -> bool:
        return self.reason == ITS_MAIL_CAME_BACK

    @property
    def denial(self) -> DenialCode:
        return DenialCode(self.reason)


def accept(reason: str) -> Ruling:
    """What is taken back unseen is outside the quota: it was a fault of ours, or of the lead as we gave it."""
    return Ruling(RuleVerdict.ACCEPT, reason)


def deny(code: DenialCode) -> Ruling:
    return Ruling(RuleVerdict.DENY, code.value)


def ask(reason: str) -> Ruling:
    return Ruling(RuleVerdict.ASK, reason)


def decide_return(code: ReturnCode, evidence: Evidence, over_quota: OverQuota = OverQuota.ASK) -> Ruling:
    """At once where the evidence is sure, or the quota is used and the policy denies what is over it; all else is for
    an operator. Whatever claims a fault of ours is judged by that alone.
    """
    if evidence.window.is_past:
        return deny(DenialCode.WINDOW_PASSED)
    if evidence.has_bounced and (ruling := rule_on_bounce(code)) is not None:
        return ruling
    return _by_its_code(code, evidence, over_quota)


def rule_on_bounce(code: ReturnCode) -> Ruling | None:
    """Of a delivery whose mail came back for good: who never got it is charged for nothing, whatever it says of it.

    None for what is said of a consent, which is always for a person to look at.
    """
    return None if code is ReturnCode.CONSENT_OR_COMPLIANCE else accept(ITS_MAIL_CAME_BACK)


def _by_its_code(code: ReturnCode, evidence: Evidence, over_quota: OverQuota) -> Ruling:
    match code:
        case ReturnCode.CONTACT_INVALID if _was_found_invalid(evidence):
            return accept("found_invalid_before")
        case ReturnCode.DUPLICATE_FROM_US:
            return accept("had_the_person_before") if evidence.duplicates else ask("no_earlier_one_known")
        case ReturnCode.OUT_OF_AREA:
            return _by_its_decision(evidence.territory, DenialCode.INSIDE_TERRITORY, "given_outside_by_hand")
        case ReturnCode.WRONG_SERVICE:
            return _by_its_decision(evidence.service, DenialCode.SERVICE_OFFERED, "given_unoffered_by_hand")
    if not evidence.quota.is_used:
        return ask("a_person_can_tell")
    return deny(DenialCode.QUOTA_USED) if over_quota is OverQuota.DENY else ask("quota_is_used")


def _was_found_invalid(evidence: Evidence) -> bool:
    """Another installer's return for the same was accepted: not for a bounce, which says nothing of the person."""
    return any(
        each.code == ReturnCode.CONTACT_INVALID
        and each.state == ReturnState.ACCEPTED
        and each.rule_reason != ITS_MAIL_CAME_BACK
        for each in evidence.of_the_lead
    )


def _by_its_decision(passed: bool | None, denial: DenialCode, fault_of_ours: str) -> Ruling:
    """By what its decision compared when the lead was given; None where that was not kept."""
    if passed is None:
        return ask("its_decision_does_not_tell")
    return deny(denial) if passed else accept(fault_of_ours)


def counts_in_quota(code: ReturnCode, verdict: RuleVerdict) -> bool:
    """Of those that are accepted: what was a fault of ours is nobody's quota."""
    return code is not ReturnCode.DUPLICATE_FROM_US and verdict is not RuleVerdict.ACCEPT


def is_over_quota(code: ReturnCode, verdict: RuleVerdict, quota: Quota) -> bool:
    """Whether it would be one more than the installer may give back in the cycle."""
    return quota.is_used and counts_in_quota(code, verdict)


def quota_of(delivered: int, policy: ReturnsPolicy) -> int:
    """How many of a cycle's deliveries an installer may give back."""
    return max(policy.quota_least, delivered * policy.quota_percent // 100)


def credited_for(code: ReturnCode, ruling: Ruling) -> CreditReason | None:
    """What never arrived is credited as that, whatever it was given back for; None is an operator's to say."""
    return CreditReason.UNREACHABLE_PAYLOAD if ruling.is_of_a_bounce else code.credit_reason


def offered_on(code: ReturnCode, ruling: Ruling) -> bool | None:
    """Nothing is said against a lead that never arrived; None is an operator's to say."""
    return True if ruling.is_of_a_bounce and code is ReturnCode.OTHER else code.is_offered_on


def cap_release_reason(code: ReturnCode, ruling: Ruling) -> CapReleaseReason:
    if ruling.is_of_a_bounce:
        return CapReleaseReason.DELIVERY_FAULT
    if code is ReturnCode.DUPLICATE_FROM_US:
        return CapReleaseReason.DUPLICATE_DISPATCH
    if code in (ReturnCode.OUT_OF_AREA, ReturnCode.WRONG_SERVICE) and ruling.verdict is RuleVerdict.ACCEPT:
        return CapReleaseReason.OPERATOR_ERROR
    return CapReleaseReason.INVALID_LEAD


def told_denial(code: DenialCode, policy: ReturnsPolicy) -> str:
    """The rule's own words to the installer."""
    match code:
        case DenialCode.WINDOW_PASSED:
            days = policy.window_business_days
            window = f"within {days} business days of its delivery (Monday to Friday, public holidays counted)"
            return f"A lead can be returned {window}; this one was asked for later."
        case DenialCode.INSIDE_TERRITORY:
            return "The place of the lead was in your territory when it was given to you."
        case DenialCode.SERVICE_OFFERED:
            return "The service of the lead was among those that you do when it was given to you."
        case DenialCode.QUOTA_USED:
            share = f"{policy.quota_percent} percent of a month's leads, or {policy.quota_least} where that is more"
            return f"You may give back {share}, and you have given back as many this month."
    raise ValueError(f"no rule denies for {code}")


class ReturnAction(StrEnum):
    ACCEPT = "accept"
    DENY = "deny"
    WITHDRAW = "withdraw"


class ReturnObstacle(StrEnum):
    """What is in the way of a deed on a return, as a sentence goes on after its name."""

    ACCEPTED = "it is accepted, and the lead is the installer's no more"
    DENIED = "it is denied; a new one can be asked for on the assignment"
    WITHDRAWN = "it is withdrawn"


_ENDED: Mapping[ReturnState, ReturnObstacle] = {
    ReturnState.ACCEPTED: ReturnObstacle.ACCEPTED,
    ReturnState.DENIED: ReturnObstacle.DENIED,
    ReturnState.WITHDRAWN: ReturnObstacle.WITHDRAWN,
}


def obstacle_to_deciding(state: ReturnState) -> ReturnObstacle | None:
    """One rule for all three deeds; None where they can be done."""
    return _ENDED.get(state)


class TakingObstacle(StrEnum):
    """What is in the way of taking a return of an assignment."""

    PENDING = "it is not sent yet: cancel it instead"
    FAILED = "its delivery failed, so the installer never had the lead"
    CANCELLED = "it is cancelled, so the installer never had the lead"
    RETURNED = "the installer returned it before"
    REQUESTED = "a return of it waits to be decided"


_NOT_RETURNABLE: Mapping[AssignmentStatus, TakingObstacle] = {
    AssignmentStatus.PENDING: TakingObstacle.PENDING,
    AssignmentStatus.FAILED: TakingObstacle.FAILED,
    AssignmentStatus.CANCELLED: TakingObstacle.CANCELLED,
    AssignmentStatus.RETURNED: TakingObstacle.RETURNED,
}


def obstacle_to_taking(status: AssignmentStatus, *, is_asked_for: bool) -> TakingObstacle | None:
    """`is_asked_for`: one waits already."""
    return _NOT_RETURNABLE.get(status) or (TakingObstacle.REQUESTED if is_asked_for else None)


class Offering(StrEnum):
    """What becomes of the lead itself once it is given back."""

    NOWHERE = "nowhere"
    """It was closed, or others have it and it is not for more."""
    ON = "on"
    TO_OPERATORS = "to_operators"
    """Nobody has it, and it is not offered on by itself."""


def offering_of(*, is_offered_on: bool, is_closed: bool, has_others: bool) -> Offering:
    if is_closed:
        return Offering.NOWHERE
    if is_offered_on:
        return Offering.ON
    return Offering.NOWHERE if has_others else Offering.TO_OPERATORS
