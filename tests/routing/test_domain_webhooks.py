"""The rules of webhooks: signatures, answers, delays, and the breaker as a machine of its own."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import new_id
from services.routing.domain.breaker import CLOSED, THRESHOLDS, EndedTry, Health, after, half_opened, room_of
from services.routing.domain.delivering import DeliveryAction, held_back, obstacle_to, says_something
from services.routing.domain.signing import OVERLAP, Keys, signature, signed_headers
from services.routing.domain.states import BreakerState, Channel, DeliveryStep
from services.routing.domain.webhooks import DELAYS, LONGEST_DELAY, Verdict, judge, next_try

NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)
KEYS = Keys("a secret of the tests with more than 32 characters")


class TestSigning:
    def test_is_as_the_standard_publishes_it(self) -> None:
        """standardwebhooks.com, the specification's own example."""
        secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
        assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_is_by_a_secret_of_the_installers_own(self) -> None:
        first, second = new_id(), new_id()
        secrets = {KEYS.secret(first, 1), KEYS.secret(first, 2), KEYS.secret(second, 1)}
        secrets.add(Keys("another secret of the tests, 32 characters and more").secret(first, 1))
        assert len(secrets) == 4
        assert all(len(secret) == 32 for secret in secrets)
        assert KEYS.secret(first, 1) == KEYS.secret(first, 1)

    def test_tells_a_secret_as_installers_keep_it(self) -> None:
        installer_id = new_id()
        told = KEYS.told(installer_id, 3)
        assert b64decode(told.removeprefix("whsec_")) == KEYS.secret(installer_id, 3)

    def test_is_by_both_while_the_former_one_is_good(self) -> None:
        installer_id, until = new_id(), NOW + OVERLAP
        new, former = KEYS.secret(installer_id, 2), KEYS.secret(installer_id, 1)
        assert KEYS.in_force(installer_id, 2, until, NOW) == [new, former]
        assert KEYS.in_force(installer_id, 2, until, until) == [new]
        assert KEYS.in_force(installer_id, 1, None, NOW) == [former]
        headers = signed_headers("id", NOW, b"{}", [new, former])
        assert headers["webhook-signature"].split(" ") == [
            signature(each, "id", int(NOW.timestamp()), b"{}") for each in (new, former)
        ]

    def test_shows_its_key_to_no_log(self) -> None:
        assert "secret of the tests" not in repr(KEYS)


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("status", "fault", "verdict", "reason"),
        [
            (200, None, Verdict.ACCEPTED, "accepted"),
            (299, None, Verdict.ACCEPTED, "accepted"),
            (300, None, Verdict.REFUSED, "redirected"),
            (301, None, Verdict.REFUSED, "redirected"),
            (404, None, Verdict.REFUSED, "http_404"),
            (408, None, Verdict.AGAIN, "http_408"),
            (410, None, Verdict.GONE, "gone"),
            (425, None, Verdict.AGAIN, "http_425"),
            (429, None, Verdict.AGAIN, "http_429"),
            (500, None, Verdict.AGAIN, "http_500"),
            (599, None, Verdict.AGAIN, "http_599"),
            (100, None, Verdict.REFUSED, "http_100"),
            (None, "timeout", Verdict.AGAIN, "timeout"),
            (None, "private_address", Verdict.AGAIN, "private_address"),
        ],
    )
    def test_means(self, status: int | None, fault: str | None, verdict: Verdict, reason: str) -> None:
        judged = judge(status, fault, None, NOW)
        assert (judged.verdict, judged.reason) == (verdict, reason)

    @pytest.mark.parametrize(
        ("asked", "seconds"),
        [
            ("30", 30),
            ("0", 0),
            ("999999999999", 600),
            ("-5", 0),
            ("soon", 0),
            ("", 0),
            ("Tue, 03 Mar 2026 02:16:04 GMT", 60),
            ("Tue, 03 Mar 2026 09:00:00 GMT", 600),
            ("Tue, 03 Mar 2020 09:00:00 GMT", 0),
            ("Tue, 03 Mar 2026 02:16:04", 60),
            ("\u0665", 0),
        ],
    )
    def test_asks_for_a_delay_within_reason(self, asked: str, seconds: int) -> None:
        assert judge(503, None, asked, NOW).not_before == timedelta(seconds=seconds)

    @given(st.text(max_size=40))
    def test_asks_in_any_words(self, asked: str) -> None:
        assert timedelta() <= judge(503, None, asked, NOW).not_before <= LONGEST_DELAY

    def test_is_followed_by_a_try_until_there_is_none(self) -> None:
        waits = [next_try(tries, timedelta()) for tries in range(1, len(DELAYS) + 1)]
        assert [wait.total_seconds() if wait else None for wait in waits] == [10, 30, 120, 600, None]
        assert next_try(1, timedelta(minutes=1)) == timedelta(minutes=1)
        assert next_try(4, timedelta(minutes=1)) == timedelta(minutes=10)


