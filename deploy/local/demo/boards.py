"""Act two: a closed board becomes a client's invoice and the experts' pay."""

from datetime import timedelta
from typing import Any

from deploy.local.demo.invoices import mails_to_come
from deploy.local.demo.people import BOARDS, CLIENTS, abn_of
from deploy.local.demo.stage import Stage, at, next_monday

EXPERTS = 10
BY_HAND = 2
"""The place of the board whose pay is sent by hand, by two operators, after the sweep."""


async def open_boards(stage: Stage) -> None:
    """Three clients with a board each, ten experts with Stripe accounts, and who gets what."""
    stage.clients = [await _client(stage, number, name) for number, name in enumerate(CLIENTS)]
    stage.boards = [
        await stage.finance.post(
            "intake",
            "/admin/boards",
            {"client_id": client["id"], "title": title, "contracted_amount_cents": cents, "purchase_order": order},
        )
        for client, (title, cents, order) in zip(stage.clients, BOARDS, strict=True)
    ]
    stage.experts = [await _expert(stage) for _ in range(EXPERTS)]
    await stage.reader.until("boards known to payouts", lambda: _boards_to_come(stage))
    for number, board in enumerate(stage.boards):
        await _participations(stage, board["id"], stage.experts[number * 3 : number * 3 + 4])
    stage.tell(f"{len(CLIENTS)} clients, {len(BOARDS)} boards, {EXPERTS} experts with their participation")


async def _client(stage: Stage, number: int, name: str) -> Any:
    return await stage.finance.post(
        "intake",
        "/admin/clients",
        {
            "name": f"{name} Pty Ltd",
            "abn": abn_of(620_000_000 + number * 7_919),
            "billing_name": "Accounts Payable",
            "billing_email": f"accounts@{name.lower().replace(' ', '-')}.example",
            "billing_address": f"Level {number + 2}, 20 Example Street, Sydney NSW 2000",
        },
    )


async def _expert(stage: Stage) -> Any:
    person = stage.crowd.person()
    account = stage.stripe.v1.accounts.create(
        {"type": "express", "country": "AU", "capabilities": {"transfers": {"requested": True}}}
    )
    return await stage.finance.post(
        "payouts",
        "/admin/experts",
        {"name": f"Dr {person.name}", "email": person.email, "stripe_account_id": account.id},
    )


async def _participations(stage: Stage, board_id: str, experts: list[Any]) -> None:
    """A fee for the chair, a tenth for the reviewer, the rest in shares of three and two."""
    chair, reviewer, *members = experts
    rules = [
        {"expert_id": chair["id"], "kind": "fixed", "value": 75_000},
        {"expert_id": reviewer["id"], "kind": "percentage", "value": 1_000},
        *(
            {"expert_id": member["id"], "kind": "share", "value": weight}
            for member, weight in zip(members, (3, 2), strict=True)
        ),
    ]
    await stage.finance.put("payouts", f"/admin/boards/{board_id}/participations", {"participations": rules})


async def _boards_to_come(stage: Stage) -> int:
    return len(stage.boards) - await stage.reader.number("payouts", "SELECT count(*) FROM boards")


async def close_boards(stage: Stage) -> None:
    """Each close drafts an invoice at billing and allocates the pay at payouts, by one event."""
    for board in stage.boards:
        await stage.finance.post("intake", f"/admin/boards/{board['id']}/close")
    await stage.reader.until("drafts and allocations", lambda: _closings_to_come(stage))
    allocated = await stage.reader.number("payouts", "SELECT sum(amount_cents) FROM payouts")
    stage.tell(
        f"{len(stage.boards)} boards closed: drafts for the clients, ${allocated / 100:,.2f} allocated to experts"
    )


async def _closings_to_come(stage: Stage) -> int:
    drafts = await stage.reader.number("billing", "SELECT count(*) FROM invoices WHERE kind = 'client'")
    allocated = await stage.reader.number("payouts", "SELECT count(*) FROM boards WHERE allocated_at IS NOT NULL")
    return 2 * len(stage.boards) - drafts - allocated


