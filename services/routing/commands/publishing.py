"""What comes with each change of an installer: everybody is told, its version is kept, and so is who did it and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from contracts.routing import InstallerChanged
from services.routing.models import Installer, InstallerVersion
from services.routing.queries.versions import profile_of


async def publish(session: AsyncSession, installer: Installer, now: datetime, *changed: str) -> None:
    """Tells everybody what it is now, and keeps it: a decision is made again by the version that it was made by.

    `changed` names what was, as the installer's audit does; of a new one nothing.
    """
    event = InstallerChanged(
        installer_id=installer.id,
        name=installer.name,
        abn=installer.abn,
        gst_registered=installer.gst_registered,
        email=installer.email,
        billing_email=installer.billing_email,
        billing_address=installer.billing_address,
        status=installer.status,
        time_zone=installer.time_zone,
        changed=changed,
    )
    outbox.add(session, event, version=installer.next_version())
    await session.flush()
    profile = await profile_of(session, installer, now)
    session.add(
        InstallerVersion(installer_id=installer.id, version=installer.version, profile=profile.told(), changed_at=now)
    )


async def keep_change(
    session: AsyncSession,
    by: Actor,
    action: str,
    installer: Installer,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any],
    reason: str | None = None,
) -> None:
    """In the audit: the fields that changed, as they were and as they are."""
    changed = {name for name, value in after.items() if before is None or before.get(name) != value}
    await audit.record(
        session,
        actor=by,
        action=action,
        subject=Subject("installer", installer.id),
        before=None if before is None else {name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        reason_text=reason,
    )
