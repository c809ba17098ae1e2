"""What the routes that change an installer answer with: all of it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.http.installer_views import InstallerDetail
from services.routing.models import Installer
from services.routing.queries import absences, installers
from services.routing.queries.counters import usage_of
from services.routing.queries.preflight import missing_of


async def detail_of(session: AsyncSession, installer: Installer, now: datetime) -> InstallerDetail:
    territory = await installers.territory_of(session, installer.id)
    usage = await usage_of(session, [installer], now)
    away = await absences.not_over(session, [installer.id], now)
    missing = (await missing_of(session, [installer.id], now))[installer.id]
    return InstallerDetail.of_all(installer, usage[installer.id], territory, away, missing, now)
