"""The rules of intake, each without anything around it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import AustralianState, SelectedPath
from services.intake import domain
from services.intake.domain import (
    POSTCODE_RANGES,
    TRANSITIONS,
    Fault,
    LeadContent,
    LeadOutcome,
    LeadStatus,
    fingerprint,
    followed,
    outcome_of,
    resolved_to,
    states_of,
)
from services.intake.phones import e164


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

    @pytest.mark.parametrize("resolution", ["assigned", "assigned_by_hand", "retried"])
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


class TestServiceSlug:
    @pytest.mark.parametrize(
        ("given_slug", "slug"), [("solar", "solar"), (" Solar-Battery ", "solar-battery"), ("ev_2", "ev_2")]
    )
    def test_is_lower_case(self, given_slug: str, slug: str) -> None:
        assert domain.service_slug(given_slug) == slug

    @pytest.mark.parametrize("given_slug", ["", "solar battery", "-solar", "solar--battery", "<b>", "söl"])
    def test_refuses_what_is_no_slug(self, given_slug: str) -> None:
        assert refused_as(domain.service_slug, given_slug) == "service_invalid"


class TestEmail:
    @pytest.mark.parametrize(
        ("address", "normal"),
        [
            ("Mia.OBrien@Example.TEST", "Mia.OBrien@example.test"),
            (" mia+solar@sub.example.com.au ", "mia+solar@sub.example.com.au"),
            ("o'brien_1@x-y.example", "o'brien_1@x-y.example"),
        ],
    )
    def test_has_its_domain_in_lower_case(self, address: str, normal: str) -> None:
        assert domain.email_address(address) == normal

    @pytest.mark.parametrize(
        "address",
        [
            "", "mia", "mia@", "@example.test", "mia@example", "mia@@example.test", "mia..o@example.test",
            ".mia@example.test", "mia@-example.test", "mia@example-.test", "mia@example.123", "mia o@example.test",
            "mia@exam_ple.test", "mia@example.test\nBcc: x@example.test", "mïa@example.test", '"mia"@example.test',
            "a" * 65 + "@example.test", "a@" + "b" * 64 + ".test", "a@" + ".".join(["b" * 60] * 5) + ".test",
        ],
    )  # fmt: skip
    def test_refuses_what_is_no_address(self, address: str) -> None:
        assert refused_as(domain.email_address, address) == "email_invalid"

    @pytest.mark.parametrize("address", ["Mia+Solar@Example.test", "mia@example.test", "MIA+a+b@EXAMPLE.TEST"])
    def test_matches_without_case_and_plus_tag(self, address: str) -> None:
        assert domain.email_match(domain.email_address(address)) == "mia@example.test"

    def test_a_local_part_that_is_all_tag_is_itself(self) -> None:
        assert domain.email_match("+tag@example.test") == "+tag@example.test"

    @given(st.text(max_size=300))
    def test_never_fails_otherwise(self, text: str) -> None:
        try:
            assert domain.email_address(text).count("@") == 1
        except Fault:
            assert refused_as(domain.email_address, text) == "email_invalid"


class TestPhone:
    @pytest.mark.parametrize(
        ("number", "normal"),
        [
            ("0412 345 678", "+61412345678"),
            ("+61 412 345 678", "+61412345678"),
            ("(02) 9876 5432", "+61298765432"),
            ("0061 2 9876 5432", None),
            ("+64 21 123 4567", "+64211234567"),
            ("0412345678x", None),
            ("<b>0412345678</b>", None),
            ("0412 345 678 or 0412 345 679", None),
            ("000", None),
            ("12345", None),
            ("+61 400", None),
            ("call me", None),
        ],
    )
    def test_is_e164_or_refused(self, number: str, normal: str | None) -> None:
        if normal is None:
            assert refused_as(e164, number) == "phone_invalid"
        else:
            assert e164(number) == normal

    @given(st.text(max_size=40))
    def test_never_fails_otherwise(self, text: str) -> None:
        try:
            assert e164(text).startswith("+")
        except Fault:
            assert refused_as(e164, text) == "phone_invalid"


class TestWebAddress:
    def test_keeps_http_and_https(self) -> None:
        assert domain.web_address("https://quotes.example/solar?a=1#b") == "https://quotes.example/solar?a=1#b"

    @pytest.mark.parametrize(
        "address", ["", "quotes.example", "javascript:alert(1)", "https://", "https://a b", "ftp://x"]
    )
    def test_refuses_all_else(self, address: str) -> None:
        assert refused_as(domain.web_address, address) == "url_invalid"


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


class TestAbn:
    @pytest.mark.parametrize("number", ["51 824 753 556", "51824753556", "83914571673"])
    def test_is_eleven_digits_whose_check_holds(self, number: str) -> None:
        assert domain.abn(number) == number.replace(" ", "")

    @pytest.mark.parametrize("number", ["51824753557", "5182475355", "518247535566", "abc", "", "01824753556"])
    def test_is_refused_where_the_check_fails(self, number: str) -> None:
        assert refused_as(domain.abn, number) == "abn_invalid"

    @given(st.integers(10, 99).map(str), st.text("0123456789", min_size=9, max_size=9), st.integers(0, 10))
    def test_any_single_wrong_digit_is_found(self, check: str, body: str, place: int) -> None:
        try:
            valid = domain.abn(check + body)
        except Fault:
            return
        wrong = valid[:place] + str((int(valid[place]) + 1) % 10) + valid[place + 1 :]
        assert refused_as(domain.abn, wrong) == "abn_invalid"


class TestApiKey:
    KEY = "wbk_abcdefgh1234_" + "s" * 43

    def test_is_found_by_prefix_and_proved_by_hash(self) -> None:
        presented = domain.presented_key(self.KEY)
        assert presented == ("abcdefgh1234", sha256(self.KEY.encode()).digest())

    @pytest.mark.parametrize("bearer", ["", "wbk_", KEY + "s", KEY[:-1], KEY.upper(), "wbk_abcdefgh1234", KEY + "\n"])
    def test_of_another_form_is_none(self, bearer: str) -> None:
        assert domain.presented_key(bearer) is None
