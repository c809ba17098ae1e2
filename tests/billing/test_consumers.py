"""Kafka in: each event as it is on the wire becomes one command."""

import json
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.envelope import Event, Incoming
from contracts.registry import EVENTS
from services.billing.work import consumers
from tests.billing.arrangements import HOUSE, LONG_AGO, NOW, Books
from tests.kit import records

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"


def incoming(type_: str, *, version: int | None = None, **changed: Any) -> Incoming[Event]:
    """The golden example of the event, with fields changed."""
    example = json.loads((EXAMPLES / f"{type_}.1.json").read_text())
    event = EVENTS[type_].model_validate(example["body"] | changed)
    return records.incoming(event, version=version or int(example["headers"]["ce_aggregateversion"]))


async def consume(books: Books, *events: Incoming[Any]) -> None:
    """One after the other, each in a batch and a transaction of its own."""
    for event in events:
        await consume_batch(books, event)


async def consume_batch(books: Books, *events: Incoming[Any]) -> None:
    """All of one type, as the runtime hands them over: one list in one transaction."""
    handlers = {
        type_: handler for c in consumers(books.clock, books.house.approval) for type_, handler in c.by_type().items()
    }
    async with books.unit() as session:
        await handlers[events[0].envelope.type](session, list(events))


def test_subscribes_to_what_billing_lives_on() -> None:
    handled = {type_ for consumer in consumers(FixedClock(NOW), HOUSE.approval) for type_ in consumer.by_type()}
    assert handled == {
        "installer.changed",
        "client.changed",
        "board.closed",
        "lead.erased",
        "assignment.sent",
        "assignment.cap_released",
        "assignment.return_requested",
        "assignment.returned",
        "assignment.return_denied",
        "assignment.return_withdrawn",
        "lead.credits_asked",
        "payout.allocated",
        "payout.sent",
        "payout.reversed",
        "operator.changed",
    }


class TestAccounts:
    async def test_installer_changed_is_applied_by_the_envelopes_version(self, books: Books) -> None:
        await consume(books, incoming("installer.changed", version=2, name="Two"))
        await consume(books, incoming("installer.changed", version=1, name="One"))
        assert await books.value("SELECT name FROM accounts") == "Two"

    async def test_client_changed_is_applied_by_its_own_version(self, books: Books) -> None:
        change = incoming("client.changed")
        await consume(books, change)
        (row,) = await books.rows("SELECT * FROM accounts")
        client = change.event.client  # type: ignore[attr-defined]
        assert (row.kind, row.name, row.source_version) == ("client", client.name, client.version)
        assert row.agreed_terms_days == client.terms_days


class TestDeliveries:
    async def test_assignment_sent_is_priced_by_path_and_instant(self, books: Books) -> None:
        decision_id = new_id()
        event = incoming("assignment.sent", decision_id=decision_id)
        installer_id = event.event.installer_id  # type: ignore[attr-defined]
        await consume(books, incoming("installer.changed", installer_id=installer_id))
        await books.plan(installer_id, LONG_AGO, 8_500, 3_850)
        await consume(books, event, incoming("assignment.sent"))
        (row,) = await books.rows("SELECT * FROM delivery_events")
        assert (row.product_type, row.unit_price_cents) == ("shared", 3_850)
        assert (row.service, row.locality) == ("solar-battery", "Marrickville NSW 2204")
        (recorded,) = await books.published("delivery.recorded")
        assert recorded["causation_id"] == str(event.envelope.id)
        assert (row.decision_id, recorded["decision_id"]) == (decision_id, str(decision_id))

    async def test_a_cap_release_leaves_the_money_alone(self, books: Books) -> None:
        event = incoming("assignment.sent")
        assignment: Any = event.event
        await consume(books, incoming("installer.changed", installer_id=assignment.installer_id))
        await books.plan(assignment.installer_id, LONG_AGO, 8_500, 3_850)
        await consume(books, event, incoming("assignment.cap_released", assignment_id=assignment.assignment_id))
        (row,) = await books.rows("SELECT * FROM delivery_events")
        assert (row.cap_status, row.event_status, row.unit_price_cents) == ("released", "billable", 3_850)


