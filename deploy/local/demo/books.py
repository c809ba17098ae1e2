"""What came of it, as an independent reader sees it: named equalities between services, Stripe and the mailbox."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.local.demo import (
    away,
    collecting,
    credit_hold,
    duplicates,
    erasure,
    fairness,
    follow_ups,
    queue,
    reconciling,
    returns,
    sources,
)
from deploy.local.demo.books_routing import read_routing
from deploy.local.demo.equality import Equality
from deploy.local.demo.leads import SENT
from deploy.local.demo.stage import LEADS, Stage, at


@dataclass(frozen=True, slots=True)
class Books:
    figures: dict[str, int]
    equalities: Sequence[Equality]

    @property
    def failed(self) -> list[Equality]:
        return [equality for equality in self.equalities if not equality.holds]

    @property
    def tie(self) -> bool:
        return not self.failed

    def summary(self, seconds: float) -> dict[str, int | float]:
        return {
            **self.figures,
            "invariants_checked": len(self.equalities),
            "invariants_failed": len(self.failed),
            "seconds": seconds,
        }


ISSUED_INSTALLER = "kind = 'installer' AND document_status = 'issued'"


OF_MONTHS_OVER = "delivered_at < $1"


def _month_start(stage: Stage) -> datetime:
    """What was delivered since is billed when the month is over."""
    return at(stage.now().date().replace(day=1), 0)


async def read_books(stage: Stage) -> Books:
    figures = await _figures(stage)
    equalities = [
        *await _leads(stage),
        *await sources.equalities(stage),
        *await away.equalities(stage),
        *await credit_hold.equalities(stage),
        *await fairness.equalities(stage),
        *await returns.equalities(stage),
        *await queue.equalities(stage),
        *await _deliveries(stage),
        *await _invoices(stage, figures),
        *await _journal(stage),
        *await collecting.equalities(stage),
        *await reconciling.equalities(stage),
        *await _payouts(stage, figures),
        *await _mails(stage),
        *await read_routing(stage),
        *await follow_ups.equalities(stage),
        *await duplicates.equalities(stage),
        *await erasure.equalities(stage),
        *await _event_path(stage),
    ]
    return Books(figures, equalities)


async def _figures(stage: Stage) -> dict[str, int]:
    number, stripe = stage.reader.number, await stage.reader.stripe_totals()
    sent = "SELECT sum(amount_cents - reversed_cents) FROM payouts WHERE state = 'sent'"
    billed = f"SELECT sum(unit_price_cents) FROM delivery_events WHERE event_status <> 'void' AND {OF_MONTHS_OVER}"
    return {
        "leads": await number("intake", "SELECT count(*) FROM leads"),
        "assignments_sent": await number("routing", SENT),
        "delivery_events": await number("billing", "SELECT count(*) FROM delivery_events"),
        "billed_cents": await number("billing", billed, _month_start(stage)),
        "stripe_invoiced_cents": stripe["invoiced_cents"],
        "paid_cents": await number("billing", "SELECT sum(amount_cents) FROM payments"),
        "payouts_sent_cents": await number("payouts", sent),
        "stripe_transferred_cents": stripe["transferred_cents"] - stripe["reversed_cents"],
        "mails_sent": await stage.reader.mail_count(),
    }


OVER_BEFORE = """SELECT count(*) FROM leads WHERE status = 'closed' AND NOT EXISTS (
    SELECT FROM lead_status_changes s WHERE s.lead_id = leads.id AND s.to_status = 'routable')"""
"""Merged, erased or closed while they were held: dispatch has not heard of them."""
SHOWN_AS_DELIVERED = (
    "SELECT count(*) FROM leads WHERE status = 'delivered' "
    "OR delivered_at IS NOT NULL AND (merged_into IS NOT NULL OR erased_at IS NOT NULL)"
)
"""A tombstone and whoever was erased tell that they were delivered before."""


async def _leads(stage: Stage) -> list[Equality]:
    number = stage.reader.number
    leads = await number("intake", "SELECT count(*) FROM leads")
    of_status = "SELECT count(*) FROM leads WHERE status"
    held, rejected = [
        await number("intake", f"{of_status} = '{status}'") for status in ("duplicate_review", "rejected")
    ]
    dispatched = await number("routing", "SELECT count(*) FROM dispatches")
    decided = "SELECT count(DISTINCT lead_id) FROM decisions"
    delivered = "SELECT count(DISTINCT lead_id) FROM assignments WHERE status = 'sent'"
    over = "SELECT count(*) FROM cap_windows w JOIN installers i ON i.id = w.installer_id AND w.kind = 'month' "
    shares = "SELECT lead_id FROM assignments WHERE status = 'sent' GROUP BY lead_id, selected_path HAVING count(*) > "
    exclusive = f"{shares} CASE selected_path WHEN 'recommended_installer' THEN 1 ELSE 3 END"
    return [
        Equality("leads accepted over HTTP = leads stored", stage.tally.leads_accepted, leads),
        Equality("leads that nobody screened", await number("intake", f"{of_status} = 'received'"), 0),
        Equality(
            "leads stored = dispatched, held, rejected and over before",
            leads,
            dispatched + held + rejected + await number("intake", OVER_BEFORE),
        ),
        Equality("leads dispatched = leads decided", dispatched, await number("routing", decided)),
        Equality(
            "leads with a delivery = leads shown as delivered",
            await number("routing", delivered),
            await number("intake", SHOWN_AS_DELIVERED),
        ),
        Equality(
            "leads sold to more installers than their product allows", await _count(stage, "routing", exclusive), 0
        ),
        Equality(
            "installers over their cap", await number("routing", f"{over} WHERE w.reserved + w.used > i.month_limit"), 0
        ),
        Equality("repeated submissions answered alike", stage.tally.replays_answered, LEADS // 20),
        Equality("another content under a used key refused", stage.tally.conflicts_refused, 1),
    ]


async def _count(stage: Stage, service: str, query: str) -> int:
    return await stage.reader.number(service, f"SELECT count(*) FROM ({query}) AS found")


async def _deliveries(stage: Stage) -> list[Equality]:
    number = stage.reader.number
    sent = await number("routing", SENT)
    events = await number("billing", "SELECT count(*) FROM delivery_events")
    charged = "SELECT count(*) FROM delivery_events WHERE event_status <> 'void'"
    over = f"{charged} AND {OF_MONTHS_OVER}"
    unbilled = (
        "SELECT count(*) FROM delivery_events e WHERE event_status <> 'void' AND NOT EXISTS "
        "(SELECT FROM invoice_lines WHERE is_live AND delivery_event_id = e.id) AND NOT EXISTS "
        "(SELECT FROM adjustment_deliveries WHERE is_live AND delivery_event_id = e.id)"
    )
    billable = await number("billing", over, _month_start(stage))
    lines = (
        "SELECT (SELECT count(*) FROM invoice_lines WHERE is_live AND delivery_event_id IS NOT NULL) "
        "+ (SELECT count(*) FROM adjustment_deliveries WHERE is_live)"
    )
    once = "SELECT delivery_event_id FROM invoice_lines WHERE is_live GROUP BY 1 HAVING count(delivery_event_id) > 1"
    return [
        Equality("assignments sent or returned = delivery events", sent, events),
        Equality(
            "deliveries of months that are over = lines and late debits", billable, await number("billing", lines)
        ),
        Equality(
            "deliveries of the running month = not billed yet",
            await number("billing", charged) - billable,
            await number("billing", unbilled),
        ),
        Equality("deliveries that stand on two lines", await _count(stage, "billing", once), 0),
        Equality("deliveries still held", await number("billing", HELD), 0),
        Equality(
            "caps released at routing = at billing",
            await number("routing", "SELECT count(*) FROM assignments WHERE cap_state = 'released'"),
            await number("billing", "SELECT count(*) FROM delivery_events WHERE cap_status = 'released'"),
        ),
    ]


HELD = "SELECT count(*) FROM held_deliveries WHERE released_at IS NULL"


async def _invoices(stage: Stage, figures: dict[str, int]) -> list[Equality]:
    number, stripe = stage.reader.number, await stage.reader.stripe_totals()
    subtotal = f"SELECT sum(subtotal_cents) FROM invoices WHERE {ISSUED_INSTALLER}"
    total = f"SELECT sum(total_cents) FROM invoices WHERE {ISSUED_INSTALLER}"
    lines = (
        "SELECT sum(l.inc_gst_cents) FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id "
        "WHERE i.document_status = 'issued'"
    )
    by_stripe = "SELECT sum(amount_cents) FROM payments WHERE external_payment_ref IS NOT NULL"
    by_transfer = "SELECT sum(amount_cents) FROM payments WHERE external_payment_ref IS NULL"
    issued = "SELECT sum(total_cents) FROM invoices WHERE document_status = 'issued'"
    gaps = "SELECT max(substring(number FROM 4)::int) - count(*) FROM invoices WHERE number IS NOT NULL"
    gst = (
        "SELECT id FROM invoices WHERE document_status = 'issued' "
        "AND gst_cents <> round(subtotal_cents * 0.1) AND kind = 'installer'"
    )
    return [
        await _money(stage, "prices of deliveries = installers' subtotals", figures["billed_cents"], subtotal),
        await _money(stage, "installers' totals = invoiced at Stripe", total, stripe["invoiced_cents"]),
        await _money(stage, "totals = sum of lines with GST", issued, lines),
        Equality("GST that is not a tenth of its invoice", await _count(stage, "billing", gst), 0),
        await _money(stage, "payments from Stripe = paid at Stripe", by_stripe, stripe["paid_cents"]),
        await _money(stage, "payments by transfer = received", by_transfer, stage.tally.transfer_paid_cents),
        Equality("gaps in the invoice numbers", await number("billing", gaps), 0),
    ]


OPEN_BALANCES = "SELECT sum(balance_cents) FROM invoices WHERE document_status = 'issued'"
INVOICED_GST = (
    "SELECT (SELECT sum(gst_cents + adjusted_gst_cents) FROM invoices WHERE document_status = 'issued') "
    "- coalesce((SELECT sum(gst_cents) FROM write_offs WHERE state = 'approved'), 0)"
)
RECEIVED = (
    "SELECT sum(amount_cents) FROM journal_entries e JOIN journal_postings p ON p.id = e.posting_id "
    "WHERE p.kind = 'payment_received' AND e.account IN ('cash', 'stripe_clearing')"
)
UNBALANCED = "SELECT posting_id FROM journal_entries GROUP BY posting_id, currency HAVING sum(amount_cents) <> 0"


async def _journal(stage: Stage) -> list[Equality]:
    credit, payments = _credited("customer_credit"), "SELECT sum(amount_cents) FROM payments"
    left, unpaid = "SELECT sum(customer_credit_cents) FROM invoices", "SELECT sum(amount_cents) FROM payouts"
    return [
        Equality("postings that do not sum to zero", await _count(stage, "billing", UNBALANCED), 0),
        await _money(stage, "receivable in the journal = open balances", _debited("receivable"), OPEN_BALANCES),
        await _money(stage, "received in the journal = payments", RECEIVED, payments),
        await _money(stage, "customers' credit in the journal = what their invoices left", credit, left),
        await _money(
            stage, "customers' credit in the journal = overpaid in the play", credit, stage.tally.overpaid_cents
        ),
        await _money(
            stage,
            "GST in the journal = GST on invoices and their notes, less that of write-offs",
            _credited("gst_payable"),
            INVOICED_GST,
        ),
        await _money(
            stage,
            "owed to experts in the journal = unpaid payouts",
            _credited("expert_payable"),
            await stage.reader.number("payouts", f"{unpaid} WHERE state <> 'sent'"),
        ),
    ]


def _debited(account: str) -> str:
    return f"SELECT sum(amount_cents) FROM journal_entries WHERE account = '{account}'"


def _credited(account: str) -> str:
    return f"SELECT -sum(amount_cents) FROM journal_entries WHERE account = '{account}'"


async def _money(stage: Stage, name: str, left: str | int, right: str | int) -> Equality:
    """In cents: a query of billing's database, or what was read elsewhere."""
    left, right = [
        await stage.reader.number("billing", side) if isinstance(side, str) else side for side in (left, right)
    ]
    return Equality(name, left, right, is_money=True)


