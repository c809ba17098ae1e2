"""What others are told of the settings by which leads are held and escalated."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from chassis.outbox import unpack_headers
from contracts.envelope import decode_body
from contracts.intake import IntakePolicyChanged, SettingChange
from services.intake.commands.policies import PolicyDraft, change_policy, create_policy, turn_policy
from services.intake.commands.thresholds import ChangeThresholds, change_thresholds
from services.intake.domain import LeadStatus
from services.intake.domain.duplicates import Scope, Thresholds
from services.intake.domain.escalation import Notify, Policy, Step, StepAction, SubjectKind
from tests.intake.samples import NOW, OPERATOR, rows
from tests.kit.databases import RolledBackDatabase

WHY = "Too many wait too long"


async def twice(database: RolledBackDatabase, *deeds: Callable[[AsyncSession], Awaitable[Any]]) -> None:
    """Each of them, the second time with nothing left to change."""
    for deed in deeds:
        for _ in range(2):
            async with database.transaction() as session:
                await deed(session)


async def told(database: RolledBackDatabase, key: str) -> list[tuple[int, IntakePolicyChanged]]:
    """With the version by the envelope. Nothing of it is the reason, and nothing else is on the topic."""
    columns = "convert_from(key, 'utf8') AS key, headers, body"
    found = await rows(database, f"SELECT {columns} FROM outbox WHERE topic = 'intake.policies' ORDER BY id")
    assert {row["key"] for row in found} == {key}
    assert not [row for row in found if WHY.encode() in row["body"]]
    return [
        (
            int(dict(unpack_headers(row["headers"]))["ce_aggregateversion"] or 0),
            decode_body(IntakePolicyChanged, row["body"]),
        )
        for row in found
    ]


def declared(policy: str, kind: str, version: int, *changes: SettingChange, name: str | None = None) -> Any:
    return version, IntakePolicyChanged(
        policy=policy,
        kind=kind,
        name=name,
        version=version,
        changes=changes,
        changed_by_id=OPERATOR.id,
        changed_by_name=OPERATOR.name,
        changed_at=NOW,
    )


def change(name: str, before: Any, after: Any) -> SettingChange:
    return SettingChange(name=name, before=before, after=after)


class TestThresholds:
    async def test_tell_who_changed_which(self, database: RolledBackDatabase) -> None:
        first = Thresholds(is_on=True, hold_from=90, review_from=45, reject_from=98, look_back_days=30, scope=Scope.ANY)
        off = replace(first, is_on=False)
        await twice(
            database,
            *(
                lambda session, given=given: change_thresholds(session, ChangeThresholds(given, WHY, OPERATOR, NOW))
                for given in (first, off)
            ),
        )
        subject = "duplicate_settings"
        raised = change("hold_from", 80, 90)
        assert await told(database, subject) == [
            declared(
                subject, subject, 1, raised, change("reject_from", None, 98), change("scope", "same_service", "any")
            ),
            declared(subject, subject, 2, change("is_on", True, False)),
        ]


class TestAnEscalationPolicy:
    async def test_tells_what_it_was_made_with_and_each_change(self, database: RolledBackDatabase) -> None:
        id_ = new_id()
        rules = Policy(
            SubjectKind.LEAD, (Step(30, StepAction.NUDGE, Notify.OWNER),), statuses=frozenset({LeadStatus.EXCEPTION})
        )
        draft = PolicyDraft("Leads that wait", rules)
        other = PolicyDraft("Exceptions", replace(rules, steps=(Step(60, StepAction.CRITICAL),)))
        await twice(
            database,
            lambda session: create_policy(session, id_, draft, OPERATOR, NOW, WHY),
            lambda session: change_policy(session, id_, other, WHY, OPERATOR, NOW),
            lambda session: turn_policy(session, id_, is_on=True, reason=WHY, by=OPERATOR, now=NOW),
        )
        made_with = {
            "name": "Leads that wait",
            "subject": "lead",
            "statuses": ("exception",),
            "paths": (),
            "services": (),
            "states": (),
            "source_ids": (),
            "ownership": "any",
            "steps": ("after 30 min nudge owner",),
        }
        made = [change(name, None, value) for name, value in made_with.items()]
        steps = change("steps", ("after 30 min nudge owner",), ("after 60 min critical",))
        renamed = change("name", "Leads that wait", "Exceptions")
        assert await told(database, str(id_)) == [
            declared(str(id_), "escalation_policy", 1, *made, name="Leads that wait"),
            declared(str(id_), "escalation_policy", 2, renamed, steps, name="Exceptions"),
            declared(str(id_), "escalation_policy", 3, change("is_on", False, True), name="Exceptions"),
        ]
