"""Accounts: what their owners say, in the order of its versions, and what finance adds."""

from dataclasses import replace
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands.accounts import SetAccount, apply_account_states, set_account
from services.billing.errors import AccountNotFound, StripeCustomerTaken
from tests.billing.arrangements import NOW, Books, client_state, installer_state


async def apply(books: Books, *states: Any) -> None:
    async with books.unit() as session:
        await apply_account_states(session, states, NOW)


async def put(books: Books, *arguments: Any) -> None:
    async with books.unit() as session:
        await set_account(session, SetAccount(*arguments), NOW)


class TestApplyAccountStates:
    async def test_keeps_installers_and_clients(self, books: Books) -> None:
        await apply(books, installer_state(new_id()), client_state(new_id()))
        rows = await books.rows("SELECT kind, gst_registered, agreed_terms_days FROM accounts ORDER BY kind DESC")
        assert [tuple(row) for row in rows] == [("installer", True, None), ("client", None, 30)]

    async def test_applies_a_state_iff_it_is_newer(self, books: Books) -> None:
        id_ = new_id()
        await apply(books, installer_state(id_, version=5, name="Five"))
        await apply(books, installer_state(id_, version=4, name="Four"), installer_state(id_, version=5, name="Other"))
        assert await books.value("SELECT name FROM accounts") == "Five"
        await apply(books, installer_state(id_, version=6, name="Six"))
        assert await books.value("SELECT name FROM accounts") == "Six"

    async def test_of_several_in_a_batch_the_newest_stands_whatever_their_order(self, books: Books) -> None:
        id_ = new_id()
        states = [installer_state(id_, version=n, name=f"Version {n}") for n in (2, 9, 4)]
        await apply(books, *states)
        assert await books.value("SELECT name || source_version FROM accounts") == "Version 99"

    async def test_leaves_what_finance_set(self, books: Books) -> None:
        id_ = await books.installer()
        await put(books, id_, 14, "cus_sunnyroofs01")
        await apply(books, installer_state(id_, version=2, name="Renamed"))
        (row,) = await books.rows("SELECT * FROM accounts")
        assert (row.name, row.terms_override_days, row.stripe_customer_id) == ("Renamed", 14, "cus_sunnyroofs01")


class TestSetAccount:
    async def test_refuses_a_stripe_customer_of_another_account(self, books: Books) -> None:
        first, second = await books.installer(), await books.installer()
        await put(books, first, None, "cus_sunnyroofs01")
        with pytest.raises(StripeCustomerTaken):
            await put(books, second, None, "cus_sunnyroofs01")

    async def test_can_be_taken_back(self, books: Books) -> None:
        id_ = await books.installer()
        await put(books, id_, 14, "cus_sunnyroofs01")
        await put(books, id_, None, None)
        (row,) = await books.rows("SELECT * FROM accounts")
        assert (row.terms_override_days, row.stripe_customer_id) == (None, None)

    async def test_refuses_an_unknown_account(self, books: Books) -> None:
        with pytest.raises(AccountNotFound):
            await put(books, new_id(), None, None)


async def test_terms_are_finances_word_else_the_agreement_else_the_rule_of_the_house(books: Books) -> None:
    installer_id = await books.priced_installer()
    assert (await books.issued_invoice()).due_at != NOW
    await put(books, installer_id, 21, None)
    invoice = await books.issue(await books.draft_of(installer_id))
    assert invoice.due_at is not None
    assert (invoice.due_at.astimezone(books.house.zone).date() - NOW.date()).days == 21
    client = replace(client_state(new_id()), agreed_terms_days=45)
    draft = await books.board_draft(client=client)
    issued = await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
    assert issued.due_at is not None
    assert (issued.due_at.astimezone(books.house.zone).date() - NOW.date()).days == 45
