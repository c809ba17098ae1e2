"""The rules of intake, each without anything around it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import product
from typing import Any

import pytest

from contracts.forms import Fault
from contracts.values import AustralianState, SelectedPath
from services.intake import domain
from services.intake.domain import (
    POSTCODE_RANGES,
    STAGE_LIMITS,
    TRANSITIONS,
    BoardAction,
    BoardStatus,
    LeadAction,
    LeadContent,
    LeadOutcome,
    LeadStatus,
    Obstacle,
    SourceAction,
    fingerprint,
    followed,
    late_from,
    obstacle_to_board,
    obstacle_to_key,
    obstacle_to_lead,
    obstacle_to_source,
    outcome_of,
    part_of_phone,
    resolved_to,
    states_of,
)


def refused_as(rule: Callable[[str], str], given_value: str) -> str:
    with pytest.raises(Fault) as refused:
        rule(given_value)
    return refused.value.code


CONTENT = LeadContent(
    selected_path=SelectedPath.COMPARE_QUOTES,
    service="solar-battery",
    name="Mia O'Brien",
    email="mia.obrien@example.test",
    phone="+61412345678",
    street="12 Cadogan Street",
    suburb="Marrickville",
    state=AustralianState.NSW,
    postcode="2204",
    consent_text="I agree to be called.",
    consent_url="https://quotes.example/solar",
)


class TestLeadStatus:
    def test_a_valid_lead_is_routable_at_once(self) -> None:
        assert LeadStatus.RECEIVED.can_become(LeadStatus.ROUTABLE)

    def test_final_statuses_become_nothing(self) -> None:
        for status in LeadStatus:
            assert status.is_final == (not TRANSITIONS[status])

    @pytest.mark.parametrize(
        ("status", "target", "expected"),
        [
            (LeadStatus.ROUTABLE, LeadStatus.DISPATCHING, LeadStatus.DISPATCHING),
            (LeadStatus.ROUTABLE, LeadStatus.EXCEPTION, LeadStatus.EXCEPTION),
            (LeadStatus.DISPATCHING, LeadStatus.DELIVERED, LeadStatus.DELIVERED),
            (LeadStatus.EXCEPTION, LeadStatus.DISPATCHING, LeadStatus.DISPATCHING),
            (LeadStatus.EXCEPTION, LeadStatus.DELIVERED, LeadStatus.DELIVERED),
            (LeadStatus.DELIVERED, LeadStatus.EXCEPTION, LeadStatus.DELIVERED),
            (LeadStatus.DELIVERED, LeadStatus.DISPATCHING, LeadStatus.DELIVERED),
            (LeadStatus.CLOSED, LeadStatus.DELIVERED, LeadStatus.CLOSED),
            (LeadStatus.REJECTED, LeadStatus.DISPATCHING, LeadStatus.REJECTED),
        ],
    )
    def test_follows_routing_as_far_as_its_status_allows(
        self, status: LeadStatus, target: LeadStatus, expected: LeadStatus
    ) -> None:
        assert followed(status, target) is expected

    def test_nothing_goes_back_to_received(self) -> None:
        assert not any(status.can_become(LeadStatus.RECEIVED) for status in LeadStatus)

    @pytest.mark.parametrize("resolution", ["assigned", "retried"])
    def test_a_resolution_that_tries_again_puts_the_lead_back_on_its_way(self, resolution: str) -> None:
        assert resolved_to(resolution) is LeadStatus.DISPATCHING

    def test_any_other_resolution_leaves_the_lead_where_it_is(self) -> None:
        assert resolved_to("resolved_by_operator") is None
        assert followed(LeadStatus.EXCEPTION, None) is LeadStatus.EXCEPTION

    def test_has_an_outcome_once_something_is_decided(self) -> None:
        assert outcome_of(LeadStatus.DISPATCHING, None) is None
        assert outcome_of(LeadStatus.CLOSED, None) is LeadOutcome.CLOSED
        assert outcome_of(LeadStatus.REJECTED, None) is LeadOutcome.REJECTED

    def test_what_was_delivered_stays_so_though_it_be_closed(self) -> None:
        now = datetime(2026, 3, 3, tzinfo=UTC)
        assert outcome_of(LeadStatus.CLOSED, now) is LeadOutcome.DELIVERED


class TestFingerprint:
    def test_is_the_sha256_of_what_is_said(self) -> None:
        assert len(fingerprint(CONTENT)) == sha256().digest_size

    @pytest.mark.parametrize("field", LeadContent.__slots__)
    def test_differs_where_any_field_differs(self, field: str) -> None:
        changes: Any = {field: "something else"}
        changed = replace(CONTENT, **changes)
        assert fingerprint(changed) != fingerprint(CONTENT)

    def test_does_not_run_fields_together(self) -> None:
        one = replace(CONTENT, name="Mia O", email="Brien")
        other = replace(CONTENT, name="Mia", email="O Brien")
        assert fingerprint(one) != fingerprint(other)

    def test_is_what_it_was_before_time_and_address_of_the_consent_could_be_said(self) -> None:
        """Of the leads that are kept, each is known again when it is sent once more."""
        said = [str(getattr(CONTENT, name)) for name in LeadContent.__slots__[:11]]
        told = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        assert fingerprint(CONTENT) == sha256(told.encode()).digest()


class TestOneLine:
    def test_trims_and_collapses_white_space(self) -> None:
        assert domain.one_line("  12\tCadogan \n  Street\u00a0West ") == "12 Cadogan Street West"

    @pytest.mark.parametrize("text", ["<b>Mia</b>", "Robert'); DROP TABLE leads;--", "{{7*7}}", "Zoë 🌞"])
    def test_leaves_mark_up_and_sql_as_they_are(self, text: str) -> None:
        assert domain.one_line(text) == text

    def test_refuses_blank(self) -> None:
        assert refused_as(domain.one_line, " \t\n ") == "blank"

    def test_refuses_control_characters(self) -> None:
        assert refused_as(domain.one_line, "Mia\x07") == "string_control_character"


class TestEmailMatch:
    @pytest.mark.parametrize("address", ["Mia+Solar@Example.test", "mia@example.test", "MIA+a+b@EXAMPLE.TEST"])
    def test_is_without_case_and_plus_tag(self, address: str) -> None:
        assert domain.email_match(address) == "mia@example.test"

    def test_a_local_part_that_is_all_tag_is_itself(self) -> None:
        assert domain.email_match("+tag@example.test") == "+tag@example.test"


class TestWebAddress:
    def test_keeps_http_and_https(self) -> None:
        assert domain.web_address("https://quotes.example/solar?a=1#b") == "https://quotes.example/solar?a=1#b"

    @pytest.mark.parametrize(
        "address", ["", "quotes.example", "javascript:alert(1)", "https://", "https://a b", "ftp://x"]
    )
    def test_refuses_all_else(self, address: str) -> None:
        assert refused_as(domain.web_address, address) == "url_invalid"


class TestInstant:
    @pytest.mark.parametrize(
        "given",
        ["2026-03-03T13:15:04+11:00", " 2026-03-03T02:15:04Z ", "20260303T131504+1100", "2026-03-03 02:15:04-00:00"],
    )
    def test_is_told_in_utc(self, given: str) -> None:
        assert domain.instant(given) == "2026-03-03T02:15:04+00:00"

    @pytest.mark.parametrize(
        "given", ["", "yesterday", "2026-03-03", "2026-03-03T13:15:04", "0001-01-01T00:00:00+14:00"]
    )
    def test_refuses_what_is_none_or_has_no_zone(self, given: str) -> None:
        assert refused_as(domain.instant, given) == "instant_invalid"


class TestNetworkAddress:
    @pytest.mark.parametrize(
        ("given", "address"), [(" 203.0.113.9", "203.0.113.9"), ("2001:DB8:0:0::1", "2001:db8::1"), ("::1", "::1")]
    )
    def test_is_as_it_is_usually_written(self, given: str, address: str) -> None:
        assert domain.network_address(given) == address

    @pytest.mark.parametrize("given", ["", "quotes.example", "203.0.113", "203.0.113.9:443", "fe80::1%Mia"])
    def test_refuses_all_else(self, given: str) -> None:
        assert refused_as(domain.network_address, given) == "address_invalid"


S = AustralianState


class TestPostcodes:
    @pytest.mark.parametrize(
        ("postcode", "states"),
        [
            ("2000", {S.NSW}),
            ("2599", {S.NSW}),
            ("2600", {S.ACT}),
            ("2611", {S.ACT, S.NSW}),
            ("2617", {S.ACT}),
            ("2618", {S.ACT, S.NSW}),
            ("2619", {S.NSW}),
            ("2620", {S.ACT, S.NSW}),
            ("2899", {S.NSW}),
            ("2900", {S.ACT}),
            ("2920", {S.ACT}),
            ("2921", {S.NSW}),
            ("0200", {S.ACT}),
            ("1001", {S.NSW}),
            ("8001", {S.VIC}),
            ("9999", {S.QLD}),
            ("5999", {S.SA}),
            ("6798", {S.WA}),
            ("6999", {S.WA}),
            ("7999", {S.TAS}),
            ("0800", {S.NT}),
            ("0999", {S.NT}),
            ("0872", {S.NT, S.SA, S.WA}),
            ("4383", {S.QLD, S.NSW}),
            ("3644", {S.VIC, S.NSW}),
            ("0000", set()),
            ("0199", set()),
            ("0300", set()),
            ("0799", set()),
        ],
    )
    def test_belong_to_states(self, postcode: str, states: set[AustralianState]) -> None:
        assert states_of(postcode) == states

    def test_ranges_do_not_overlap(self) -> None:
        for (first, last, _), (other_first, other_last, _) in product(POSTCODE_RANGES, repeat=2):
            assert (first, last) == (other_first, other_last) or last < other_first or other_last < first

    def test_of_another_state_are_refused_with_theirs(self) -> None:
        with pytest.raises(Fault, match="a postcode of VIC, not of NSW") as refused:
            domain.check_postcode("3000", S.NSW)
        assert refused.value.code == "postcode_state_mismatch"

    def test_of_no_state_are_unknown(self) -> None:
        with pytest.raises(Fault) as refused:
            domain.check_postcode("0300", S.NT)
        assert refused.value.code == "postcode_unknown"


class TestApiKey:
    KEY = "wbk_abcdefgh1234_" + "s" * 43

    def test_is_found_by_prefix_and_proved_by_hash(self) -> None:
        presented = domain.presented_key(self.KEY)
        assert presented == ("abcdefgh1234", sha256(self.KEY.encode()).digest())

    @pytest.mark.parametrize("bearer", ["", "wbk_", KEY + "s", KEY[:-1], KEY.upper(), "wbk_abcdefgh1234", KEY + "\n"])
    def test_of_another_form_is_none(self, bearer: str) -> None:
        assert domain.presented_key(bearer) is None


class TestObstacles:
    @pytest.mark.parametrize("status", list(LeadStatus))
    def test_a_lead_is_closable_as_its_status_allows_and_says_why_not(self, status: LeadStatus) -> None:
        obstacle = obstacle_to_lead(LeadAction.CLOSE, status)
        assert (obstacle is None) == status.can_become(LeadStatus.CLOSED)

    def test_what_is_done_is_in_the_way_of_doing_it_again(self) -> None:
        assert obstacle_to_lead(LeadAction.CLOSE, LeadStatus.CLOSED) is Obstacle.CLOSED
        assert obstacle_to_board(BoardAction.CLOSE, BoardStatus.CLOSED) is Obstacle.CLOSED
        assert obstacle_to_board(BoardAction.CLOSE, BoardStatus.OPEN) is None

    @pytest.mark.parametrize("action", list(SourceAction))
    def test_a_revoked_source_is_beyond_all_but_its_name(self, action: SourceAction) -> None:
        is_named = action is SourceAction.RENAME
        assert obstacle_to_source(action, is_revoked=True) is (None if is_named else Obstacle.REVOKED)
        assert obstacle_to_source(action, is_revoked=False) is None

    @pytest.mark.parametrize(
        ("stands", "obstacle"),
        [
            ((False, False, False), None),
            ((False, False, True), Obstacle.RUN_OUT),
            ((False, True, True), Obstacle.REVOKED),
            ((True, True, True), Obstacle.SOURCE_REVOKED),
        ],
    )
    def test_a_key_that_works_no_more_is_not_revoked(
        self, stands: tuple[bool, bool, bool], obstacle: Obstacle | None
    ) -> None:
        is_source_revoked, is_revoked, has_run_out = stands
        found = obstacle_to_key(is_source_revoked=is_source_revoked, is_revoked=is_revoked, has_run_out=has_run_out)
        assert found is obstacle


class TestStageLimits:
    @pytest.mark.parametrize("status", list(LeadStatus))
    def test_what_can_go_on_by_itself_or_by_hand_has_a_limit_and_nothing_else(self, status: LeadStatus) -> None:
        assert (status in STAGE_LIMITS) == (not status.is_final and status is not LeadStatus.DELIVERED)

    def test_a_lead_is_late_from_whichever_of_its_limits_is_over_first(self) -> None:
        since = datetime(2026, 3, 3, tzinfo=UTC)
        by_its_stage = since + STAGE_LIMITS[LeadStatus.EXCEPTION]
        assert late_from(LeadStatus.EXCEPTION, since, since) == by_its_stage
        assert late_from(LeadStatus.EXCEPTION, since, since - timedelta(hours=23)) == by_its_stage
        assert late_from(LeadStatus.EXCEPTION, since, since - timedelta(hours=30)) == since - timedelta(hours=6)
        assert late_from(LeadStatus.DELIVERED, since, since - timedelta(days=90)) is None


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("0412 345 678", "412345678"),
        ("+61 412 345", "412345"),
        ("(02) 9555-1234", "295551234"),
        ("+64 21 123 456", "+6421123456"),
        ("2204", ""),
        ("mia@example.test", ""),
        ("", ""),
    ],
)
def test_a_part_of_a_phone_number_is_as_it_stands_in_a_kept_one(typed: str, part: str) -> None:
    assert part_of_phone(typed) == part
