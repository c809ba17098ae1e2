"""What is over and was kept long enough leaves: windows, ended sessions, unused invitations, retired keys."""

from datetime import timedelta

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.commands.signing_keys import drop_retired_keys
from services.identity.models import AttemptWindow, Enrolment, OperatorSession
from services.identity.security import Security


async def purge(session: AsyncSession, security: Security) -> None:
    """Sessions take their refresh tokens along; who signed in when stays in the audit trail."""
    at = security.now()
    kept_since = at - timedelta(days=security.settings.kept_days)
    window = timedelta(seconds=security.settings.attempt_window_seconds)
    await session.execute(delete(AttemptWindow).where(AttemptWindow.started_at <= at - window))
    ended_at = func.coalesce(OperatorSession.revoked_at, OperatorSession.expires_at)
    await session.execute(delete(OperatorSession).where(OperatorSession.expires_at < at, ended_at < kept_since))
    await session.execute(delete(Enrolment).where(Enrolment.expires_at < at))
    await drop_retired_keys(session, security)