async def pay_experts(stage: Stage) -> None:
    """Monday's sweep sends what is ready; one more payout goes by hand, asked for by one and approved by another."""
    ready = await stage.reader.number("payouts", "SELECT sum(amount_cents) FROM payouts WHERE state = 'ready'")
    await stage.control_stripe("balance/top_up", amount=3_000_000)
    stage.move_to(at(next_monday(stage.now().date()), 9) + timedelta(minutes=1))
    await stage.reader.until("the sweep", lambda: _count(stage, "ready"))
    stage.tell(f"the sweep sent ${ready / 100:,.2f} through Stripe Connect")
    await _pay_one_by_hand(stage)
    await stage.reader.until("receipts", lambda: _receipts_to_come(stage))


async def _count(stage: Stage, *states: str) -> int:
    return await stage.reader.number("payouts", "SELECT count(*) FROM payouts WHERE state = ANY($1)", list(states))


async def _pay_one_by_hand(stage: Stage) -> None:
    board_id = stage.boards[BY_HAND]["id"]
    await mark_paid(stage, board_id)
    await stage.reader.until("the last board's pay", lambda: _pending(stage))
    (payout, *_) = (await stage.finance.get("payouts", "/admin/ops/payouts", state="ready", board_id=board_id))["items"]
    path = f"/admin/ops/payouts/{payout['id']}/run"
    asked = await stage.finance.post("payouts", path)
    sent = await stage.second.post("payouts", path)
    stage.tell(f"one payout by hand: {asked['result'].replace('_', ' ')}, then {sent['payout']['state']}")


async def _pending(stage: Stage) -> int:
    return await _count(stage, "pending")


async def _receipts_to_come(stage: Stage) -> int:
    receipts = "SELECT count(*) FROM messages WHERE purpose = 'payout_receipt' AND state = 'accepted'"
    return await _count(stage, "sent") - await stage.reader.number("notifications", receipts)


async def invoice_clients(stage: Stage) -> None:
    """The drafts are reviewed, one gets another line; sent with their PDF; two clients pay."""
    drafts = await stage.finance.every("billing", "/admin/ops/invoices", status="draft")
    await _add_a_line(stage, drafts[0])
    for draft in drafts:
        await stage.finance.post("billing", f"/admin/ops/invoices/{draft['id']}/send")
    await stage.reader.until("clients' invoices by mail", lambda: mails_to_come(stage))
    for board in stage.boards[:BY_HAND]:
        await mark_paid(stage, board["id"])
    await stage.reader.until("experts' pay made ready", lambda: _not_ready(stage))
    stage.tell(f"{len(drafts)} clients' invoices sent with their PDF, {BY_HAND} of them paid")


async def _add_a_line(stage: Stage, draft: Any) -> None:
    detail = await stage.finance.get("billing", f"/admin/ops/invoices/{draft['id']}")
    lines = [
        {"description": line["description"], "quantity": line["quantity"], "unit_price_cents": line["unit_price_cents"]}
        for line in detail["lines"]
    ]
    extra = {"description": "Travel of the chair, at cost", "quantity": 1, "unit_price_cents": 38_450}
    await stage.finance.put(
        "billing",
        f"/admin/ops/invoices/{draft['id']}/lines",
        {"version": detail["version"], "lines": [*lines, extra]},
    )


async def mark_paid(stage: Stage, board_id: str) -> None:
    (row,) = await stage.reader.rows(
        "billing", "SELECT id, number, balance_cents FROM invoices WHERE board_id = $1", board_id
    )
    await stage.finance.post(
        "billing",
        f"/admin/ops/invoices/{row['id']}/mark-paid",
        {"received_at": stage.now().isoformat(), "method": "bank_transfer", "reference": f"EFT {row['number']}"},
    )
    stage.tally.transfer_paid_cents += row["balance_cents"]


async def _not_ready(stage: Stage) -> int:
    boards = [board["id"] for board in stage.boards[:BY_HAND]]
    return await stage.reader.number(
        "payouts", "SELECT count(*) FROM payouts WHERE state = 'pending' AND board_id = ANY($1::uuid[])", boards
    )
