"""Whose turn it is: leads get owners, follow-ups are worked, and what nobody does in time is escalated by itself."""

from datetime import timedelta
from typing import Any

from deploy.local.demo.equality import Equality
from deploy.local.demo.stage import Stage

OWNED, WORKED, LEFT, LEFT_UNOWNED = 60, 40, 5, 2
SOON, LATER = timedelta(minutes=30), timedelta(hours=2)
LIMIT_MINUTES = 60
OUTCOMES = ("reached", "booked", "left_message", "no_answer")


async def follow_up(stage: Stage) -> None:
    """Sixty leads are given to two operators, forty are followed up, and five follow-ups are left lying."""
    await stage.reader.until("operators known to intake", lambda: _unknown_operators(stage))
    owners = [row["operator_id"] for row in await stage.reader.rows("intake", _EDITORS)]
    listed = [lead for lead in await stage.dispatcher.every("intake", "/admin/leads") if lead["status"] != "closed"]
    leads = [await _give(stage, lead, str(owners[n % len(owners)])) for n, lead in enumerate(listed[:OWNED])]
    await _policies(stage)
    for number, lead in enumerate(leads[:WORKED]):
        await _work(stage, lead, OUTCOMES[number % len(OUTCOMES)])
    for number, lead in enumerate(leads[:LEFT]):
        await _plan(stage, lead, None if number < LEFT_UNOWNED else lead["owner_id"])
    stage.tell(f"{len(leads)} leads have an owner, {WORKED} follow-ups are done, {LEFT} are left lying")


_EDITORS = "SELECT operator_id FROM operators WHERE is_active ORDER BY name LIMIT 2"


async def _unknown_operators(stage: Stage) -> int:
    return len(stage.sign_ins) - await stage.reader.number("intake", "SELECT count(*) FROM operators")


async def _give(stage: Stage, lead: Any, owner: str) -> Any:
    return await stage.dispatcher.post("intake", f"/admin/leads/{lead['id']}/owner", {"owner_id": owner})


async def _plan(stage: Stage, lead: Any, owner: str | None) -> Any:
    return await stage.dispatcher.post(
        "intake",
        "/admin/follow-ups",
        {
            "lead_id": lead["id"],
            "owner_id": owner,
            "channel": "call",
            "due_at": (stage.now() + SOON).isoformat(),
            "note": "Ask whether the installer has called",
        },
    )


async def _work(stage: Stage, lead: Any, outcome: str) -> None:
    planned = await _plan(stage, lead, lead["owner_id"])
    await stage.dispatcher.post("intake", f"/admin/follow-ups/{planned['id']}/complete", {"outcome": outcome})


async def _policies(stage: Stage) -> None:
    """Everybody's overdue follow-ups are nudged; the lead of one that nobody has becomes critical."""
    for name, ownership, step in (
        ("Overdue follow-ups", "any", {"action": "nudge", "notify": "owner"}),
        ("Overdue and nobody's", "unowned", {"action": "critical"}),
    ):
        steps = [{"after_minutes": LIMIT_MINUTES, **step}]
        body = {"name": name, "subject": "follow_up", "ownership": ownership, "steps": steps}
        made = await stage.dispatcher.post("intake", "/admin/escalation-policies", body)
        await stage.dispatcher.post("intake", f"/admin/escalation-policies/{made['id']}/on")


async def escalate(stage: Stage) -> None:
    """Two hours later the scheduler has done what was due, once, and the mails are out."""
    stage.move_to(stage.now() + LATER)
    await stage.reader.until("escalations", lambda: _escalations_to_come(stage))
    await stage.reader.until("nudges on their way", lambda: _nudges_to_come(stage))
    stage.tell(f"{LEFT} overdue follow-ups nudged by mail, {LEFT_UNOWNED} leads marked critical")


async def _escalations_to_come(stage: Stage) -> int:
    done = await stage.reader.number("intake", "SELECT count(*) FROM escalations")
    return LEFT + LEFT_UNOWNED - done


async def _nudges_to_come(stage: Stage) -> int:
    query = "SELECT count(*) FROM messages WHERE purpose = 'escalation' AND state = 'accepted'"
    return LEFT - await stage.reader.number("notifications", query)


async def equalities(stage: Stage) -> list[Equality]:
    number = stage.reader.number
    mailed = "SELECT count(*) FROM messages WHERE purpose = 'escalation' AND state = 'accepted'"
    return [
        Equality(
            "nudges by policies = nudges mailed",
            await number("intake", "SELECT count(*) FROM escalations WHERE action = 'nudge'"),
            await number("notifications", mailed),
        ),
        Equality(
            "leads marked critical by policies = critical leads",
            await number("intake", "SELECT count(DISTINCT lead_id) FROM escalations WHERE action = 'critical'"),
            await number("intake", "SELECT count(*) FROM leads WHERE critical_since IS NOT NULL"),
        ),
        Equality(
            "operators at identity = operators known to intake and to notifications",
            2 * await number("identity", "SELECT count(*) FROM operators"),
            await number("intake", "SELECT count(*) FROM operators")
            + await number("notifications", "SELECT count(*) FROM operators"),
        ),
    ]
