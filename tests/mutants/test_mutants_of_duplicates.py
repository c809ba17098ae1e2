"""Bugs of our own in finding, merging and taking apart: the tests that are named for them notice."""

from uuid import UUID

import pytest

from contracts.envelope import Malformed
from tests.intake import test_duplicates_rules as rules
from tests.intake import test_merge_credits as credits_
from tests.intake import test_merging as merging
from tests.intake import test_recognising as recognising
from tests.intake import test_unmerging as unmerging
from tests.intake.conftest import couples, database, two
from tests.intake.couples import Couples
from tests.kit.databases import RolledBackDatabase
from tests.mutants.mutant import applied
from tests.mutants.of_a_service import (
    FORGET_THE_CREDIT,
    FORGET_WHOM_IT_WAS_LIKE,
    KEEP_ONE_FIELD,
    LET_THE_SURVIVOR_GO_AGAIN,
    MATCH_WHAT_IS_EMPTY,
    TELL_NOBODY_OF_THE_TOMBSTONE,
)

__all__ = ["couples", "database", "two"]


class TestTheRulesOwnTest:
    def test_notices_that_what_is_empty_matches(self) -> None:
        with applied(MATCH_WHAT_IS_EMPTY), pytest.raises(AssertionError, match="same_phone"):
            rules.TestTheScore().test_of_two_without_anything_is_nothing()

    def test_passes_the_code_as_it_is(self) -> None:
        rules.TestTheScore().test_of_two_without_anything_is_nothing()


class TestTheMergesOwnTests:
    async def test_notice_a_tombstone_that_nobody_hears_of(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        with applied(TELL_NOBODY_OF_THE_TOMBSTONE), pytest.raises(AssertionError, match=r"lead\.closed"):
            await merging.TestMergeLeads().test_tells_the_others_that_it_was_closed(database, couples, two)

    async def test_notice_a_survivor_that_is_told_as_new(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        with applied(LET_THE_SURVIVOR_GO_AGAIN), pytest.raises(AssertionError, match=r"lead\.created"):
            await merging.TestMergeLeads().test_tells_the_others_that_it_was_closed(database, couples, two)

    async def test_notice_a_field_that_stays(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        with applied(KEEP_ONE_FIELD), pytest.raises(AssertionError, match="phone"):
            await unmerging.TestUnmergeLead().test_restores_both_exactly(database, couples, two)

    async def test_notice_a_credit_that_nobody_asks_for(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        with applied(FORGET_THE_CREDIT), pytest.raises(Malformed, match="credits: missing"):
            await credits_.TestCredits().test_are_asked_for_what_the_loser_was_charged(database, two)

    async def test_notice_a_person_who_is_sold_again(self, couples: Couples) -> None:
        with applied(FORGET_WHOM_IT_WAS_LIKE), pytest.raises(AssertionError):
            await recognising.TestWhoWasMergedAway().test_is_told_of_with_the_merge_by_what_they_said(couples)

    async def test_pass_the_code_as_it_is(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        await merging.TestMergeLeads().test_tells_the_others_that_it_was_closed(database, couples, two)
