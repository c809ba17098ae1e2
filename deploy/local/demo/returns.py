"""Act one and three quarters: installers give leads back; rules decide what is sure, an operator what is not.

One of them is accepted after the month's invoices are issued, one is left for whoever opens the console.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from deploy.local.demo import invoices, leads
from deploy.local.demo.equality import Equality
from deploy.local.demo.people import OUT_OF_REACH
from deploy.local.demo.queue import QUEUE
from deploy.local.demo.stage import Stage

FAR_AWAY = "Harbour Electrical"
"""It is given a lead by hand that is nowhere near it, and gives it back: a fault of ours, sure at once."""
ACCEPTED: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("contact_invalid", "The number is not connected", {"note": "Tried twice, not connected"}),
    ("did_not_request", "They never asked for anybody", {"note": "They say so to us as well"}),
    (
        "outside_criteria",
        "A flat without a roof of its own",
        {"credit_reason": "system_fault", "note": "A flat by its address too"},
    ),
)
DENIED = (
    (
        "other",
        "They went quiet",
        {"denial_code": "sales_outcome", "note": "Whether they answer is a matter of the sale."},
    ),
    ("contact_invalid", "Wrong number", {"denial_code": "not_proven", "note": "We rang it this morning: it answers."}),
)
SURELY_DENIED = (
    ("out_of_area", "Too far for the crew"),
    ("out_of_area", "We do not go there"),
    ("wrong_service", "Not our work"),
)


async def take_returns(stage: Stage) -> None:
    """Of the newest leads that were sent; each goes its way."""
    far = await _send_far_away(stage)
    answer = await stage.dispatcher.get("routing", "/admin/assignments", status="sent", cap_state="counted", limit=20)
    given = iter([made["id"] for made in answer["items"] if made["id"] != far])
    sure = [await _ask(stage, far, "out_of_area", "Two days by road")]
    sure += [await _ask(stage, next(given), code, words) for code, words in SURELY_DENIED]
    for code, words, decision in ACCEPTED:
        await _decide(stage, await _ask(stage, next(given), code, words), "accept", decision)
    for code, words, decision in DENIED:
        await _decide(stage, await _ask(stage, next(given), code, words), "deny", decision)
    await _decide(stage, await _ask(stage, next(given), "other", "By mistake"), "withdraw", None)
    for words in ("Rents, and cannot decide", "The owner lives abroad"):
        await _ask(stage, next(given), "not_decision_maker", words)
    await leads.watch_delivery(stage)
    await stage.reader.until("denials by mail", lambda: _mails_to_come(stage))
    by_rule = sum(each["state"] != "requested" for each in sure)
    stage.tell(f"12 leads were given back: {by_rule} decided by rules at once, 6 by an operator, 2 wait")


async def accept_after_issue(stage: Stage) -> None:
    """What was charged on an invoice that is out already comes back: finance is asked for a credit."""
    waiting = await stage.dispatcher.every("routing", "/admin/returns", state="requested")
    oldest = min(waiting, key=lambda each: each["requested_at"])
    await _decide(stage, oldest, "accept", {"credit_reason": "invalid_contact", "note": "Seen in the land register"})
    await leads.watch_delivery(stage)
    stage.tell(
        "a return is accepted after its invoice was issued: the lead goes on, the credit is finance's to agree to"
    )


async def settle_credits(stage: Stage) -> None:
    """Finance agrees to the credit on the invoice that is out, declines another, and leaves the rest for the day."""
    proposed = await stage.finance.every("billing", PROPOSALS, state="proposed")
    agreed, declined = proposed[0], proposed[-1]
    kept = "SELECT sum(customer_credit_cents) FROM invoices"
    before = await stage.reader.number("billing", kept)
    await stage.finance.post("billing", f"{PROPOSALS}/{agreed['request_id']}/agree")
    stage.tally.overpaid_cents += await stage.reader.number("billing", kept) - before
    note = "The number answered when we rang it"
    await stage.finance.post("billing", f"{PROPOSALS}/{declined['request_id']}/decline", {"note": note})
    await stage.reader.until("the adjustment note by mail", lambda: invoices.mails_to_come(stage))
    await leads.watch_delivery(stage)
    stage.tell(f"of {len(proposed)} credits proposed for returns finance agrees to one and declines one")


async def _send_far_away(stage: Stage) -> str:
    """By hand, as nobody covers the place; returns the assignment."""
    await leads.take_one_by_one(stage, [OUT_OF_REACH])
    await leads.watch_delivery(stage)
    items = await stage.dispatcher.every("routing", QUEUE, reason="no_coverage")
    item = max(items, key=lambda each: each["raised_at"])
    body = {"installer_ids": [stage.installers[FAR_AWAY]], "reason": "They said they would go there"}
    await stage.dispatcher.post("routing", f"{QUEUE}/{item['id']}/assign", body)
    await leads.watch_delivery(stage)
    dispatch = await stage.dispatcher.get("routing", f"/admin/leads/{item['lead_id']}/dispatch")
    assignment_id: str = dispatch["assignments"][-1]["id"]
    return assignment_id


async def _ask(stage: Stage, assignment_id: str, code: str, words: str) -> Any:
    body = {"id": str(uuid4()), "code": code, "words": words, "channel": "phone"}
    return await stage.dispatcher.post("routing", f"/admin/assignments/{assignment_id}/returns", body)


async def _decide(stage: Stage, asked: Any, deed: str, body: dict[str, Any] | None) -> None:
    await stage.dispatcher.post("routing", f"/admin/returns/{asked['id']}/{deed}", body)


PROPOSALS = "/admin/credit-proposals"
STATE = "SELECT count(*) FROM returns WHERE state"
TOLD = "SELECT count(*) FROM messages WHERE purpose = 'return_answer' AND state = 'accepted'"


async def _mails_to_come(stage: Stage) -> int:
    denied = await stage.reader.number("routing", f"{STATE} = 'denied'")
    return denied - await stage.reader.number("notifications", TOLD)


async def equalities(stage: Stage) -> list[Equality]:
    number = stage.reader.number
    accepted = await number("routing", f"{STATE} = 'accepted'")
    again = "SELECT count(*) FROM (SELECT FROM assignments GROUP BY lead_id, installer_id HAVING count(*) > 1) AS twice"
    at_intake = "SELECT count(*) FROM lead_assignments WHERE return_state = 'accepted'"
    counted = "SELECT count(*) FROM assignments WHERE status = 'returned' AND cap_state <> 'released'"
    proposed = await number("routing", f"{STATE} = 'accepted' AND credit_reason IS NOT NULL")
    at_billing = "SELECT count(*) FROM credit_requests WHERE is_proposal AND result"
    settled = [await number("billing", f"{at_billing} {result}") for result in ("= 'proposed'", "= 'declined'")]
    agreed = await number("billing", f"{at_billing} IN ('credited', 'voided')")
    return [
        Equality("returns asked for", await number("routing", f"{STATE} <> ''"), 12),
        Equality(
            "returns accepted = assignments returned",
            accepted,
            await number("routing", "SELECT count(*) FROM assignments WHERE status = 'returned'"),
        ),
        Equality("returns accepted = returned at intake", accepted, await number("intake", at_intake)),
        Equality("returned leads that still count against a cap", await number("routing", counted), 0),
        Equality("leads that went to one installer twice", await number("routing", again), 0),
        Equality("credits proposed = agreed, declined and waiting at billing", proposed, agreed + sum(settled)),
        Equality(
            "credits proposed = answers of billing kept on returns",
            proposed,
            await number("routing", f"{STATE} = 'accepted' AND credit_result IS NOT NULL"),
        ),
        Equality("returns denied = installers told why by mail", await _mails_to_come(stage), 0),
    ]
