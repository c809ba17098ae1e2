"""What waits: tried again and escalated by itself as days pass; the rest claimed, handed over, put off, rejected."""

from datetime import timedelta
from itertools import cycle, islice

from deploy.local.demo import leads
from deploy.local.demo.equality import Equality
from deploy.local.demo.people import PLACES
from deploy.local.demo.stage import Stage, at

FULL_MAILBOX = "Harbour Electrical"
LEADS = 8
QUEUE = "/admin/dispatch-exceptions"
POLICY = "/admin/routing-policies/queue"
OTHERS_ID = """SELECT operator_id::text AS id FROM operators
               WHERE 'write_routing' = ANY(capabilities) AND is_active AND operator_id <> $1"""
IS_LATE = "resolved_at IS NULL AND owner_id IS NULL AND escalate_at <= $1 AND coalesce(snoozed_until <= $1, true)"
IS_DUE = "resolved_at IS NULL AND escalated_at IS NULL AND escalate_at <= $1 AND coalesce(snoozed_until <= $1, true)"
IS_DUE_FOR_RETRY = "resolved_at IS NULL AND next_retry_at <= $1 AND coalesce(snoozed_until <= $1, true)"


async def declare(stage: Stage) -> None:
    """Whose is what nobody takes in time."""
    before = await stage.dispatcher.get("routing", POLICY)
    policy = {**before["policy"], "fallback_owner_id": str(stage.dispatcher.operator_id)}
    body = {"policy": policy, "version": before["version"], "reason": "Dispatch sees to what nobody takes"}
    await stage.dispatcher.put("routing", POLICY, body)


async def work_it(stage: Stage) -> None:
    """One is handed over and one put off; where nobody goes the leads are rejected, and all others tried once more."""
    items = await stage.dispatcher.every("routing", QUEUE)
    nowhere = [item for item in items if item["reason"] == "no_coverage"]
    handed_over, put_off, *rejected = nowhere
    (other, *_) = await stage.reader.rows("routing", OTHERS_ID, stage.dispatcher.operator_id)
    note = {"owner_id": other["id"], "note": "Rang the next town's installer, who rings back"}
    await _do(stage, handed_over, "hand-over", note)
    noon = at(stage.now().date() + timedelta(days=2), 12)
    await _do(stage, put_off, "snooze", {"until": noon.isoformat(), "note": "A new installer signs on Thursday"})
    for item in rejected:
        await _do(stage, item, "reject", {"reason": "unplaceable", "note": "No installer in the territory"})
    for item in items:
        if item["reason"] != "no_coverage":
            await _do(stage, item, "claim" if item["owner_id"] is None else "retry")
    await stage.reader.until("rejected leads to be closed", lambda: _closings_to_come(stage))
    await leads.watch_delivery(stage)
    stage.tell(
        f"the queue is worked: {len(rejected)} leads rejected, {len(items) - len(nowhere)} claimed or tried once more, "
        "one handed over, one put off"
    )


async def _do(stage: Stage, item: dict[str, str], deed: str, body: dict[str, str] | None = None) -> None:
    await stage.dispatcher.post("routing", f"{QUEUE}/{item['id']}/{deed}", body)


async def _closings_to_come(stage: Stage) -> int:
    """Intake closes what was rejected, and routing hears of it."""
    return await stage.reader.number(
        "routing",
        """SELECT count(DISTINCT lead_id) FROM dispatch_exceptions e JOIN dispatches d USING (lead_id)
           WHERE e.resolution = 'rejected' AND d.closed_at IS NULL""",
    )


async def watch_it_keep_itself(stage: Stage) -> None:
    """A full mailbox is no end: minutes later somebody else gets the lead. Who has what nobody took is known."""
    await stage.reader.order_mail_fault(
        action="refuse",
        recipient=f"leads@{FULL_MAILBOX.lower().replace(' ', '-')}.example",
        answer="552 5.2.2 Mailbox full",
        times=1,
    )
    places = [place for place in PLACES if place.state == "NSW"]
    await leads.take_one_by_one(stage, list(islice(cycle(places), LEADS)))
    await leads.watch_delivery(stage)
    stage.move_to(stage.now() + timedelta(minutes=3))
    await stage.reader.until("the queue to keep itself", lambda: _due(stage))
    await leads.watch_delivery(stage)
    number = stage.reader.number
    tried = await number("routing", "SELECT count(*) FROM decisions WHERE trigger = 'scheduled' AND chosen_count > 0")
    called = await number("routing", "SELECT count(*) FROM dispatch_exceptions WHERE escalated_at IS NOT NULL")
    cold = await number("routing", "SELECT count(*) FROM dispatch_exceptions WHERE reason = 'gone_stale'")
    stage.tell(
        f"by itself the queue gave {tried} leads and escalated {called}; {cold} had gone cold and were not given"
    )


async def _due(stage: Stage) -> dict[str, int]:
    now = stage.now()
    found = {
        name: await stage.reader.number("routing", f"SELECT count(*) FROM dispatch_exceptions WHERE {which}", now)
        for name, which in (("late", IS_LATE), ("to escalate", IS_DUE), ("to try", IS_DUE_FOR_RETRY))
    }
    return {name: count for name, count in found.items() if count}


async def equalities(stage: Stage) -> list[Equality]:
    await stage.reader.until("the queue to keep itself", lambda: _due(stage))
    number = stage.reader.number
    late = f"SELECT count(*) FROM dispatch_exceptions WHERE {IS_LATE}"
    audited = "SELECT count(*) FROM audit_entries WHERE action = 'escalate_exception'"
    escalated = "SELECT count(*) FROM dispatch_exceptions WHERE escalated_at IS NOT NULL"
    rejected = "SELECT count(DISTINCT lead_id) FROM dispatch_exceptions WHERE resolution = 'rejected'"
    closed = "SELECT count(*) FROM leads WHERE status = 'closed' AND close_reason = 'unplaceable'"
    gave = "SELECT count(DISTINCT lead_id) FROM decisions WHERE trigger = 'scheduled' AND chosen_count > 0"
    settled = """SELECT count(DISTINCT lead_id) FROM dispatch_exceptions
                 WHERE resolution = 'retried' AND resolved_by = 'system'"""
    return [
        Equality("leads that are nobody's for too long", await number("routing", late, stage.now()), 0),
        Equality(
            "items escalated = escalations kept", await number("routing", escalated), await number("routing", audited)
        ),
        Equality(
            "leads rejected in the queue = closed at intake",
            await number("routing", rejected),
            await number("intake", closed),
        ),
        Equality(
            "leads the queue gave by itself = settled by it",
            await number("routing", gave),
            await number("routing", settled),
        ),
    ]