class TestBoards:
    async def test_board_closed_drafts_its_invoice_once(self, books: Books) -> None:
        closed = incoming("board.closed")
        await consume(books, closed, incoming("board.closed"))
        (row,) = await books.rows("SELECT * FROM invoices")
        board: Any = closed.event
        assert (row.board_id, row.subtotal_cents) == (board.board_id, board.contracted_amount_cents)
        (event,) = await books.published("invoice.drafted")
        assert event["causation_id"] == str(closed.envelope.id)


class TestPayouts:
    async def test_the_journal_follows_an_experts_pay_there_and_back(self, books: Books) -> None:
        await consume(books, incoming("payout.allocated", amount_cents=42_000))
        assert await books.trial_balance() == {"expert_cost": 42_000, "expert_payable": -42_000}
        await consume(books, incoming("payout.sent", amount_cents=42_000))
        assert await books.trial_balance() == {"expert_cost": 42_000, "stripe_clearing": -42_000}
        await consume(books, incoming("payout.reversed", amount_cents=2_000, stripe_reversal_id="trr_1"))
        assert await books.trial_balance() == {
            "expert_cost": 42_000,
            "expert_payable": -2_000,
            "stripe_clearing": -40_000,
        }

    @pytest.mark.parametrize("type_", ["payout.allocated", "payout.sent", "payout.reversed"])
    async def test_the_same_fact_is_posted_once(self, books: Books, type_: str) -> None:
        await consume(books, incoming(type_), incoming(type_))
        assert await books.value("SELECT count(*) FROM journal_postings") == 1

    async def test_two_reversals_of_one_payout_are_two_facts(self, books: Books) -> None:
        first, second = (incoming("payout.reversed", stripe_reversal_id=f"trr_{n}") for n in (1, 2))
        await consume(books, first, second)
        assert await books.value("SELECT count(*) FROM journal_postings") == 2


class TestOperators:
    async def test_are_kept_as_identity_told_last(self, books: Books) -> None:
        """In whatever order it comes; who left stays, by name."""
        told = [incoming("operator.changed", version=4, name="Robin Field", is_active=False)]
        told += [incoming("operator.changed", version=version, name=f"Robin {version}") for version in (3, 5, 2)]
        await consume_batch(books, told[1], told[0], told[3])
        (row,) = await books.rows("SELECT name, is_active, capabilities, version FROM operators")
        assert (row.name, row.is_active, row.version) == ("Robin Field", False, 4)
        await consume(books, told[1], told[2])
        (row,) = await books.rows("SELECT name, is_active, capabilities, version FROM operators")
        assert (row.name, row.is_active, row.version) == ("Robin 5", True, 5)
        assert row.capabilities == list(told[2].event.model_dump()["capabilities"])


class TestBatches:
    """The same fact twice in one batch, under two event ids, is one fact: the first."""

    async def test_of_deliveries_and_cap_releases(self, books: Books) -> None:
        event = incoming("assignment.sent")
        sent: Any = event.event
        await consume(books, incoming("installer.changed", installer_id=sent.installer_id))
        await books.plan(sent.installer_id, LONG_AGO, 8_500, 3_850)
        later = incoming("assignment.sent", sent_at="2026-03-09T00:00:00Z")
        await consume_batch(books, event, later)
        assert await books.value("SELECT delivered_at FROM delivery_events") == sent.sent_at
        releases = [
            incoming("assignment.cap_released", assignment_id=sent.assignment_id, reason_code=reason)
            for reason in ("invalid_lead", "operator_error")
        ]
        await consume_batch(books, *releases)
        assert await books.value("SELECT cap_release_reason FROM delivery_events") == "invalid_lead"

    async def test_of_boards(self, books: Books) -> None:
        await consume_batch(books, *(incoming("board.closed", contracted_amount_cents=cents) for cents in (100, 200)))
        assert await books.value("SELECT subtotal_cents FROM invoices") == 100

    @pytest.mark.parametrize("type_", ["payout.allocated", "payout.sent", "payout.reversed"])
    async def test_of_payouts(self, books: Books, type_: str) -> None:
        await consume_batch(books, incoming(type_, amount_cents=100), incoming(type_, amount_cents=100))
        assert await books.value("SELECT count(*) FROM journal_postings") == 1
        assert await books.value("SELECT count(*) FROM journal_entries") == 2
