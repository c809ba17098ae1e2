"""Credits that are proposed, as finance decides on them: by JSON, by forms, on the desk and beside a month's close."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from services.billing.commands.credit_proposals import agree_to_credit, decline_credit
from services.billing.commands.returns import ReturnAsked, open_returns
from services.billing.domain.adjustments import days_to_decide
from services.billing.domain.credit_requests import (
    CreditResult,
    Proposal,
    ProposalAction,
    ProposalObstacle,
    obstacle_to,
)
from services.billing.errors import ProposalDecided
from tests.billing.arrangements import LONG_AGO, MAKER, SYDNEY, Books, march, sent
from tests.billing.credits import (
    DEAR_CENTS,
    answers,
    ask,
    asked,
    delivered,
    drafted,
    issued,
    last_answer,
    proposed,
    versions,
)
from tests.billing.desk import Desk, code_of
from tests.billing.test_pages_desk import waits
from tests.billing.test_races import together
from tests.billing.windows import OPERATOR, Window

ROOM = "/console/credit-proposals"


def admin(request_id: UUID, deed: str = "") -> str:
    return f"/admin/credit-proposals/{request_id}{deed and '/' + deed}"


@pytest.mark.parametrize(
    ("proposal", "agree", "decline"),
    [
        (Proposal(CreditResult.PROPOSED), None, None),
        (Proposal(CreditResult.PROPOSED, is_held=True), ProposalObstacle.NO_PRICE, None),
        (Proposal(CreditResult.PROPOSED, is_under_way=True), ProposalObstacle.UNDER_WAY, None),
        (Proposal(None), ProposalObstacle.UNKNOWN_DELIVERY, ProposalObstacle.UNKNOWN_DELIVERY),
        (Proposal(CreditResult.CREDITED, is_agreed=True), ProposalObstacle.AGREED, ProposalObstacle.AGREED),
        (Proposal(CreditResult.DECLINED, is_agreed=True), ProposalObstacle.DECLINED, ProposalObstacle.DECLINED),
        (Proposal(CreditResult.NOT_CHARGED), ProposalObstacle.OVER, ProposalObstacle.OVER),
        (
            Proposal(CreditResult.CREDITED, is_proposal=False),
            ProposalObstacle.NOT_PROPOSED,
            ProposalObstacle.NOT_PROPOSED,
        ),
    ],
)
def test_what_is_in_the_way_of_a_decision(proposal: Proposal, agree: Any, decline: Any) -> None:
    assert obstacle_to(ProposalAction.AGREE, proposal) is agree
    assert obstacle_to(ProposalAction.DECLINE, proposal) is decline


class TestAgree:
    async def test_credits_an_issued_one_with_who_agreed_as_its_maker(self, desk: Desk, books: Books) -> None:
        assignment, invoice_id = await issued(books)
        request = proposed(assignment)
        await ask(books, request)
        before = await desk.get(admin(request.request_id))
        assert (before["result"], before["days_left"], before["available_actions"]) == (
            "proposed",
            5,
            ["agree", "decline"],
        )
        headers = desk.as_another(UUID(int=9), "Fay Finance")
        after = await desk.do("POST", admin(request.request_id, "agree"), headers=headers)
        assert (after["result"], after["decided_by_name"], after["available_actions"]) == (
            "credited",
            "Fay Finance",
            [],
        )
        assert await books.value("SELECT made_by_name FROM adjustments") == "Fay Finance"
        assert (await books.invoice(invoice_id)).balance_cents == 0
        assert await versions(books, assignment) == [1, 2, 3, 4]

    async def test_over_the_limit_needs_a_second_operator_all_the_same(self, desk: Desk, books: Books) -> None:
        assignment, _ = await issued(books, cents=DEAR_CENTS)
        request = proposed(assignment)
        await ask(books, request)
        headers = desk.as_another(UUID(int=9), "Fay Finance")
        await desk.do("POST", admin(request.request_id, "agree"), headers=headers)
        path = f"/admin/billing/adjustments/{request.request_id}/approve"
        assert code_of(await desk.ask("POST", path, headers=headers)) == "maker_cannot_approve"
        await desk.do("POST", path, headers=desk.as_another(MAKER.id, MAKER.name))
        assert await answers(books) == ["proposed", "pending_approval", "credited"]

    async def test_its_days_run_on_when_somebody_agrees(self, desk: Desk, books: Books, window: Window) -> None:
        assignment, _ = await issued(books, cents=DEAR_CENTS)
        request = proposed(assignment)
        await ask(books, request)
        asked_at = books.clock.now()
        left = days_to_decide(asked_at, asked_at + timedelta(days=7), SYDNEY)
        books.clock.instant += timedelta(days=7)
        await desk.do("POST", admin(request.request_id, "agree"), headers=desk.as_another(UUID(int=9), "Fay Finance"))
        [pending] = await desk.items("/admin/billing/adjustments", state="pending")
        assert datetime.fromisoformat(pending["asked_at"]) == asked_at
        assert left == 0
        assert "Decide today" in await window.open("/console/adjustments?state=pending")
        assert "decide today" in await window.open(f"/console/adjustments/{pending['id']}")

    async def test_on_a_draft_waits_for_the_issue(self, desk: Desk, books: Books) -> None:
        assignment, invoice_id = await drafted(books)
        request = proposed(assignment)
        await ask(books, request)
        await desk.do("POST", admin(request.request_id, "agree"))
        await books.issue(invoice_id)
        assert await answers(books) == ["proposed", "waits_for_invoice", "credited"]

    async def test_unbilled_is_voided(self, desk: Desk, books: Books) -> None:
        request = proposed(await delivered(books))
        await ask(books, request)
        for _ in range(2):
            assert (await desk.do("POST", admin(request.request_id, "agree")))["result"] == "voided"
        entries = await books.rows("SELECT action FROM audit_entries ORDER BY occurred_at")
        assert sorted(entry.action for entry in entries) == ["agree_to_credit", "void_delivery"]

    async def test_without_a_price_has_to_wait(self, desk: Desk, books: Books) -> None:
        installer_id = await books.installer()
        await books.deliver(assignment := sent(installer_id, march(3)))
        request = proposed(assignment)
        await ask(books, request)
        answer = await desk.ask("POST", admin(request.request_id, "agree"))
        assert (answer.status_code, code_of(answer)) == (409, "credit_proposal_not_ready")
        await books.plan(installer_id, LONG_AGO, 8_500, 3_850)
        assert (await desk.do("POST", admin(request.request_id, "agree")))["result"] == "voided"

    async def test_beside_one_that_is_under_way_has_to_wait(self, desk: Desk, books: Books) -> None:
        assignment, invoice_id = await drafted(books)
        request = proposed(assignment)
        await ask(books, request)
        await ask(books, asked(assignment))
        answer = await desk.ask("POST", admin(request.request_id, "agree"))
        assert code_of(answer) == "credit_proposal_not_ready"
        await books.issue(invoice_id)
        assert await answers(books, request) == ["proposed", "not_charged"]

    async def test_asks_for_a_fresh_second_factor_and_the_right_to_move_money(self, desk: Desk, books: Books) -> None:
        request = proposed(await delivered(books))
        await ask(books, request)
        await desk.do("POST", admin(request.request_id, "agree"), role=Role.EDITOR, status=403)
        stale = desk.identity.headers(Role.ADMIN, mfa_at=datetime.now(UTC) - timedelta(minutes=10))
        await desk.do("POST", admin(request.request_id, "agree"), headers=stale, status=403)


class TestDecline:
    async def test_tells_why_and_changes_nothing(self, desk: Desk, books: Books) -> None:
        assignment, invoice_id = await issued(books)
        request = proposed(assignment)
        await ask(books, request)
        for _ in range(2):
            told = await desk.do("POST", admin(request.request_id, "decline"), {"note": "The number answers"})
            assert (told["result"], told["decline_note"]) == ("declined", "The number answers")
        assert (await last_answer(books, request))["detail"] == "Finance declined it: why stands with the proposal"
        assert (await books.invoice(invoice_id)).balance_cents == 9_350
        answer = await desk.ask("POST", admin(request.request_id, "agree"))
        assert code_of(answer) == "credit_proposal_decided"
        assert await books.value("SELECT count(*) FROM audit_entries") == 1

    async def test_without_a_note_is_refused(self, desk: Desk, books: Books) -> None:
        request = proposed(await delivered(books))
        await ask(books, request)
        await desk.do("POST", admin(request.request_id, "decline"), {}, status=422)

    async def test_of_what_was_asked_for_by_who_may_is_refused(self, desk: Desk, books: Books) -> None:
        request = asked(await delivered(books))
        await ask(books, request)
        answer = await desk.ask("POST", admin(request.request_id, "decline"), {"note": "No"})
        assert code_of(answer) == "credit_proposal_decided"

    async def test_of_something_unknown(self, desk: Desk) -> None:
        await desk.do("POST", admin(new_id(), "decline"), {"note": "No"}, status=404)

    async def test_while_another_agrees_one_of_them_has_decided(self, shared_books: Books) -> None:
        books = shared_books
        rule, now = books.house.approval, books.clock.now()
        for _ in range(4):
            assignment, invoice_id = await issued(books)
            request = proposed(assignment)
            await ask(books, request)

            async def agree(id_: UUID = request.request_id) -> None:
                async with books.unit() as session:
                    await agree_to_credit(session, id_, MAKER, rule, now)

            async def decline(id_: UUID = request.request_id) -> None:
                async with books.unit() as session:
                    await decline_credit(session, id_, MAKER, "No", now)

            _, faults = await together(agree(), decline())
            assert [type(fault) for fault in faults] == [ProposalDecided]
            last = (await answers(books, request))[-1]
            assert ((await books.invoice(invoice_id)).balance_cents, last) in {(0, "credited"), (9_350, "declined")}


class TestTheList:
    async def test_shows_what_is_to_be_decided_and_what_is_late(self, books: Books, window: Window) -> None:
        await ask(books, proposed(await delivered(books), asked_by_name="Rita <b>Routing</b>"))
        page = await window.open(f"{ROOM}?state=proposed")
        assert "1 request" in page
        assert "5 business days left" in page
        assert "Business days are Monday to Friday, public holidays counted." in page
        assert "Rita &lt;b&gt;Routing" in page
        assert "Nothing matches" in await window.open(f"{ROOM}?due=late")
        books.clock.instant += timedelta(days=9)
        assert "business day late" in await window.open(f"{ROOM}?due=late")

    async def test_has_one_that_came_before_its_delivery(self, books: Books, window: Window) -> None:
        await ask(books, proposed(sent(await books.priced_installer(), march(3))))
        assert "Waits for its delivery" in await window.open(ROOM)

    async def test_is_the_same_over_json(self, desk: Desk, books: Books) -> None:
        first, second = await delivered(books), await delivered(books, day=11)
        await ask(books, proposed(first), asked(second))
        assert [row["result"] for row in await desk.items("/admin/credit-proposals")] == ["proposed"]
        everything = await desk.items("/admin/credit-proposals", proposals_only=False)
        assert {row["result"] for row in everything} == {"proposed", "voided"}
        found = await desk.items(
            "/admin/credit-proposals", proposals_only=False, state="voided", assignment_id=str(second.assignment_id)
        )
        assert [row["installer_name"] for row in found] == ["Sunny Roofs Pty Ltd"]


class TestTheDocument:
    async def test_tells_what_agreeing_does_and_does_it(self, books: Books, window: Window) -> None:
        assignment, _ = await issued(books)
        request = proposed(assignment, note="The <i>number</i> is another's")
        await ask(books, request)
        path = f"{ROOM}/{request.request_id}"
        page = await window.open(path)
        assert "Takes $93.50 (with GST) off WB-000001" in page
        assert "The &lt;i&gt;number&lt;/i&gt; is another" in page
        answer = await window.send(f"{path}/agree")
        assert answer.headers["location"] == f"{path}?done=agree"
        page = await window.open(f"{path}?done=agree")
        assert "Agreed to: what became of it is above" in page
        assert "it was agreed to" in page

    @pytest.mark.parametrize(
        ("state", "cents", "told"),
        [
            (delivered, 8_500, "Takes it out of billing for good"),
            (delivered, DEAR_CENTS, "It is billed first, because $330.00 is over $200.00"),
            (drafted, 8_500, "The draft stays as it is: $93.50 (with GST) are credited right after its issue"),
            (issued, DEAR_CENTS, "it is over $200.00, and another operator has to agree"),
        ],
    )
    async def test_tells_the_road_that_its_delivery_is_on(
        self, books: Books, window: Window, state: Any, cents: int, told: str
    ) -> None:
        found = await state(books, cents=cents)
        request = proposed(found[0] if isinstance(found, tuple) else found)
        await ask(books, request)
        assert told in await window.open(f"{ROOM}/{request.request_id}")

    async def test_is_declined_with_a_note(self, books: Books, window: Window) -> None:
        assignment, _ = await issued(books)
        request = proposed(assignment)
        await ask(books, request)
        path = f"{ROOM}/{request.request_id}"
        await window.send(f"{path}/decline", status=422)
        await window.send(f"{path}/decline", note="It answers")
        page = await window.open(path)
        assert "Declined" in page
        assert "It answers" in page

    async def test_tells_who_can_to_whom_it_is_not_given(self, books: Books, window: Window) -> None:
        request = proposed(await delivered(books))
        await ask(books, request)
        page = await window.open(f"{ROOM}/{request.request_id}", Role.EDITOR)
        assert page.count("Your role lacks manage_billing_ops. Super admins and admins can do it.") == 2

    async def test_asks_for_a_fresh_second_factor(self, books: Books, window: Window) -> None:
        request = proposed(await delivered(books))
        await ask(books, request)
        stale = {"mfa_at": datetime.now(UTC) - timedelta(minutes=10), "operator_id": OPERATOR}
        answer = await window.send(f"{ROOM}/{request.request_id}/agree", status=403, options=stale)
        assert "One-time code" in answer.text


class TestElsewhere:
    async def test_the_desk_counts_what_is_proposed(self, books: Books) -> None:
        await ask(books, proposed(await delivered(books)), proposed(await delivered(books, day=12)))
        assert (await waits(books))["2 credits are proposed"] == 2

    async def test_the_close_of_a_month_names_credits_that_wait_and_returns_that_are_open(
        self, books: Books, window: Window
    ) -> None:
        assignment, _ = await drafted(books)
        await ask(books, asked(assignment))
        async with books.unit() as session:
            asked_back = ReturnAsked(assignment.assignment_id, assignment.installer_id, new_id(), 3, march(20))
            await open_returns(session, [asked_back])
        page = await window.open("/console/month-close/2026-03/review")
        assert "1 credit waits for these invoices" in page
        assert "1 return of the month is not decided" in page
        returns = await window.open("/console/month-close/2026-03/returns")
        assert f'/console/returns/{asked_back.return_id}">Decide</a>' in returns
        assert '/console/returns">All returns that wait for a decision</a>' in returns
        assert "1 credit waits for an invoice" in await window.open("/console/adjustments?state=pending")
        other = await window.open("/console/month-close/2026-02/review")
        assert "for these invoices" not in other
