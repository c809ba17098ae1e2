"""Credits that are asked for from elsewhere, and what billing answered, for the tests of billing."""

from typing import Any
from uuid import UUID

from chassis.ids import new_id
from contracts.values import CreditReason, ProductType
from services.billing.commands.credit_requests import AskedCredit, ask_for_credits
from services.billing.commands.pricing import SentAssignment
from tests.billing.arrangements import MAKER, Books, march, sent

DEAR_CENTS = 30_000
"""The price of a lead whose credit needs a second operator."""


def asked(assignment: SentAssignment, **changed: Any) -> AskedCredit:
    """By who may, because of a merge."""
    request: dict[str, Any] = {
        "request_id": new_id(),
        "assignment_id": assignment.assignment_id,
        "lead_id": assignment.lead_id,
        "installer_id": assignment.installer_id,
        "reason_code": CreditReason.DUPLICATE_DISPATCH,
        "note": None,
        "deed": "merge",
        "deed_id": new_id(),
        "asked_by_id": MAKER.id,
        "asked_by_name": MAKER.name,
        "is_proposal": False,
    }
    return AskedCredit(**request | changed)


def proposed(assignment: SentAssignment, **changed: Any) -> AskedCredit:
    """By a return that was accepted."""
    return asked(assignment, **{"is_proposal": True, "deed": "return"} | changed)


async def ask(books: Books, *requests: AskedCredit) -> None:
    async with books.unit() as session:
        await ask_for_credits(session, requests, books.house.approval, books.clock.now())


async def delivered(books: Books, *, cents: int = 8_500, day: int = 10) -> SentAssignment:
    """One exclusive lead of a new installer, unbilled; $85.00 ex GST."""
    installer_id = await books.priced_installer(cents, cents)
    await books.deliver(assignment := sent(installer_id, march(day), ProductType.EXCLUSIVE))
    return assignment


async def drafted(books: Books, **changed: Any) -> tuple[SentAssignment, UUID]:
    assignment = await delivered(books, **changed)
    results = {result.installer_id: result for result in await books.drafts()}
    invoice_id = results[assignment.installer_id].invoice_id
    assert invoice_id is not None
    return assignment, invoice_id


async def issued(books: Books, **changed: Any) -> tuple[SentAssignment, UUID]:
    assignment, invoice_id = await drafted(books, **changed)
    await books.issue(invoice_id)
    return assignment, invoice_id


async def answers(books: Books, request: AskedCredit | None = None) -> list[str]:
    """Every answer that was given, in their order; to one request alone, if it is named."""
    told = await books.published("delivery.credit_answered")
    return [it["result"] for it in told if request is None or it["request_id"] == str(request.request_id)]


async def last_answer(books: Books, request: AskedCredit) -> dict[str, Any]:
    told = await books.published("delivery.credit_answered")
    return [it for it in told if it["request_id"] == str(request.request_id)][-1]


async def versions(books: Books, assignment: SentAssignment) -> list[int]:
    """Of all that billing said of the delivery."""
    topic = "delivery."
    return [
        it["version"]
        for it in await books.published()
        if it["type"].startswith(topic) and it["key"] == str(assignment.assignment_id)
    ]
