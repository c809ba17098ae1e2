"""The books are held against Stripe's, both ways, and certified."""

from collections.abc import Mapping
from typing import Any

from deploy.local.demo.equality import Equality
from deploy.local.demo.stage import Stage

RUNS = "/admin/billing/reconciliations"
CERTIFICATES = "/admin/billing/certificates"
SETTLED_HERE = """
    SELECT CAST(id AS text) AS id, number, written_off_cents > 0 AS is_written_off,
           EXISTS (
               SELECT FROM payments WHERE invoice_id = invoices.id AND external_payment_ref IS NULL
           ) AS has_transfers
    FROM invoices WHERE stripe_invoice_id IS NOT NULL
"""
UNKNOWN: Mapping[str, Any] = {"number": "no invoice of ours", "is_written_off": False, "has_transfers": False}


def cause_of(difference: Mapping[str, Any], invoice: Mapping[str, Any]) -> dict[str, str]:
    """Why both sides are right, by what was done here to the invoice and not at Stripe."""
    number = invoice["number"]
    if difference["code"] == "credit_note_not_at_stripe":
        return _settled(f"{number} is credited by our own note: at Stripe its customer paid it whole, or still owes it")
    if difference["code"] == "invoice_state_differs" and invoice["is_written_off"]:
        return _settled(f"{number} is written off here: at Stripe it stays {difference['theirs_state']}")
    if difference["code"] == "invoice_state_differs" and invoice["has_transfers"]:
        return _settled(f"{number} was paid to the bank by transfer: at Stripe it stays {difference['theirs_state']}")
    told = difference["code"].replace("_", " ")
    ours, theirs = (_side(difference, side) for side in ("ours", "theirs"))
    return {"reason_code": "timing", "reason": f"{number}, {told}: {ours} here and {theirs} at Stripe when compared"}


def _settled(reason: str) -> dict[str, str]:
    return {"reason_code": "settled_elsewhere", "reason": reason}


def _side(difference: Mapping[str, Any], side: str) -> str:
    cents, state = difference[f"{side}_cents"], difference[f"{side}_state"]
    return "nothing" if cents is None else " ".join(filter(None, (f"${cents / 100:,.2f}", state)))


async def reconcile(stage: Stage) -> None:
    """What differs is looked at one by one, and accepted for the cause that it has."""
    begun = await stage.finance.post("billing", RUNS)
    await stage.reader.until("the comparison with Stripe", lambda: _unfinished(stage, begun["id"]))
    open_ = await stage.finance.every("billing", "/admin/billing/differences", state="open")
    invoices = {row["id"]: dict(row) for row in await stage.reader.rows("billing", SETTLED_HERE)}
    for difference in open_:
        path = f"/admin/billing/differences/{difference['id']}"
        cause = cause_of(difference, invoices.get(difference["invoice_id"], UNKNOWN))
        await stage.finance.post("billing", f"{path}/assign", {"owner_id": str(stage.finance.operator_id)})
        await stage.finance.post("billing", f"{path}/accept", cause)
    await stage.finance.post("billing", f"{RUNS}/reviews", {"note": "Looked at one by one"})
    told = await stage.finance.get("billing", f"{RUNS}/{begun['id']}")
    kinds = sorted({each["code"] for each in open_})
    stage.tell(
        f"{told['item_count']:,} things of Stripe's are compared with ours: {len(open_)} differ"
        + (f" ({', '.join(kinds)})" if kinds else "")
    )


async def _unfinished(stage: Stage, run_id: str) -> str | None:
    told = await stage.finance.get("billing", f"{RUNS}/{run_id}")
    return None if told["stage"] == "finished" else str(told["stage"])


async def certify(stage: Stage) -> Any:
    """The service's own certificate, signed; what it says is shown beside what an independent reader sees."""
    certificate = await stage.finance.post("billing", CERTIFICATES)
    verified = await stage.finance.get("billing", f"{CERTIFICATES}/{certificate['id']}/verify")
    stage.tell(
        f"the books are certified: {certificate['equality_count']} equalities, {certificate['failed_count']} fail, "
        f"{certificate['not_compared_count']} not compared; the signature is {verified['state']}"
    )
    return certificate


async def equalities(stage: Stage) -> list[Equality]:
    number = stage.reader.number
    fees = "SELECT sum(amount_cents) FROM journal_entries WHERE account = 'stripe_fees'"
    last = "SELECT {} FROM reconciliations WHERE mode = 'asked' ORDER BY finished_at DESC LIMIT 1"
    return [
        Equality("differences to Stripe that nobody looked at", await number("billing", OPEN_DIFFERENCES), 0),
        Equality(
            "held at Stripe by the journal = Stripe's balance",
            await number("billing", last.format("ours_balance_cents")),
            await number("billing", last.format("theirs_balance_cents")),
            True,
        ),
        Equality(
            "Stripe's fees in the journal = taken at Stripe", await number("billing", fees), await _fees(stage), True
        ),
        Equality(
            "equalities of the certificate that fail",
            await number("billing", "SELECT failed_count FROM certificates ORDER BY taken_at DESC LIMIT 1"),
            0,
        ),
    ]


OPEN_DIFFERENCES = "SELECT count(*) FROM differences WHERE state = 'open'"


async def _fees(stage: Stage) -> int:
    rows = stage.stripe.v1.balance_transactions.list({"limit": 100})
    return sum(row.fee for row in rows.auto_paging_iter())
