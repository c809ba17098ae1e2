"""What an installer's particulars must be."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import AustralianState
from services.routing.domain.profile import (
    PostcodeRange,
    Territory,
    merged,
    normal_abn,
    normal_email,
    normal_phone,
    normal_service,
    normal_territory,
    normal_time_zone,
)

POSTCODES = st.integers(0, 9999).map("{:04}".format)
RANGES = st.tuples(POSTCODES, POSTCODES).map(lambda ends: PostcodeRange(min(ends), max(ends)))


class TestAbn:
    @pytest.mark.parametrize("text", ["53004085616", "53 004 085 616", "51 824 753 556"])
    def test_takes_one_with_right_check_digits(self, text: str) -> None:
        assert normal_abn(text) == text.replace(" ", "")

    @pytest.mark.parametrize("text", ["53004085617", "5300408561", "00000000000", "5300408561x", "٥٣٠٠٤٠٨٥٦١٦"])
    def test_refuses_any_other(self, text: str) -> None:
        with pytest.raises(ValueError, match="ABN"):
            normal_abn(text)

    @given(st.integers(0, 10), st.integers(1, 9))
    def test_notices_a_wrong_digit(self, place: int, step: int) -> None:
        digits = [int(digit) for digit in "53004085616"]
        digits[place] = (digits[place] + step) % 10
        with pytest.raises(ValueError, match="ABN"):
            normal_abn("".join(map(str, digits)))


class TestPhone:
    @pytest.mark.parametrize(
        ("text", "e164"),
        [
            ("0412 345 678", "+61412345678"),
            ("(02) 4921 0000", "+61249210000"),
            ("+61 2 4921-0000", "+61249210000"),
            ("1300 555 012", "+611300555012"),
            ("13 22 33", "+61132233"),
        ],
    )
    def test_writes_it_as_e164(self, text: str, e164: str) -> None:
        assert normal_phone(text) == e164

    @pytest.mark.parametrize("text", ["", "12345", "+1 212 555 0100", "0912 345 678", "call me"])
    def test_refuses_what_is_no_australian_number(self, text: str) -> None:
        with pytest.raises(ValueError, match="phone"):
            normal_phone(text)


class TestEmail:
    def test_writes_the_domain_in_lower_case(self) -> None:
        assert normal_email("Leads@SouthernSun.Example") == "Leads@southernsun.example"
        assert normal_email("a.b+c@mail.southernsun.test") == "a.b+c@mail.southernsun.test"

    @pytest.mark.parametrize("text", ["leads", "@x.example", "a@b", "a b@x.example", "a@x..example", "a@1.2.3.4"])
    def test_refuses_what_is_no_address(self, text: str) -> None:
        with pytest.raises(ValueError, match="e-mail"):
            normal_email(text)


class TestService:
    def test_writes_it_in_lower_case(self) -> None:
        assert normal_service("Solar-Battery") == "solar-battery"
        assert normal_service("heat_pump") == "heat_pump"

    @pytest.mark.parametrize("text", ["", "solar battery", "-solar", "solar--battery", "s" * 81, "sólar"])
    def test_refuses_what_is_no_slug(self, text: str) -> None:
        with pytest.raises(ValueError, match="slug"):
            normal_service(text)


class TestTimeZone:
    def test_takes_a_name_of_the_database(self) -> None:
        assert normal_time_zone("Australia/Lord_Howe") == "Australia/Lord_Howe"

    @pytest.mark.parametrize("text", ["Sydney", "Australia", "../etc/passwd", "australia/sydney", "+11:00"])
    def test_refuses_any_other(self, text: str) -> None:
        with pytest.raises(ValueError, match="time zone"):
            normal_time_zone(text)


class TestTerritory:
    def test_joins_ranges_that_touch_and_drops_postcodes_inside_them(self) -> None:
        told = Territory(
            states=frozenset({AustralianState.ACT}),
            ranges=(PostcodeRange("2100", "2234"), PostcodeRange("2000", "2099"), PostcodeRange("2480", "2484")),
            postcodes=frozenset({"2204", "2485", "2800"}),
        )
        normal = normal_territory(told)
        assert normal.ranges == (PostcodeRange("2000", "2234"), PostcodeRange("2480", "2484"))
        assert normal.postcodes == {"2485", "2800"}
        assert normal.states == {AustralianState.ACT}

    @given(st.lists(RANGES, max_size=8))
    def test_joining_changes_no_place(self, ranges: list[PostcodeRange]) -> None:
        def covered(those: tuple[PostcodeRange, ...]) -> set[int]:
            return {code for each in those for code in range(int(each.first), int(each.last) + 1)}

        joined = merged(ranges)
        assert covered(joined) == covered(tuple(ranges))
        assert all(int(left.last) + 1 < int(right.first) for left, right in pairwise(joined))

    @pytest.mark.parametrize(("first", "last"), [("2234", "2000"), ("200", "2234"), ("2000", "22x4"), ("²000", "2234")])
    def test_refuses_what_is_no_range(self, first: str, last: str) -> None:
        with pytest.raises(ValueError, match="postcode"):
            PostcodeRange(first, last)

    def test_refuses_what_is_no_postcode(self) -> None:
        with pytest.raises(ValueError, match="4 digits"):
            Territory(postcodes=frozenset({"204"}))
