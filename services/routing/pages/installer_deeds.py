"""What can be done with installers, one or many: their status, and the fields of their caps."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import counted, words
from contracts.identity import Capability
from contracts.values import InstallerStatus
from services.routing.commands.installers import ChangeStatus, change_status
from services.routing.domain.pausing import InstallerAction, obstacle_to
from services.routing.domain.windows import Limits, WindowKind
from services.routing.http.fields import Note
from services.routing.models import Installer
from services.routing.pages.reasons import REASON

WRITE = Capability.WRITE_ROUTING
EFFECTS = {
    InstallerAction.ACTIVATE: "gets its share of leads from now on; of those that came meanwhile it is owed nothing",
    InstallerAction.PAUSE: "gets no further lead until it is active again; what is on its way arrives and is billed",
    InstallerAction.SUSPEND: "gets no further lead, and stands as suspended; what is on its way arrives and is billed",
}


class StatusForm(Form):
    reason: Note


async def _look(session: AsyncSession, ids: Sequence[UUID], action: InstallerAction) -> dict[UUID, Verdict]:
    found = await session.execute(select(Installer.id, Installer.name, Installer.status).where(Installer.id.in_(ids)))
    return {row.id: _verdict(row, action.status) for row in found}


def _verdict(row: Row[UUID, str, InstallerStatus], wanted: InstallerStatus) -> Verdict:
    if obstacle := obstacle_to(wanted, status=row.status):
        return Verdict(row.name, obstacle)
    return Verdict(row.name, effect=f"{words(row.status)} → {words(wanted)}")


def _bulk(action: InstallerAction) -> BulkAction:
    async def look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
        return await _look(session, ids, action)

    async def do(work: Work) -> None:
        assert isinstance(work.form, StatusForm)  # noqa: S101  # the action's own form
        command = ChangeStatus(work.id, action.status, work.form.reason, work.actor)
        async with work.transaction() as session:
            await change_status(session, command, work.clock.now())

    return BulkAction(
        name=action.value,
        label=words(action),
        capability=WRITE,
        look=look,
        do=do,
        form=StatusForm,
        fields=(REASON,),
        effect=lambda number: f"Each of {counted(number, 'installer', 'installers')} {EFFECTS[action]}.",
        destroys=action is InstallerAction.SUSPEND,
    )


def cap_fields(limits: Limits | None = None) -> list[FormField]:
    told = {kind: limits.of(kind) if limits else None for kind in WindowKind}
    return [
        FormField(
            kind.value,
            f"Leads a {kind}",
            FieldKind.NUMBER,
            "" if told[kind] is None else str(told[kind]),
            hint="Empty is no limit, 0 takes none",
            longest=6,
        )
        for kind in WindowKind
    ]


STATUS_IN_BULK = tuple(
    _bulk(action) for action in (InstallerAction.PAUSE, InstallerAction.ACTIVATE, InstallerAction.SUSPEND)
)
