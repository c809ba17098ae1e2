"""From which score on leads are held, shown or rejected, as people set it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.errors import FieldError
from services.intake import queries
from services.intake.commands.telling import ChangedPolicy, tell_policy
from services.intake.domain.duplicates import Thresholds, faults_of
from services.intake.errors import ThresholdsInvalid
from services.intake.models import DuplicateSettings

SUBJECT = Subject("duplicate_settings", "1")


@dataclass(frozen=True, slots=True)
class ChangeThresholds:
    given: Thresholds
    reason: str
    by: Actor
    now: datetime


async def change_thresholds(session: AsyncSession, command: ChangeThresholds) -> DuplicateSettings:
    """For what comes in from now on: what is held stays held."""
    kept = await queries.duplicate_settings(session, for_update=True)
    refuse_impossible(command.given)
    before, after = told(kept.thresholds), told(command.given)
    if before == after:
        return kept
    for name in Thresholds.__slots__:
        setattr(kept, name, getattr(command.given, name))
    kept.changed_at, kept.changed_by = command.now, command.by.name
    policy = ChangedPolicy(SUBJECT.kind, SUBJECT.kind, kept.next_version())
    tell_policy(session, policy, before, after, command.by, command.now)
    await audit.record(
        session,
        actor=command.by,
        action="change_duplicate_settings",
        subject=SUBJECT,
        before=before,
        after={**after, "at": command.now},
        reason_text=command.reason,
    )
    return kept


def refuse_impossible(given: Thresholds) -> None:
    if faults := faults_of(given):
        errors = tuple(FieldError(field, "thresholds_order", message) for field, message in faults)
        raise ThresholdsInvalid("the thresholds cannot be so", errors=errors)


def told(thresholds: Thresholds) -> dict[str, object]:
    return {name: getattr(thresholds, name) for name in Thresholds.__slots__}
