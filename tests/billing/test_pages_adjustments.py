"""The queue of credits and debits as a room: what waits, until when, and the second operator's say by forms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.identity import Role
from services.billing.domain.adjustments import (
    DecisionObstacle,
    days_to_decide,
    obstacle_to_approval,
    obstacle_to_rejection,
)
from services.billing.domain.statuses import AdjustmentState
from services.billing.models import Adjustment
from tests.billing.arrangements import MAKER, SYDNEY, Books, march, sent
from tests.billing.windows import OPERATOR, Window

QUEUE = "/console/adjustments?state=pending"


def local(*wall_clock: int) -> datetime:
    """2 April 2026 is a Thursday."""
    return datetime(*wall_clock, tzinfo=SYDNEY)  # type: ignore[arg-type,misc]


@pytest.fixture
async def pending(books: Books) -> Adjustment:
    """A credit of $330.00 with GST, of an invoice of $467.50."""
    installer_id = await books.priced_installer()
    invoice = await books.issued_invoice(*(sent(installer_id, march(day)) for day in range(1, 6)))
    return await books.credit(invoice.id, 30_000)


class TestTimeLeft:
    @pytest.mark.parametrize(
        ("asked", "now", "left"),
        [
            (local(2026, 4, 2, 9), local(2026, 4, 2, 23), 5),
            (local(2026, 4, 2, 9), local(2026, 4, 4, 9), 4),
            (local(2026, 4, 2, 9), local(2026, 4, 9, 23, 59), 0),
            (local(2026, 4, 2, 9), local(2026, 4, 10), -1),
            (local(2026, 4, 4, 9), local(2026, 4, 5), 5),
            (local(2026, 4, 4, 9), local(2026, 4, 10), 0),
            (local(2026, 4, 2, 9), local(2026, 5, 2, 9), -16),
        ],
    )
    def test_counts_mondays_to_fridays_of_the_business_zone(self, asked: datetime, now: datetime, left: int) -> None:
        assert days_to_decide(asked, now, SYDNEY) == left

    async def test_is_the_same_in_the_list(self, books: Books, window: Window, pending: Adjustment) -> None:
        asked = books.clock.instant
        for passed in range(16):
            books.clock.instant = asked + timedelta(days=passed)
            left = days_to_decide(asked, books.clock.instant, SYDNEY)
            told = "Decide today" if left == 0 else f"{abs(left)} business day{'' if abs(left) == 1 else 's'}"
            page = await window.open(QUEUE)
            assert f"{told}{'' if left == 0 else ' left' if left > 0 else ' late'}" in page, passed
            assert ("later than its limit" in page) is (left < 0), passed


@pytest.mark.parametrize(
    ("state", "is_by_maker", "is_issued", "approval", "rejection"),
    [
        (AdjustmentState.PENDING, False, True, None, None),
        (AdjustmentState.PENDING, True, True, DecisionObstacle.MAKER, None),
        (AdjustmentState.PENDING, False, False, DecisionObstacle.NOT_ISSUED, None),
        (AdjustmentState.APPROVED, True, True, DecisionObstacle.APPROVED, DecisionObstacle.APPROVED),
        (AdjustmentState.REJECTED, False, True, DecisionObstacle.REJECTED, DecisionObstacle.REJECTED),
    ],
)
def test_what_is_in_the_way_of_a_decision(
    state: AdjustmentState, is_by_maker: bool, is_issued: bool, approval: Any, rejection: Any
) -> None:
    assert obstacle_to_approval(state, is_by_maker=is_by_maker, is_invoice_issued=is_issued) is approval
    assert obstacle_to_rejection(state) is rejection


class TestTheList:
    async def test_shows_what_waits_with_its_effect_summed(
        self, books: Books, window: Window, pending: Adjustment
    ) -> None:
        await books.credit(pending.invoice_id, 1_000)
        page = await window.open(QUEUE)
        assert "1 adjustment" in page
        assert "Business days are Monday to Friday, public holidays counted." in page
        assert page.count("−$330.00") == 2  # noqa: RUF001  # the row's and the sum
        everything = await window.open("/console/adjustments")
        assert "−$341.00" in everything  # noqa: RUF001

    async def test_narrows_to_what_is_late(self, books: Books, window: Window, pending: Adjustment) -> None:
        assert "Nothing matches" in await window.open("/console/adjustments?due=late")
        books.clock.instant += timedelta(days=8)
        assert "1 adjustment" in await window.open("/console/adjustments?due=late")


class TestTheDocument:
    async def test_is_approved_by_another_operator(self, books: Books, window: Window, pending: Adjustment) -> None:
        path = f"/console/adjustments/{pending.id}"
        before = await window.open(path)
        assert "Takes $330.00 off" in before
        assert "Monday to Friday, public holidays counted" in before
        answer = await window.send(f"{path}/approve", notes="Agreed on the phone")
        assert answer.headers["location"] == f"{path}?done=approve"
        page = await window.open(f"{path}?done=approve")
        assert "Agreed to: it is in the books" in page
        assert "Agreed on the phone" in page
        assert (await books.invoice(pending.invoice_id)).balance_cents == 13_750

    async def test_is_turned_down_with_a_reason(self, books: Books, window: Window, pending: Adjustment) -> None:
        path = f"/console/adjustments/{pending.id}"
        await window.send(f"{path}/reject", status=422)
        await window.send(f"{path}/reject", notes="The mailbox did exist")
        page = await window.open(path)
        assert "Turned down" in page
        assert "The mailbox did exist" in page
        assert "<strong>Approve</strong>: it was rejected" in page
        assert (await books.invoice(pending.invoice_id)).balance_cents == 46_750

    async def test_is_not_its_makers_to_approve(self, window: Window, pending: Adjustment) -> None:
        page = await window.open(f"/console/adjustments/{pending.id}", operator_id=MAKER.id)
        assert "whoever asked for it cannot agree to it. Another operator who may move money has to agree." in page
        await window.send(f"/console/adjustments/{pending.id}/approve", status=409, options={"operator_id": MAKER.id})

    async def test_tells_who_can_to_whom_it_is_not_given(self, window: Window, pending: Adjustment) -> None:
        page = await window.open(f"/console/adjustments/{pending.id}", Role.EDITOR)
        assert page.count("Your role lacks manage_billing_ops. Super admins and admins can do it.") == 2
        await window.send(f"/console/adjustments/{pending.id}/reject", Role.EDITOR, status=403, notes="No")

    async def test_asks_for_a_fresh_second_factor(self, window: Window, pending: Adjustment) -> None:
        stale = {"mfa_at": datetime.now(UTC) - timedelta(minutes=10), "operator_id": OPERATOR}
        answer = await window.send(f"/console/adjustments/{pending.id}/approve", status=403, options=stale)
        assert "One-time code" in answer.text

    async def test_shows_what_people_wrote_as_text(self, books: Books, window: Window, pending: Adjustment) -> None:
        planted = "<script>document.title='planted'</script>"
        other = await books.credit(pending.invoice_id, 20_000 - 1_000, notes=planted)
        page = await window.open(f"/console/adjustments/{other.id}")
        assert planted not in page
        assert "&lt;script&gt;" in page


class TestTheQueue:
    async def test_shows_what_has_the_least_time_left_first_and_the_late_ones_alone(
        self, books: Books, window: Window, pending: Adjustment
    ) -> None:
        books.clock.instant += timedelta(days=9)
        later = await books.credit(pending.invoice_id, 20_000, notes="Asked later")
        page = await window.open(f"{QUEUE}&sort=asked")
        assert page.index(f"/console/adjustments/{pending.id}") < page.index(f"/console/adjustments/{later.id}")
        late = await window.open("/console/adjustments?due=late&sort=asked")
        assert f"/console/adjustments/{pending.id}" in late
        assert f"/console/adjustments/{later.id}" not in late
