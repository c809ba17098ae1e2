"""Bugs of our own in what becomes of a lead that is given back: the tests that are named for them notice."""

from collections.abc import Iterator

import pytest

from services.routing.domain.eligibility import allowed_by
from tests.mutants.mutant import applied
from tests.mutants.of_a_service import CREDIT_WITHOUT_FINANCE, KEEP_THE_PLACE, OFFER_IT_BACK
from tests.routing import test_commands_offering as offering
from tests.routing import test_commands_returns as returns
from tests.routing.arrangements import Floor
from tests.routing.conftest import clock, floor

__all__ = ["clock", "floor"]


@pytest.fixture
def fresh_verdicts() -> Iterator[None]:
    """Verdicts are kept, by whatever code reached them."""
    allowed_by.cache_clear()
    yield
    allowed_by.cache_clear()


class TestTheReturnsOwnTests:
    async def test_notice_a_place_that_is_kept(self, floor: Floor) -> None:
        with applied(KEEP_THE_PLACE), pytest.raises(AssertionError, match="day"):
            await returns.TestAccept().test_frees_the_place_and_owes_the_lead_again(floor)

    async def test_notice_a_lead_that_goes_back_to_who_returned_it(self, floor: Floor, fresh_verdicts: None) -> None:
        with applied(OFFER_IT_BACK), pytest.raises(ValueError, match="expected 1, got 0"):
            await offering.TestTheLead().test_is_not_given_back_to_the_returner_even_by_hand(floor)

    async def test_notice_money_that_finance_did_not_agree_to(self, floor: Floor) -> None:
        with applied(CREDIT_WITHOUT_FINANCE), pytest.raises(AssertionError):
            await returns.TestAccept().test_proposes_the_credit_in_the_same_breath_and_nothing_that_was_typed(floor)

    async def test_pass_the_code_as_it_is(self, floor: Floor) -> None:
        await returns.TestAccept().test_frees_the_place_and_owes_the_lead_again(floor)
