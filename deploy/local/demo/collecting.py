"""What is left open is chased: promised, paid in part, bounced, paid back, a statement mailed, the rest written off."""

from datetime import timedelta
from typing import Any

from deploy.local.demo.equality import Equality
from deploy.local.demo.stage import ZONE, Stage, at

TOO_MUCH_CENTS = 5_000
OPEN = (
    "SELECT id, account_id, number, balance_cents, due_at FROM invoices "
    "WHERE kind = 'installer' AND document_status = 'issued' AND balance_cents > 0 ORDER BY number LIMIT 1"
)


async def chase(stage: Stage) -> None:
    """All of it about the invoice that its customer left open, until nothing of it is waited for."""
    [invoice] = await stage.reader.rows("billing", OPEN)
    await _break_a_promise(stage, invoice)
    await _mail_a_statement(stage, invoice)
    await _take_in_too_much(stage, invoice)
    await _bounce(stage, invoice)
    await _pay_half(stage, invoice)
    await _write_off(stage, invoice)


async def _break_a_promise(stage: Stage, invoice: Any) -> None:
    until = max(stage.now(), invoice["due_at"].astimezone(ZONE)).date() + timedelta(days=2)
    path = f"/admin/billing/invoices/{invoice['id']}"
    await stage.finance.post("billing", f"{path}/promises", {"promised_for": until.isoformat()})
    await stage.finance.put("billing", f"{path}/owner", {"owner_id": str(stage.finance.operator_id)})
    stage.move_to(at(until + timedelta(days=1), 9))
    await stage.reader.until("the broken promise", lambda: _promises_to_judge(stage))
    overdue = await stage.finance.get("billing", "/admin/billing/receivables")
    stage.tell(
        f"{invoice['number']} was promised by {until:%-d %B} and did not come: "
        f"${overdue['total']['overdue_cents'] / 100:,.2f} is overdue in all"
    )


async def _promises_to_judge(stage: Stage) -> int:
    return await stage.reader.number("billing", "SELECT count(*) FROM promises WHERE state = 'open'")


async def _mail_a_statement(stage: Stage, invoice: Any) -> None:
    today = stage.now().date()
    body = {"from_day": (today - timedelta(days=60)).isoformat(), "to_day": today.isoformat()}
    sent = await stage.finance.post("billing", f"/admin/accounts/{invoice['account_id']}/statements", body)
    await stage.reader.until("the statement by mail", lambda: _statements_to_come(stage))
    stage.tell(f"its account gets a statement by mail, which closes at ${sent['closing_cents'] / 100:,.2f}")


async def _statements_to_come(stage: Stage) -> int:
    accepted = "SELECT count(*) FROM messages WHERE purpose = 'statement' AND state = 'accepted'"
    told = await stage.reader.number("billing", "SELECT sum(recipient_count) FROM statements")
    return told - await stage.reader.number("notifications", accepted)


async def _take_in_too_much(stage: Stage, invoice: Any) -> None:
    """One sum by transfer, oldest due first; what is more than is owed goes back."""
    account = f"/admin/billing/accounts/{invoice['account_id']}/receipts"
    amount_cents = invoice["balance_cents"] + TOO_MUCH_CENTS
    split = await stage.finance.post("billing", f"{account}/preview", {"amount_cents": amount_cents})
    receipt = await stage.finance.post("billing", account, _received(stage, f"EFT {invoice['number']}", amount_cents))
    refund = {"reason_code": "refunded", "notes": "They sent too much", "external_ref": "EFT out 1"}
    await stage.finance.post("billing", f"/admin/billing/receipts/{receipt['id']}/reverse-rest", refund)
    _tally(stage, receipt)
    stage.tell(
        f"${amount_cents / 100:,.2f} comes in for it and pays {len(split['parts'])} invoice; "
        f"${split['rest_cents'] / 100:,.2f} goes back"
    )


