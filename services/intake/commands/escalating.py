"""What is due by the escalation policies, done once: people are nudged, leads are marked critical or snoozed."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, Row, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import SYSTEM, Change, Subject
from chassis.database import Database
from chassis.ids import new_id
from contracts.intake import LeadEscalated
from contracts.values import Location
from services.intake import queries
from services.intake.domain.escalation import Notify, StepAction, SubjectKind
from services.intake.models import Escalation

LEADS_AT_ONCE = 500


async def escalate(database: Database, now: datetime) -> int:
    """Everything that is due by `now`, in portions that each are done wholly or not at all; how much that was.

    Run again, it finds what is left: what was done is known by its policy, step, subject and episode.
    """
    async with database.reading() as session:
        policies = await queries.policies_on(session)
    number = 0
    for policy_id, kind in policies:
        after: UUID | None = None
        while True:
            async with database.transaction() as session:
                leads = await queries.lock_due_leads(session, policy_id, kind, now, after, LEADS_AT_ONCE)
                number += await _escalate(session, policy_id, kind, now, leads)
            if len(leads) < LEADS_AT_ONCE:
                break
            after = leads[-1]
    return number


async def _escalate(
    session: AsyncSession, policy_id: UUID, kind: SubjectKind, now: datetime, leads: Sequence[UUID]
) -> int:
    due = await queries.due_steps(session, policy_id, kind, now, leads) if leads else []
    done = await _keep(session, due, kind, now)
    if done:
        marked = await _mark(session, [row for _, row in done], now)
        versions = {row.id: row.version_before for row in marked}
        for escalation_id, row in done:
            versions[row.lead_id] += 1
            event = _event(row, escalation_id, kind, now)
            outbox.add(session, event, version=versions[row.lead_id])
        await _audit(session, marked, done[0][1].policy_name, now)
    return len(done)


async def _keep(
    session: AsyncSession, due: Sequence[Row[Any]], kind: SubjectKind, now: datetime
) -> list[tuple[UUID, Row[Any]]]:
    """Those that nobody has done: the unique key silences who comes second."""
    if not due:
        return []
    made = {new_id(): row for row in due}
    values = [
        {
            "id": id_,
            "policy_id": row.policy_id,
            "policy_name": row.policy_name,
            "step_no": row.step_no,
            "subject_kind": kind,
            "subject_id": row.subject_id,
            "lead_id": row.lead_id,
            "since": row.since,
            "action": row.action,
            "escalated_at": now,
        }
        for id_, row in made.items()
    ]
    kept = insert(Escalation).values(values).on_conflict_do_nothing().returning(Escalation.id)
    ids = set(await session.scalars(kept))
    return [(id_, row) for id_, row in made.items() if id_ in ids]


_MARK = text(
    """
    UPDATE leads
       SET critical_since = CASE WHEN critical = 0 OR was.critical_since >= was.status_since
                                 THEN was.critical_since ELSE :now END,
           snoozed_until = greatest(was.snoozed_until, quiet_until),
           deeds_version = was.deeds_version + number
      FROM unnest(:ids, :numbers, :critical, :quiet_until) AS marked (lead_id, number, critical, quiet_until)
      JOIN leads AS was ON was.id = marked.lead_id
     WHERE leads.id = was.id
    RETURNING leads.id,
              was.deeds_version AS version_before,
              was.critical_since AS critical_before,
              leads.critical_since AS critical_after,
              was.snoozed_until AS snoozed_before,
              leads.snoozed_until AS snoozed_after
    """
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("numbers", type_=ARRAY(Integer)),
    bindparam("critical", type_=ARRAY(Integer)),
    bindparam("quiet_until", type_=ARRAY(DateTime(timezone=True))),
)


async def _mark(session: AsyncSession, done: Sequence[Row[Any]], now: datetime) -> Sequence[Row[Any]]:
    """Each lead's marks before and after, with the version before its first event here.

    They are locked. A lead that is critical already stays so since then.
    """
    numbers = Counter(row.lead_id for row in done)
    critical = Counter(row.lead_id for row in done if row.action is StepAction.CRITICAL)
    snoozed = {
        row.lead_id: now + timedelta(minutes=row.snooze_minutes) for row in done if row.action is StepAction.SNOOZE
    }
    ids = list(numbers)
    found = await session.execute(
        _MARK,
        {
            "now": now,
            "ids": ids,
            "numbers": [numbers[id_] for id_ in ids],
            "critical": [critical[id_] for id_ in ids],
            "quiet_until": [snoozed.get(id_) for id_ in ids],
        },
    )
    return found.all()


async def _audit(session: AsyncSession, marked: Sequence[Row[Any]], policy_name: str, now: datetime) -> None:
    """Of each lead that is marked otherwise than before, as it is audited of who does it by hand.

    A nudge changes nothing of its lead: that somebody was nudged is kept with the escalations.
    """
    changes = [change for row in marked if (change := _change(row, now)).before]
    await audit.record_all(session, changes, actor=SYSTEM, action="escalate_lead", reason_text=policy_name)


def _change(row: Row[Any], now: datetime) -> Change:
    before = {"critical_since_at": row.critical_before, "snoozed_until_at": row.snoozed_before}
    after = {"critical_since_at": row.critical_after, "snoozed_until_at": row.snoozed_after}
    changed = [name for name in before if before[name] != after[name]]
    return Change(
        Subject("lead", row.id),
        before={name: before[name] for name in changed},
        after={**{name: after[name] for name in changed}, "at": now},
    )


def _event(row: Row[Any], escalation_id: UUID, kind: SubjectKind, now: datetime) -> LeadEscalated:
    recipients = _recipients(row)
    return LeadEscalated(
        lead_id=row.lead_id,
        escalation_id=escalation_id,
        follow_up_id=row.subject_id if kind is SubjectKind.FOLLOW_UP else None,
        policy_name=row.policy_name,
        step_no=row.step_no,
        action=row.action,
        recipient_ids=recipients,
        reaches_team=row.action is StepAction.NUDGE and not recipients,
        service=row.service,
        location=Location(suburb=row.suburb, state=row.state, postcode=row.postcode),
        waiting_since=row.since,
        escalated_at=now,
    )


def _recipients(row: Row[Any]) -> tuple[UUID, ...]:
    """Of a nudge; nobody's goes to the team."""
    if row.notify is Notify.OPERATOR:
        return (row.notify_id,)
    return (row.owner_id,) if row.notify is Notify.OWNER and row.owner_id else ()
