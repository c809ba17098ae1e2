"""The health of sender accounts, at instants of our own choosing."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.notifications.domain.accounts import (
    AccountState,
    Candidate,
    Health,
    HealthReason,
    Traffic,
    after,
    at,
    bucket_start,
    choose,
    day_start,
    next_day_start,
    resumed,
    room_of,
    suspended,
    weight_of,
)
from services.notifications.domain.messages import MailClass
from services.notifications.domain.replies import Verdict

NOW = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
SYDNEY = ZoneInfo("Australia/Sydney")
HEALTHY = Health(AccountState.ACTIVE, since=NOW - timedelta(days=3), counted_since=NOW - timedelta(days=3))
QUIET = Traffic(window_sends=0, window_refusals=0, sends_today=0, daily_cap=1000)
ONE, TWO = UUID(int=1), UUID(int=2)


def judged(health: Health, *verdicts: Verdict, traffic: Traffic = QUIET, now: datetime = NOW) -> Health:
    return after(health, verdicts, traffic, now)


def as_time_passes(health: Health, now: datetime, traffic: Traffic = QUIET) -> Health:
    return at(health, traffic, now, SYDNEY)


class TestBounceRate:
    def test_over_five_per_cent_of_fifty_sends_is_a_cooldown(self) -> None:
        health = judged(HEALTHY, Verdict.REFUSED, traffic=replace(QUIET, window_sends=50, window_refusals=3))
        assert (health.state, health.reason) == (AccountState.COOLDOWN, HealthReason.BOUNCE_RATE)
        assert health.since == NOW
        assert health.next_change_at == NOW + timedelta(hours=1)

    @pytest.mark.parametrize(("sends", "refusals"), [(49, 49), (100, 5), (50, 2)])
    def test_a_small_sample_and_five_per_cent_exactly_are_no_reason(self, sends: int, refusals: int) -> None:
        traffic = replace(QUIET, window_sends=sends, window_refusals=refusals)
        assert judged(HEALTHY, Verdict.REFUSED, traffic=traffic).state is AccountState.ACTIVE

    def test_after_the_cooldown_one_probe_decides(self) -> None:
        cooling = judged(HEALTHY, Verdict.REFUSED, traffic=replace(QUIET, window_sends=50, window_refusals=5))
        assert as_time_passes(cooling, NOW + timedelta(minutes=59)).state is AccountState.COOLDOWN
        probing = as_time_passes(cooling, NOW + timedelta(hours=1))
        assert (probing.state, probing.reason) == (AccountState.PROBING, HealthReason.BOUNCE_RATE)
        assert room_of(probing, QUIET, in_flight=0) == 1
        assert room_of(probing, QUIET, in_flight=1) == 0

    def test_a_good_probe_counts_anew(self) -> None:
        later = NOW + timedelta(hours=1)
        probing = replace(HEALTHY, state=AccountState.PROBING, reason=HealthReason.BOUNCE_RATE)
        bounced = replace(QUIET, window_sends=60, window_refusals=6)
        health = judged(probing, Verdict.ACCEPTED, traffic=bounced, now=later)
        assert (health.state, health.reason, health.counted_since) == (AccountState.ACTIVE, None, later)

    def test_a_bad_probe_cools_down_again(self) -> None:
        probing = replace(HEALTHY, state=AccountState.PROBING, reason=HealthReason.BOUNCE_RATE)
        health = judged(probing, Verdict.REFUSED)
        assert (health.state, health.next_change_at) == (AccountState.COOLDOWN, NOW + timedelta(hours=1))

    def test_a_deferred_probe_decides_nothing(self) -> None:
        probing = replace(HEALTHY, state=AccountState.PROBING, reason=HealthReason.BOUNCE_RATE)
        assert judged(probing, Verdict.DEFERRED).state is AccountState.PROBING


class TestDeliveryFaults:
    def test_five_in_a_row_are_a_break_of_five_minutes(self) -> None:
        health = judged(HEALTHY, *[Verdict.UNREACHABLE] * 5)
        assert (health.state, health.reason) == (AccountState.COOLDOWN, HealthReason.DELIVERY_FAULTS)
        assert health.next_change_at == NOW + timedelta(minutes=5)

    @pytest.mark.parametrize("answer", [Verdict.ACCEPTED, Verdict.REFUSED, Verdict.DEFERRED])
    def test_any_answer_of_the_server_ends_the_row(self, answer: Verdict) -> None:
        health = judged(HEALTHY, *[Verdict.UNREACHABLE] * 4, answer, *[Verdict.UNREACHABLE] * 4)
        assert (health.state, health.faults_in_a_row) == (AccountState.ACTIVE, 4)

    def test_the_row_goes_on_from_one_portion_to_the_next(self) -> None:
        health = judged(judged(HEALTHY, *[Verdict.SENDER_REFUSED] * 3), *[Verdict.OUTCOME_UNKNOWN] * 2)
        assert health.state is AccountState.COOLDOWN

    def test_a_refused_recipient_shows_a_probe_that_the_server_is_back(self) -> None:
        probing = replace(HEALTHY, state=AccountState.PROBING, reason=HealthReason.DELIVERY_FAULTS)
        assert judged(probing, Verdict.REFUSED).state is AccountState.ACTIVE

    def test_a_faulty_probe_is_another_break(self) -> None:
        probing = replace(HEALTHY, state=AccountState.PROBING, reason=HealthReason.DELIVERY_FAULTS)
        health = judged(probing, Verdict.UNREACHABLE)
        assert (health.state, health.next_change_at) == (AccountState.COOLDOWN, NOW + timedelta(minutes=5))


class TestAuthentication:
    def test_ten_failures_disable_for_good(self) -> None:
        health = judged(HEALTHY, *[Verdict.NOT_AUTHENTICATED] * 10)
        assert (health.state, health.reason) == (AccountState.DISABLED, HealthReason.AUTHENTICATION_FAILURES)
        assert health.next_change_at is None
        assert as_time_passes(health, NOW + timedelta(days=30)).state is AccountState.DISABLED

    def test_nine_and_a_success_are_forgotten(self) -> None:
        health = judged(HEALTHY, *[Verdict.NOT_AUTHENTICATED] * 9, Verdict.ACCEPTED)
        assert (health.state, health.authentication_failures) == (AccountState.ACTIVE, 0)

    def test_they_are_no_delivery_faults(self) -> None:
        assert judged(HEALTHY, *[Verdict.NOT_AUTHENTICATED] * 9).state is AccountState.ACTIVE

    def test_a_probing_account_is_disabled_too(self) -> None:
        probing = replace(HEALTHY, state=AccountState.PROBING)
        assert judged(probing, *[Verdict.NOT_AUTHENTICATED] * 10).state is AccountState.DISABLED


class TestDailyCap:
    def test_ninety_per_cent_warns_and_still_sends(self) -> None:
        traffic = replace(QUIET, sends_today=900)
        health = as_time_passes(HEALTHY, NOW, traffic)
        assert (health.state, health.reason) == (AccountState.THROTTLED, HealthReason.CAP_NEAR)
        assert room_of(health, traffic, in_flight=20) == 80

    def test_the_cap_holds_until_the_business_day_ends(self) -> None:
        traffic = replace(QUIET, sends_today=1000)
        health = as_time_passes(HEALTHY, NOW, traffic)
        assert (health.state, health.reason) == (AccountState.THROTTLED, HealthReason.CAP_REACHED)
        assert room_of(health, traffic, in_flight=0) == 0
        assert health.next_change_at == datetime(2026, 3, 3, 13, 0, tzinfo=UTC)

    def test_what_is_under_way_counts_against_the_cap(self) -> None:
        assert room_of(HEALTHY, replace(QUIET, sends_today=990), in_flight=10) == 0

    def test_a_new_day_is_a_new_cap(self) -> None:
        held = as_time_passes(HEALTHY, NOW, replace(QUIET, sends_today=1000))
        health = as_time_passes(held, NOW + timedelta(days=1))
        assert (health.state, health.reason, health.next_change_at) == (AccountState.ACTIVE, None, None)

    def test_the_day_is_the_business_zones_also_when_the_clocks_change(self) -> None:
        # Daylight saving ends on 5 April 2026: that day has 25 hours.
        evening = datetime(2026, 4, 4, 23, 0, tzinfo=SYDNEY)
        assert next_day_start(evening, SYDNEY) == datetime(2026, 4, 4, 13, 0, tzinfo=UTC)
        during = datetime(2026, 4, 5, 12, 0, tzinfo=SYDNEY)
        assert day_start(during, SYDNEY) == datetime(2026, 4, 4, 13, 0, tzinfo=UTC)
        assert next_day_start(during, SYDNEY) == datetime(2026, 4, 5, 14, 0, tzinfo=UTC)


class TestRateLimit:
    def test_a_server_that_limits_us_throttles_for_five_minutes(self) -> None:
        health = judged(HEALTHY, Verdict.THROTTLED)
        assert (health.state, health.reason) == (AccountState.THROTTLED, HealthReason.RATE_LIMITED)
        assert as_time_passes(health, NOW + timedelta(minutes=4)).state is AccountState.THROTTLED
        assert as_time_passes(health, NOW + timedelta(minutes=5)).state is AccountState.ACTIVE

    def test_a_throttled_account_weighs_a_quarter(self) -> None:
        assert weight_of(judged(HEALTHY, Verdict.THROTTLED), QUIET, 4) == 1.0


class TestOperators:
    def test_a_suspended_account_stays_so_whatever_happens(self) -> None:
        health = suspended(HEALTHY, NOW)
        verdicts: Iterable[Verdict] = [*[Verdict.UNREACHABLE] * 6, Verdict.ACCEPTED]
        assert after(health, verdicts, QUIET, NOW).state is AccountState.SUSPENDED
        assert as_time_passes(health, NOW + timedelta(days=9)).state is AccountState.SUSPENDED

    @pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.DISABLED])
    def test_resuming_begins_with_a_probe_and_a_clean_sheet(self, state: AccountState) -> None:
        health = resumed(replace(HEALTHY, state=state, authentication_failures=10, faults_in_a_row=4), NOW)
        assert (health.state, health.authentication_failures, health.faults_in_a_row) == (AccountState.PROBING, 0, 0)
        assert judged(health, Verdict.ACCEPTED).state is AccountState.ACTIVE


def candidate(account_id: UUID, **changes: object) -> Candidate:
    known = {"mail_classes": frozenset(MailClass), "weight": 1.0, "load": 0, "room": 100}
    return Candidate(account_id=account_id, **{**known, **changes})  # type: ignore[arg-type]


class TestChoose:
    def test_shares_out_by_weight(self) -> None:
        pair = [candidate(ONE, weight=3.0), candidate(TWO, weight=1.0)]
        chosen = [choose(pair, MailClass.TRANSACTIONAL) for _ in range(100)]
        assert (chosen.count(ONE), chosen.count(TWO)) == (75, 25)

    def test_one_that_did_much_today_rests(self) -> None:
        pair = [candidate(ONE, load=50), candidate(TWO)]
        assert {choose(pair, MailClass.TRANSACTIONAL) for _ in range(50)} == {TWO}

    def test_a_thread_keeps_its_account(self) -> None:
        pair = [candidate(ONE, load=50), candidate(TWO)]
        assert choose(pair, MailClass.TRANSACTIONAL, keep_with=ONE) == ONE

    def test_a_thread_changes_over_where_its_account_may_not_send(self) -> None:
        pair = [candidate(ONE, room=0), candidate(TWO)]
        assert choose(pair, MailClass.TRANSACTIONAL, keep_with=ONE) == TWO

    def test_the_class_of_the_mail_is_kept_to(self) -> None:
        only_digests = candidate(ONE, mail_classes=frozenset({MailClass.DIGEST}))
        assert choose([only_digests], MailClass.TRANSACTIONAL) is None
        assert choose([only_digests], MailClass.DIGEST) == ONE

    def test_room_is_used_up(self) -> None:
        single = [candidate(ONE, room=2)]
        assert [choose(single, MailClass.DIGEST) for _ in range(3)] == [ONE, ONE, None]


class TestBucketStart:
    def test_ten_minutes_by_the_clock(self) -> None:
        assert bucket_start(NOW, HEALTHY.counted_since) == datetime(2026, 3, 3, 2, 10, tzinfo=UTC)

    def test_begins_anew_where_the_counting_does(self) -> None:
        since = NOW - timedelta(minutes=1)
        assert bucket_start(NOW, since) == since
