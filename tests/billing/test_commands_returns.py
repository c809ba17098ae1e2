"""Returns that routing has not decided: opened and closed by its events, in whatever order they come."""

from typing import Any
from uuid import UUID

from contracts.values import CreditReason
from services.billing.commands.credit_proposals import agree_to_credit
from tests.billing.arrangements import MAKER, NOW, Books
from tests.billing.arrangements_settlement import approve
from tests.billing.credits import DEAR_CENTS, answers, issued
from tests.billing.test_consumers import consume, incoming


async def still_open(books: Books) -> list[Any]:
    return await books.rows("SELECT * FROM open_returns WHERE closed_at IS NULL")


class TestOpenReturns:
    async def test_one_is_open_until_it_is_denied(self, books: Books) -> None:
        asked = incoming("assignment.return_requested", version=3)
        await consume(books, asked)
        [row] = await still_open(books)
        event: Any = asked.event
        assert (row.assignment_id, row.decide_by) == (event.assignment_id, event.decide_by)
        await consume(books, incoming("assignment.return_denied", version=4, assignment_id=event.assignment_id))
        assert await still_open(books) == []

    async def test_one_that_is_withdrawn_and_asked_anew_is_open(self, books: Books) -> None:
        id_ = incoming("assignment.return_requested").event.assignment_id  # type: ignore[attr-defined]
        for version, type_ in enumerate(("requested", "withdrawn", "requested"), start=3):
            await consume(books, incoming(f"assignment.return_{type_}", version=version, assignment_id=id_))
        assert len(await still_open(books)) == 1

    async def test_the_close_that_is_told_first_keeps_it_closed(self, books: Books) -> None:
        id_ = incoming("assignment.return_requested").event.assignment_id  # type: ignore[attr-defined]
        await consume(books, incoming("assignment.return_withdrawn", version=4, assignment_id=id_))
        await consume(books, incoming("assignment.return_requested", version=3, assignment_id=id_))
        assert await still_open(books) == []

    async def test_one_that_is_accepted_closes_and_proposes_its_credit(self, books: Books) -> None:
        assignment, invoice_id = await issued(books, cents=DEAR_CENTS)
        credit = {
            "request_id": "0190f3a4-0000-7000-8000-00000000c0de",
            "assignment_id": str(assignment.assignment_id),
            "installer_id": str(assignment.installer_id),
            "reason_code": CreditReason.INVALID_CONTACT,
            "asked_by_name": "Robin Field",
            "is_proposal": True,
        }
        about = {"assignment_id": assignment.assignment_id, "installer_id": assignment.installer_id}
        await consume(books, incoming("assignment.return_requested", version=3, **about))
        await consume(books, incoming("assignment.returned", version=4, credits=[credit], **about))
        assert await still_open(books) == []
        assert await answers(books) == ["proposed"]
        (row,) = await books.rows("SELECT request_id, deed, is_proposal FROM credit_requests")
        assert tuple(row)[1:] == ("return", True)
        await self._agreed_by_two(books, row.request_id)
        assert await answers(books) == ["proposed", "pending_approval", "credited"]
        assert (await books.invoice(invoice_id)).balance_cents == 0
        balances = await books.trial_balance()
        assert (sum(balances.values()), balances.get("receivable", 0)) == (0, 0)

    async def _agreed_by_two(self, books: Books, request_id: UUID) -> None:
        """The invoice was issued before: over the limit it takes a second operator."""
        async with books.unit() as session:
            await agree_to_credit(session, request_id, MAKER, books.house.approval, NOW)
        assert (await books.trial_balance())["receivable"] == 33_000
        await approve(books, request_id)


class TestCreditsAsked:
    async def test_a_merge_asks_for_them(self, books: Books) -> None:
        assignment, invoice_id = await issued(books)
        event = incoming("lead.credits_asked")
        credit: Any = event.event.credits[0]  # type: ignore[attr-defined]
        about = {"assignment_id": str(assignment.assignment_id), "installer_id": str(assignment.installer_id)}
        told = credit.model_dump(mode="json") | about | {"is_proposal": False, "asked_by_id": str(invoice_id)}
        asked = incoming("lead.credits_asked", credits=[told])
        await consume(books, asked, asked)
        assert await answers(books) == ["credited"]
        [answered] = await books.published("delivery.credit_answered")
        assert answered["causation_id"] == str(asked.envelope.id)
