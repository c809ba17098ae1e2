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
    normal_territory,
    normal_time_zone,
)

POSTCODES = st.integers(0, 9999).map("{:04}".format)
RANGES = st.tuples(POSTCODES, POSTCODES).map(lambda ends: PostcodeRange(min(ends), max(ends)))


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
