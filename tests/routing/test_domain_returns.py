"""Returns: which a rule decides and how, on which days, within which quota."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import new_id
from contracts.values import CapReleaseReason, CreditReason
from services.billing.domain.adjustments import RefusedReason
from services.routing.domain import returns
from services.routing.domain.evidence import Before, Duplicate, Evidence, Logged, Quota, Window, told_verdict
from services.routing.domain.policies import OverQuota, ReturnsPolicy
from services.routing.domain.returns import (
    DenialCode,
    NoReason,
    Offering,
    ReturnCode,
    ReturnState,
    RuleVerdict,
    TakingObstacle,
    cap_release_reason,
    counts_in_quota,
    decide_return,
    is_over_quota,
    obstacle_to_deciding,
    obstacle_to_taking,
    offering_of,
    quota_of,
    told_denial,
)
from services.routing.domain.states import AssignmentStatus, Channel, DeliveryStep, LinkKind

SYDNEY = ZoneInfo("Australia/Sydney")
SENT = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001
DAYS = st.integers(1, 60)
FAULTS_OF_OURS = {ReturnCode.DUPLICATE_FROM_US, ReturnCode.OUT_OF_AREA, ReturnCode.WRONG_SERVICE}
ZONES = st.sampled_from([SYDNEY, ZoneInfo("Australia/Perth"), ZoneInfo("Pacific/Auckland")])


def evidence(
    *, is_past: bool = False, is_used: bool = False, duplicates: int = 0, by_hand: bool = False, **told: Any
) -> Evidence:
    return Evidence(
        sent_at=SENT,
        given_by_hand=by_hand,
        territory=told.get("territory", True),
        service=told.get("service", True),
        window=Window(5, SENT + timedelta(days=7), is_past),
        quota=Quota(SENT, 20, 3 if is_used else 0, 3, 15),
        duplicates=tuple(Duplicate(new_id(), new_id(), SENT, LinkKind.SAME_PERSON) for _ in range(duplicates)),
        of_the_lead=(Before(new_id(), "other", "denied", SENT),),
    )


class TestTheRule:
    @pytest.mark.parametrize("code", ReturnCode)
    def test_denies_whatever_is_asked_for_too_late(self, code: ReturnCode) -> None:
        ruling = decide_return(code, evidence(is_past=True, duplicates=1, territory=False, service=False))
        assert (ruling.verdict, ruling.denial) == (RuleVerdict.DENY, DenialCode.WINDOW_PASSED)

    def test_takes_back_a_person_whom_the_installer_had_before(self) -> None:
        assert decide_return(ReturnCode.DUPLICATE_FROM_US, evidence(duplicates=1)).verdict is RuleVerdict.ACCEPT
        assert decide_return(ReturnCode.DUPLICATE_FROM_US, evidence()).verdict is RuleVerdict.ASK

    @pytest.mark.parametrize(
        ("code", "told", "denial"),
        [
            (ReturnCode.OUT_OF_AREA, "territory", DenialCode.INSIDE_TERRITORY),
            (ReturnCode.WRONG_SERVICE, "service", DenialCode.SERVICE_OFFERED),
        ],
    )
    def test_goes_by_what_the_decision_found(self, code: ReturnCode, told: str, denial: DenialCode) -> None:
        assert decide_return(code, evidence(**{told: True})).denial is denial
        assert decide_return(code, evidence(**{told: False}, by_hand=True)).verdict is RuleVerdict.ACCEPT
        unknown: dict[str, Any] = {told: None}
        assert decide_return(code, evidence(**unknown)).verdict is RuleVerdict.ASK

    @given(
        code=st.sampled_from(ReturnCode),
        is_used=st.booleans(),
        duplicates=st.integers(0, 2),
        territory=st.none() | st.booleans(),
        service=st.none() | st.booleans(),
    )
    def test_takes_nothing_back_unseen_but_faults_of_ours(self, code: ReturnCode, is_used: bool, **told: Any) -> None:
        ruling = decide_return(code, evidence(is_used=is_used, **told))
        faults = {
            ReturnCode.DUPLICATE_FROM_US: bool(told["duplicates"]),
            ReturnCode.OUT_OF_AREA: told["territory"] is False,
            ReturnCode.WRONG_SERVICE: told["service"] is False,
        }
        assert (ruling.verdict is RuleVerdict.ACCEPT) is faults.get(code, False)
        assert not counts_in_quota(code, RuleVerdict.ACCEPT)
        if code not in faults:
            assert ruling == returns.ask("quota_is_used" if is_used else "a_person_can_tell")

    @pytest.mark.parametrize("code", sorted(set(ReturnCode) - FAULTS_OF_OURS))
    def test_denies_what_is_over_the_quota_where_the_policy_says_so(self, code: ReturnCode) -> None:
        ruling = decide_return(code, evidence(is_used=True), OverQuota.DENY)
        assert (ruling.verdict, ruling.denial) == (RuleVerdict.DENY, DenialCode.QUOTA_USED)
        assert decide_return(code, evidence(), OverQuota.DENY) == returns.ask("a_person_can_tell")

    @pytest.mark.parametrize("code", sorted(FAULTS_OF_OURS))
    def test_judges_a_fault_of_ours_whatever_the_quota(self, code: ReturnCode) -> None:
        for known in (None, True, False):
            told = evidence(is_used=True, territory=known, service=known, duplicates=int(known is False))
            assert decide_return(code, told, OverQuota.DENY) == decide_return(code, told)

    def test_over_the_quota_is_what_would_count_in_it_when_it_is_used(self) -> None:
        used, free = evidence(is_used=True).quota, evidence().quota
        assert is_over_quota(ReturnCode.OTHER, RuleVerdict.ASK, used)
        assert not is_over_quota(ReturnCode.OTHER, RuleVerdict.ASK, free)
        assert not is_over_quota(ReturnCode.DUPLICATE_FROM_US, RuleVerdict.ASK, used)
        assert not is_over_quota(ReturnCode.OUT_OF_AREA, RuleVerdict.ACCEPT, used)

    @given(code=st.sampled_from(ReturnCode), status=st.sampled_from(["5.1.1", "5.7.1", "4.4.7", None]))
    def test_takes_back_what_came_back_for_good_but_for_what_is_said_of_a_consent(
        self, code: ReturnCode, status: str | None
    ) -> None:
        log = (Logged(SENT, Channel.MAIL, DeliveryStep.BOUNCED, "no_such_mailbox", None, status),)
        ruling = decide_return(code, replace(evidence(), delivery=log))
        is_sure = status in ("5.1.1", "5.7.1") and code is not ReturnCode.CONSENT_OR_COMPLIANCE
        assert (ruling == returns.accept(returns.ITS_MAIL_CAME_BACK)) is is_sure
        assert (returns.credited_for(code, ruling) is CreditReason.UNREACHABLE_PAYLOAD) is is_sure

    @pytest.mark.parametrize(
        ("state", "reason", "is_sure"),
        [
            ("accepted", "a_person_can_tell", True),
            ("accepted", returns.ITS_MAIL_CAME_BACK, False),
            ("denied", "a_person_can_tell", False),
        ],
    )
    def test_takes_a_contact_for_invalid_that_was_found_so(self, state: str, reason: str, is_sure: bool) -> None:
        before = (Before(new_id(), "contact_invalid", state, SENT, reason),)
        ruling = decide_return(ReturnCode.CONTACT_INVALID, replace(evidence(), of_the_lead=before))
        assert (ruling.verdict is RuleVerdict.ACCEPT) is is_sure

    def test_has_words_for_each_of_its_denials(self) -> None:
        policy = ReturnsPolicy(window_business_days=3)
        assert "within 3 business days" in told_denial(DenialCode.WINDOW_PASSED, policy)
        assert "territory" in told_denial(DenialCode.INSIDE_TERRITORY, policy)
        assert "service" in told_denial(DenialCode.SERVICE_OFFERED, policy)
        assert "15 percent" in told_denial(DenialCode.QUOTA_USED, policy)
        with pytest.raises(ValueError, match="not_proven"):
            told_denial(DenialCode.NOT_PROVEN, policy)


class TestWhatTheDecisionTells:
    KEPT: ClassVar[list[dict[str, Any]]] = [
        {
            "installer_id": str(SENT),
            "verdicts": [{"rule": "territory", "passed": False, "compared": {"place": "2204 NSW"}}],
        }
    ]

    def test_is_of_this_installer_and_of_the_place_that_still_stands(self) -> None:
        ids = [new_id(), new_id()]
        told = [self.KEPT[0] | {"installer_id": str(id_)} for id_ in ids]
        assert told_verdict(told, ids[1], "territory", "place", "2204 NSW") is False
        assert told_verdict(told, ids[1], "territory", "place", "2000 NSW") is None
        assert told_verdict(told, ids[1], "service", "wanted", "solar") is None
        assert told_verdict(told, new_id(), "territory", "place", "2204 NSW") is None


class TestWords:
    def test_sales_outcomes_are_those_that_billing_refuses(self) -> None:
        assert {each.value for each in NoReason} == {each.value for each in RefusedReason}
        assert not {each.value for each in NoReason} & {each.value for each in ReturnCode}

    def test_each_code_says_what_becomes_of_lead_and_money(self) -> None:
        assert {code for code in ReturnCode if code.is_offered_on is None} == {ReturnCode.OTHER}
        for code in (ReturnCode.CONTACT_INVALID, ReturnCode.DID_NOT_REQUEST, ReturnCode.CONSENT_OR_COMPLIANCE):
            assert code.is_offered_on is False
        assert ReturnCode.DUPLICATE_FROM_US.credit_reason is CreditReason.DUPLICATE_DISPATCH
        assert {code for code in ReturnCode if code.credit_reason is None} == {
            ReturnCode.OUTSIDE_CRITERIA,
            ReturnCode.NOT_DECISION_MAKER,
            ReturnCode.CONSENT_OR_COMPLIANCE,
            ReturnCode.OTHER,
        }

    def test_the_place_is_released_for_what_went_wrong(self) -> None:
        by_hand, asked = returns.accept("given_outside_by_hand"), returns.ask("a_person_can_tell")
        bounced = returns.accept(returns.ITS_MAIL_CAME_BACK)
        assert cap_release_reason(ReturnCode.DUPLICATE_FROM_US, asked) is CapReleaseReason.DUPLICATE_DISPATCH
        assert cap_release_reason(ReturnCode.OUT_OF_AREA, by_hand) is CapReleaseReason.OPERATOR_ERROR
        assert cap_release_reason(ReturnCode.OUT_OF_AREA, asked) is CapReleaseReason.INVALID_LEAD
        assert cap_release_reason(ReturnCode.CONTACT_INVALID, asked) is CapReleaseReason.INVALID_LEAD
        assert {cap_release_reason(code, bounced) for code in ReturnCode} == {CapReleaseReason.DELIVERY_FAULT}

    def test_only_what_was_sent_is_taken_back_and_only_what_waits_is_decided(self) -> None:
        free = {status for status in AssignmentStatus if obstacle_to_taking(status, is_asked_for=False) is None}
        assert free == {AssignmentStatus.SENT}
        assert obstacle_to_taking(AssignmentStatus.SENT, is_asked_for=True) is TakingObstacle.REQUESTED
        assert [state for state in ReturnState if obstacle_to_deciding(state) is None] == [ReturnState.REQUESTED]

    def test_a_closed_lead_goes_nowhere_and_a_shared_one_stays_with_the_others(self) -> None:
        assert offering_of(is_offered_on=True, is_closed=True, has_others=False) is Offering.NOWHERE
        assert offering_of(is_offered_on=True, is_closed=False, has_others=True) is Offering.ON
        assert offering_of(is_offered_on=False, is_closed=False, has_others=True) is Offering.NOWHERE
        assert offering_of(is_offered_on=False, is_closed=False, has_others=False) is Offering.TO_OPERATORS


class TestQuota:
    def test_is_a_share_of_the_deliveries_and_never_less_than_the_least(self) -> None:
        policy = ReturnsPolicy()
        assert [quota_of(delivered, policy) for delivered in (0, 13, 14, 20, 100)] == [2, 2, 2, 3, 15]

    @given(delivered=st.integers(0, 5_000), more=st.integers(0, 100))
    def test_never_shrinks_with_more_deliveries(self, delivered: int, more: int) -> None:
        policy = ReturnsPolicy()
        assert quota_of(delivered, policy) <= quota_of(delivered + more, policy) <= max(2, delivered + more)