class TestTheBreaker:
    @pytest.mark.parametrize("channel", list(Channel))
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(["ok", "fail", "claim"]), st.integers(0, 7200), st.integers(0, 7200)), max_size=60
        )
    )
    def test_never_leaves_its_rules(self, channel: Channel, steps: list[tuple[str, int, int]]) -> None:
        """Opens at its limit and no earlier, waits no longer than an hour, closes with any success, tries with one.

        While it is not closed, its next probe moves with the failure of what began at the last one or later alone.
        """
        thresholds, health, now = THRESHOLDS[channel], CLOSED, NOW
        for what, seconds, lasted in steps:
            now += timedelta(seconds=seconds)
            before = health
            if what == "claim":
                room = room_of(health, 0, 4, now)
                assert room == (4 if health.breaker is BreakerState.CLOSED else int(health.may_be_tried(now)))
                if room == 1:
                    health = half_opened(health)
            else:
                begun_at = now - timedelta(seconds=lasted)
                health = after(health, EndedTry(what == "ok", begun_at, now), thresholds)
                if what == "fail" and before.probe_at is not None:
                    assert (health.probe_at != before.probe_at) == (begun_at >= before.probe_at)
            if what == "ok":
                assert health == CLOSED
            if health.breaker is BreakerState.OPEN:
                assert health.failures_in_row >= thresholds.failures
                assert health.probe_at is not None
                assert health.opened_at is not None
                waits = health.probe_at - health.opened_at
                assert waits in {min(thresholds.longest, thresholds.probe_after * 2**n) for n in range(6)}
            if before.breaker is BreakerState.CLOSED and health.breaker is not BreakerState.CLOSED:
                assert health.failures_in_row == thresholds.failures

    def test_doubles_its_wait_up_to_an_hour(self) -> None:
        health, now, waits = CLOSED, NOW, []
        for _ in range(5):
            health = after(health, EndedTry(False, now, now), THRESHOLDS[Channel.WEBHOOK])
        for _ in range(6):
            assert health.probe_at is not None
            waits.append((health.probe_at - now).total_seconds() / 60)
            now = health.probe_at
            health = after(half_opened(health), EndedTry(False, now, now), THRESHOLDS[Channel.WEBHOOK])
        assert waits == [5, 10, 20, 40, 60, 60]

    @pytest.mark.parametrize("ended_after", [timedelta(seconds=5), timedelta(minutes=6), timedelta(days=21)])
    def test_is_not_moved_by_what_was_under_way_when_it_opened(self, ended_after: timedelta) -> None:
        """However late its end is recorded: the clock may have leapt past the probe meanwhile."""
        opened = Health(BreakerState.OPEN, 5, NOW, NOW + timedelta(minutes=5), 1)
        straggler = after(opened, EndedTry(False, NOW, NOW + ended_after), THRESHOLDS[Channel.WEBHOOK])
        assert (straggler.breaker, straggler.probe_at) == (BreakerState.OPEN, opened.probe_at)

    def test_lets_one_through_at_a_time_when_it_is_tried(self) -> None:
        opened = Health(BreakerState.OPEN, 5, NOW, NOW, 1)
        assert [room_of(half_opened(opened), under_way, 4, NOW) for under_way in (0, 1, 2)] == [1, 0, 0]
        assert [room_of(CLOSED, under_way, 4, NOW) for under_way in (0, 3, 5)] == [4, 1, 0]

    def test_is_closed_by_hand_where_it_holds_something_back(self) -> None:
        for breaker in (BreakerState.OPEN, BreakerState.HALF_OPEN):
            assert obstacle_to(DeliveryAction.CLOSE_BREAKER, has_webhook=True, breaker=breaker) is None
        for nothing in (BreakerState.CLOSED, None):
            assert obstacle_to(DeliveryAction.CLOSE_BREAKER, has_webhook=True, breaker=nothing)
        assert held_back({Channel.MAIL: BreakerState.OPEN, Channel.WEBHOOK: BreakerState.CLOSED}) is Channel.MAIL
        assert held_back({Channel.MAIL: BreakerState.CLOSED}) is None


class TestWhatCounts:
    @pytest.mark.parametrize(
        ("channel", "step", "reason", "counts"),
        [
            (Channel.WEBHOOK, DeliveryStep.TRIED, "http_503", True),
            (Channel.WEBHOOK, DeliveryStep.TRIED, "outcome_unknown", False),
            (Channel.WEBHOOK, DeliveryStep.FAILED, "http_404", True),
            (Channel.WEBHOOK, DeliveryStep.FAILED, "webhook_down", False),
            (Channel.WEBHOOK, DeliveryStep.FAILED, "contact_erased", False),
            (Channel.WEBHOOK, DeliveryStep.ACCEPTED, None, True),
            (Channel.MAIL, DeliveryStep.ACCEPTED, None, True),
            (Channel.MAIL, DeliveryStep.ACCEPTED_LATE, None, False),
            (Channel.MAIL, DeliveryStep.FAILED, "no_such_mailbox", True),
            (Channel.MAIL, DeliveryStep.FAILED, "suppressed", True),
            (Channel.MAIL, DeliveryStep.FAILED, "recipient_invalid", True),
            (Channel.MAIL, DeliveryStep.FAILED, "tries_exhausted", False),
            (Channel.MAIL, DeliveryStep.FAILED, "contact_erased", False),
        ],
    )
    def test_for_a_breaker(self, channel: Channel, step: DeliveryStep, reason: str | None, counts: bool) -> None:
        assert says_something(channel, step, reason) is counts
