"""A credit that is asked for while something else happens to its delivery; on a database of its own, real commits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from contracts.values import CreditReason
from services.billing.commands.credit_requests import ask_for_credits
from services.billing.commands.deliveries import record_deliveries
from services.billing.commands.late_deliveries import VoidDelivery, void_delivery
from services.billing.errors import DeliveryIsBilled
from tests.billing.arrangements import LONG_AGO, NOW, Books, march, sent
from tests.billing.credits import answers, ask, asked, delivered, drafted, issued, versions
from tests.billing.test_races import together, until_waiting


async def test_the_same_request_by_two_at_once_is_one(shared_books: Books) -> None:
    assignment, invoice_id = await issued(shared_books)
    request = asked(assignment)
    _, faults = await together(*(ask(shared_books, request) for _ in range(5)))
    assert faults == []
    assert await answers(shared_books) == ["credited"]
    assert (await shared_books.invoice(invoice_id)).credits_cents == 8_500


@pytest.mark.parametrize("state", [delivered, issued])
async def test_requests_for_one_delivery_by_two_at_once_move_the_money_once(
    shared_books: Books, state: Callable[[Books], Awaitable[Any]]
) -> None:
    found = await state(shared_books)
    assignment = found[0] if isinstance(found, tuple) else found
    _, faults = await together(*(ask(shared_books, asked(assignment)) for _ in range(4)))
    assert faults == []
    told = await answers(shared_books)
    assert sorted(told) == sorted([*["not_charged"] * 3, "credited" if isinstance(found, tuple) else "voided"])
    assert await versions(shared_books, assignment) == list(range(1, 7))


async def test_what_is_asked_while_the_delivery_is_recorded_is_seen_by_one_of_them(shared_books: Books) -> None:
    books = shared_books
    installer_id = await books.priced_installer()
    for _ in range(10):
        assignment = sent(installer_id, march(3))
        request = asked(assignment)
        _, faults = await together(books.deliver(assignment), ask(books, request))
        assert faults == []
        assert await answers(books, request) == ["voided"]


async def test_who_asks_waits_for_who_records(shared_books: Books) -> None:
    books = shared_books
    assignment = sent(await books.priced_installer(), march(3))
    request = asked(assignment)
    async with books.database.transaction() as session:
        await record_deliveries(session, [assignment], books.house.approval, NOW)
        asking = asyncio.create_task(ask(books, request))
        await until_waiting(books)
    await asking
    assert await answers(books, request) == ["voided"]


async def test_a_plan_that_prices_it_meanwhile_takes_no_version_twice(shared_books: Books) -> None:
    books = shared_books
    for _ in range(5):
        installer_id = await books.installer()
        await books.deliver(assignment := sent(installer_id, march(3)))
        work: list[Awaitable[Any]] = [ask(books, asked(assignment)), books.plan(installer_id, LONG_AGO, 8_500, 3_850)]
        _, faults = await together(*work)
        assert faults == []
        told = await versions(books, assignment)
        assert told == list(range(1, len(told) + 1))


async def test_an_issue_meanwhile_credits_it_all_the_same(shared_books: Books) -> None:
    books = shared_books
    for _ in range(4):
        assignment, invoice_id = await drafted(books)
        request = asked(assignment)
        work: list[Awaitable[Any]] = [ask(books, request), books.issue(invoice_id)]
        _, faults = await together(*work)
        assert faults == []
        assert (await answers(books, request))[-1] == "credited"
        assert (await books.invoice(invoice_id)).balance_cents == 0


async def test_an_issue_waits_for_who_asks(shared_books: Books) -> None:
    books = shared_books
    assignment, invoice_id = await drafted(books)
    request = asked(assignment)
    async with books.database.transaction() as session:
        await ask_for_credits(session, [request], books.house.approval, NOW)
        issuing = asyncio.create_task(books.issue(invoice_id))
        await until_waiting(books)
    await issuing
    assert await answers(books, request) == ["waits_for_invoice", "credited"]


async def test_a_month_that_is_drafted_meanwhile_bills_it_or_has_it_void(shared_books: Books) -> None:
    books = shared_books
    for day in range(1, 6):
        assignment = await delivered(books, day=day)
        request = asked(assignment)
        work: list[Awaitable[Any]] = [ask(books, request), books.drafts()]
        _, faults = await together(*work)
        assert faults == []
        [told] = await answers(books, request)
        lines = await books.value(
            "SELECT count(*) FROM invoice_lines JOIN delivery_events d ON d.id = delivery_event_id "
            "WHERE assignment_id = :a",
            a=assignment.assignment_id,
        )
        assert (told, lines) in {("voided", 0), ("waits_for_invoice", 1)}


async def test_an_operator_who_voids_it_meanwhile_is_one_of_the_two(shared_books: Books) -> None:
    books = shared_books

    async def void(assignment_id: object) -> None:
        id_ = await books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=assignment_id)
        async with books.unit() as session:
            await void_delivery(session, VoidDelivery(id_, CreditReason.SYSTEM_FAULT, 20_000), NOW)

    for _ in range(4):
        assignment = await delivered(books)
        request = asked(assignment)
        _, faults = await together(void(assignment.assignment_id), ask(books, request))
        assert [fault for fault in faults if not isinstance(fault, DeliveryIsBilled)] == []
        assert set(await answers(books, request)) <= {"voided", "not_charged"}
        told = await versions(books, assignment)
        assert told == [1, 2, 3]