def _received(stage: Stage, reference: str, amount_cents: int) -> dict[str, Any]:
    return {
        "amount_cents": amount_cents,
        "received_at": stage.now().isoformat(),
        "method": "bank_transfer",
        "reference": reference,
    }


def _tally(stage: Stage, receipt: Any) -> None:
    stage.tally.transfer_paid_cents += sum(payment["amount_cents"] for payment in receipt["payments"])


async def _bounce(stage: Stage, invoice: Any) -> None:
    """The bank takes it back: the payment stays as it was, and a new row says that it is gone."""
    query = "SELECT id FROM payments WHERE invoice_id = $1"
    [payment] = await stage.reader.rows("billing", query, invoice["id"])
    bounced = await stage.finance.post(
        "billing", f"/admin/billing/payments/{payment['id']}/reverse", {"reason_code": "bounced"}
    )
    owed_cents = bounced["invoices"][0]["balance_cents"]
    stage.tell(f"the payment bounces: ${owed_cents / 100:,.2f} is owed again")


async def _pay_half(stage: Stage, invoice: Any) -> None:
    account = f"/admin/billing/accounts/{invoice['account_id']}/receipts"
    half_cents = invoice["balance_cents"] // 2
    body = _received(stage, f"EFT {invoice['number']} again", half_cents)
    body["parts"] = [{"invoice_id": str(invoice["id"]), "amount_cents": half_cents}]
    _tally(stage, await stage.finance.post("billing", account, body))
    stage.tell(f"half of it comes again: ${half_cents / 100:,.2f}")


async def _write_off(stage: Stage, invoice: Any) -> None:
    """Over the limit, by two operators; its GST is taken back."""
    asked = await stage.finance.post(
        "billing", f"/admin/billing/invoices/{invoice['id']}/write-off", {"reason_code": "insolvent"}
    )
    if asked["state"] == "pending":
        path = f"/admin/billing/write-offs/{asked['id']}/approve"
        asked = await stage.second.post("billing", path, {"notes": "The administrator pays nothing"})
    stage.tell(
        f"the rest is written off, ${asked['amount_cents'] / 100:,.2f}, "
        f"of which ${asked['gst_cents'] / 100:,.2f} GST is taken back"
    )


async def equalities(stage: Stage) -> list[Equality]:
    number = stage.reader.number
    states = "SELECT count(*) FROM promises WHERE state"
    reversed_cents = "SELECT sum(amount_cents) FROM payment_reversals"
    posted = (
        "SELECT -sum(amount_cents) FROM journal_entries e JOIN journal_postings p ON p.id = e.posting_id "
        "WHERE p.kind = 'payment_reversed' AND e.account IN ('cash', 'stripe_clearing')"
    )
    lost = "SELECT sum(amount_cents - gst_cents) FROM write_offs WHERE state = 'approved'"
    bad_debts = "SELECT sum(amount_cents) FROM journal_entries WHERE account = 'bad_debts'"
    snapshots = "SELECT count(*) FROM receivables_snapshots"
    return [
        Equality("promises broken", await number("billing", f"{states} = 'broken'"), 1),
        Equality("promises that nobody judged", await number("billing", f"{states} = 'open'"), 0),
        Equality("statements mailed = statements told", await _statements_to_come(stage), 0),
        Equality(
            "money that went back = its postings",
            await number("billing", reversed_cents),
            await number("billing", posted),
            True,
        ),
        Equality(
            "written off without GST = bad debts",
            await number("billing", lost),
            await number("billing", bad_debts),
            True,
        ),
        Equality("snapshots of receivables that differ from the ledger", await _untied(stage, snapshots), 0),
    ]


async def _untied(stage: Stage, snapshots: str) -> int:
    owed = "not_due_cents + to_30_cents + to_60_cents + to_90_cents + over_90_cents"
    return await stage.reader.number("billing", f"{snapshots} WHERE {owed} <> ledger_cents")
