"""Accounts and operators as others tell of them: the newest of each stands, in whatever order they come."""

from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.billing import AccountChanged
from contracts.identity import OperatorChanged
from contracts.values import InvoiceKind
from tests.routing.arrangements import NOW, Floor
from tests.routing.feed import Feed, record

ACCOUNT, OPERATOR = new_id(), new_id()


def account(account_id: UUID = ACCOUNT, **changes: Any) -> AccountChanged:
    given: dict[str, Any] = {
        "account_id": account_id,
        "kind": InvoiceKind.INSTALLER,
        "has_prices": True,
        "credit_hold": False,
        "outstanding_cents": 49_500,
        "overdue_cents": 0,
        "currency": "AUD",
        "is_collectable": True,
        "changed_at": NOW,
        **changes,
    }
    return AccountChanged(**given)


def operator(operator_id: UUID = OPERATOR, **changes: Any) -> OperatorChanged:
    given: dict[str, Any] = {
        "operator_id": operator_id,
        "name": "Priya Raman",
        "email": "priya.raman@waybill.example",
        "capabilities": ("read_ops", "write_routing"),
        "is_active": True,
        **changes,
    }
    return OperatorChanged(**given)


@pytest.fixture
def feed(floor: Floor) -> Feed:
    return Feed(floor)


class TestAccountChanged:
    async def test_is_kept_whether_the_installer_is_known_or_not(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(account(credit_hold=True, credit_hold_reason="nothing paid", overdue_cents=20_000)))
        [kept] = await floor.rows("SELECT * FROM installer_accounts")
        assert kept == {
            "installer_id": ACCOUNT,
            "version": 1,
            "has_prices": True,
            "credit_hold": True,
            "credit_hold_reason": "nothing paid",
            "outstanding_cents": 49_500,
            "overdue_cents": 20_000,
            "is_collectable": True,
            "changed_at": NOW,
        }

    async def test_takes_all_of_the_newer_one(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(account(credit_hold=True, credit_hold_reason="nothing paid"), version=1))
        await feed.take(record(account(outstanding_cents=0), version=2))
        [kept] = await floor.rows(
            "SELECT version, credit_hold, credit_hold_reason, outstanding_cents FROM installer_accounts"
        )
        assert tuple(kept.values()) == (2, False, None, 0)

    async def test_of_one_batch_the_last_one_stands(self, floor: Floor, feed: Feed) -> None:
        other = new_id()
        told = [record(account(outstanding_cents=number), version=number) for number in (1, 2, 3)]
        await feed.take(*told, record(account(other)))
        kept = await floor.rows("SELECT installer_id, outstanding_cents FROM installer_accounts")
        assert {row["installer_id"]: row["outstanding_cents"] for row in kept} == {ACCOUNT: 3, other: 49_500}

    async def test_passes_by_what_is_older_than_what_is_known(self, floor: Floor, feed: Feed) -> None:
        await floor.account(ACCOUNT, version=7, outstanding_cents=700)
        await feed.take(record(account(), version=6))
        [kept] = await floor.rows("SELECT version, outstanding_cents FROM installer_accounts")
        assert tuple(kept.values()) == (7, 700)

    async def test_of_a_client_is_none_of_ours(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(account(kind=InvoiceKind.CLIENT)))
        assert await floor.rows("SELECT * FROM installer_accounts") == []


class TestOperatorChanged:
    async def test_is_kept_with_what_they_may_do(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(operator()))
        [kept] = await floor.rows("SELECT * FROM operators")
        assert kept == {
            "operator_id": OPERATOR,
            "name": "Priya Raman",
            "email": "priya.raman@waybill.example",
            "is_active": True,
            "capabilities": ["read_ops", "write_routing"],
            "version": 1,
        }

    async def test_who_has_left_stays_by_name(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(operator(), version=1), record(operator(is_active=False, capabilities=()), version=2))
        [kept] = await floor.rows("SELECT name, is_active, capabilities, version FROM operators")
        assert tuple(kept.values()) == ("Priya Raman", False, [], 2)

    async def test_passes_by_what_is_older_than_what_is_known(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(operator(name="Priya Raman-Lee"), version=1))
        await floor.rows_changed("UPDATE operators SET version = 9")
        await feed.take(record(operator(), version=8))
        [kept] = await floor.rows("SELECT name, version FROM operators")
        assert tuple(kept.values()) == ("Priya Raman-Lee", 9)