async def _payouts(stage: Stage, figures: dict[str, int]) -> list[Equality]:
    number = stage.reader.number
    pools = "SELECT sum(contracted_amount_cents * 7000 / 10000) FROM boards WHERE allocated_at IS NOT NULL"
    return [
        Equality(
            "boards' pools = pay allocated",
            await number("payouts", pools),
            await number("payouts", "SELECT sum(amount_cents) FROM payouts"),
            True,
        ),
        Equality(
            "payouts sent = transferred at Stripe",
            figures["payouts_sent_cents"],
            figures["stripe_transferred_cents"],
            True,
        ),
        Equality(
            "payouts sent = successful attempts",
            await number("payouts", "SELECT count(*) FROM payouts WHERE state = 'sent'"),
            await number("payouts", "SELECT count(*) FROM attempts WHERE outcome = 'succeeded' AND kind = 'transfer'"),
        ),
    ]


INVOICED = "SELECT DISTINCT recipient_email FROM messages WHERE purpose = 'invoice'"


async def _mails(stage: Stage) -> list[Equality]:
    number, in_mailbox = stage.reader.number, await stage.reader.mail_count()
    accepted = "SELECT count(*) FROM messages WHERE state = 'accepted'"
    leads = f"{accepted} AND purpose = 'lead_delivery'"
    receipts = f"{accepted} AND purpose = 'payout_receipt'"
    documents = await stage.reader.rows("billing", "SELECT sha256 FROM documents")
    told = await stage.reader.rows("notifications", INVOICED)
    mails = [mail for row in told for mail in await stage.reader.mails_to(row["recipient_email"])]
    attached = [
        hashlib.sha256(await stage.reader.attachment(mail["id"])).hexdigest() for mail in mails if mail["attachments"]
    ]
    return [
        Equality("mails accepted = mails in the mailbox", await number("notifications", accepted), in_mailbox),
        Equality(
            "leads mailed = assignments sent or returned by mail",
            await number("notifications", leads),
            await number("routing", f"{SENT} AND channel = 'mail'"),
        ),
        Equality(
            "receipts mailed = payouts sent",
            await number("notifications", receipts),
            await number("payouts", "SELECT count(*) FROM payouts WHERE state = 'sent'"),
        ),
        Equality(
            "documents rendered = documents in mails, byte for byte",
            len(documents),
            len({row["sha256"] for row in documents} & set(attached)),
        ),
    ]


async def _event_path(stage: Stage) -> list[Equality]:
    parked = "SELECT count(*) FROM parked_events WHERE state = 'parked'"
    return [
        Equality("events still in an outbox", await stage.reader.events_under_way(), 0),
        Equality("events parked", sum([await stage.reader.number(name, parked) for name in stage.reader.services]), 0),
    ]
