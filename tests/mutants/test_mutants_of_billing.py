"""Bugs of our own in credits that are asked for: the tests that are named for them notice."""

import pytest

from tests.billing import test_commands_credit_requests as requests
from tests.billing.arrangements import Books
from tests.billing.conftest import books, clock
from tests.mutants.mutant import applied
from tests.mutants.of_a_service import FORGET_WHO_ASKED, PASS_A_PROPOSAL_BY

__all__ = ["books", "clock"]


class TestTheRequestsOwnTests:
    async def test_notice_who_is_not_answered(self, books: Books) -> None:
        with applied(FORGET_WHO_ASKED), pytest.raises(KeyError, match="detail"):
            await requests.TestIssued().test_pending_on_an_invoice_that_is_voided_is_refused(books)

    async def test_notice_a_proposal_that_nobody_agreed_to(self, books: Books) -> None:
        with applied(PASS_A_PROPOSAL_BY), pytest.raises(RuntimeError, match="is a proposal"):
            await requests.TestElsewhere().test_what_no_person_asks_for_waits_for_finance(books)

    async def test_pass_the_code_as_it_is(self, books: Books) -> None:
        await requests.TestElsewhere().test_what_no_person_asks_for_waits_for_finance(books)
