"""Territories as lines, and the postcodes of the states."""

import pytest

from contracts.forms import Fault
from contracts.values import AustralianState
from services.routing.domain.places import lines_of, states_of, territory_of
from services.routing.domain.profile import PostcodeRange, Territory

NSW, ACT = AustralianState.NSW, AustralianState.ACT


class TestTerritoryOf:
    def test_reads_states_ranges_and_postcodes_by_line_and_by_comma(self) -> None:
        read = territory_of("nsw, ACT\n2000 - 2234\r\n\n 2480 ; 0800\n3000 to 3010")
        assert read == Territory(
            frozenset({NSW, ACT}),
            (PostcodeRange("2000", "2234"), PostcodeRange("3000", "3010")),
            frozenset({"2480", "0800"}),
        )

    def test_reads_what_lines_of_writes(self) -> None:
        territory = Territory(frozenset({NSW}), (PostcodeRange("2000", "2234"),), frozenset({"2480"}))
        assert territory_of("\n".join(lines_of(territory))) == territory

    def test_reads_nothing_as_no_territory(self) -> None:
        assert territory_of(" \n ,") == Territory()

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("NSW\nNew South", "Line 2: neither a state"),
            ("2000\n2001\n221", "Line 3: neither a state"),
            ("2234-2000", "Line 1: the range ends before it begins"),
            ("٢٢٠٤", "Line 1: neither a state"),  # digits, but not of a postcode
        ],
    )
    def test_says_which_line_it_cannot_read(self, text: str, told: str) -> None:
        with pytest.raises(Fault, match=told):
            territory_of(text)


class TestStatesOf:
    @pytest.mark.parametrize(
        ("postcode", "states"),
        [("2204", {NSW}), ("2620", {NSW, ACT}), ("0800", {AustralianState.NT}), ("0100", set())],
    )
    def test_names_those_that_have_the_postcode(self, postcode: str, states: set[AustralianState]) -> None:
        assert states_of(postcode) == states
