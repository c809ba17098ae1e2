"""The switch of auto-dispatch."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from contracts.routing import PolicyChange
from services.routing.commands.policies import tell_change
from services.routing.errors import ChangedMeanwhile
from services.routing.models import AutoDispatch
from services.routing.queries.dispatches import auto_dispatch

SWITCH = "auto_dispatch"


@dataclass(frozen=True, slots=True)
class SwitchAutoDispatch:
    """`expected_version` is the one that the operator saw; None takes whatever stands."""

    is_enabled: bool
    reason: str
    by: Actor
    expected_version: int | None = None


async def switch_auto_dispatch(session: AsyncSession, command: SwitchAutoDispatch, now: datetime) -> AutoDispatch:
    """Leads that arrive from now on are dispatched, or wait in the exception queue; those that wait stay there."""
    switch = await auto_dispatch(session, lock=True)
    if switch.is_enabled is command.is_enabled:
        return switch
    if command.expected_version not in (None, switch.version):
        raise ChangedMeanwhile(f"the switch is at version {switch.version}", version=switch.version)
    switch.is_enabled = command.is_enabled
    switch.changed_at = now
    switch.changed_by = command.by.name
    switch.reason = command.reason
    change = PolicyChange(name="is_enabled", before=not command.is_enabled, after=command.is_enabled)
    tell_change(session, SWITCH, switch.next_version(), [change], command.by, now)
    await audit.record(
        session,
        actor=command.by,
        action="switch_auto_dispatch",
        subject=Subject(SWITCH, SWITCH),
        before={"is_enabled": not command.is_enabled},
        after={"is_enabled": command.is_enabled, "version": switch.version},
        reason_text=command.reason,
    )
    return switch
