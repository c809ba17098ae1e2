"""Whom the rows of a territory import mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, any_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.profile import Territory
from services.routing.domain.territory_import import (
    ImportFault,
    ImportMode,
    ImportRow,
    Sheet,
    combined,
    is_too_large,
    keys_of,
    obstacle_to_import,
)
from services.routing.models import Installer
from services.routing.queries.arrays import among
from services.routing.queries.installers import territories_of

MOST_INSTALLERS = 1_000


@dataclass(frozen=True, slots=True)
class PlannedTerritory:
    id: UUID
    name: str
    rows: Sequence[ImportRow]
    """Those that mean it."""
    before: Territory
    after: Territory

    @property
    def obstacle(self) -> str | None:
        return obstacle_to_import(self.before, self.after)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """By name; with a fault nothing of it may be done."""

    planned: Sequence[PlannedTerritory]
    faults: Sequence[ImportFault]


async def plan_import(
    session: AsyncSession, sheet: Sheet, mode: ImportMode, most_installers: int = MOST_INSTALLERS
) -> ImportPlan:
    known = await meant_by(session, {row.key for row in sheet.rows})
    faults = [*sheet.faults, *(fault for row in sheet.rows if (fault := _fault(row, known)))]
    rows: dict[UUID, list[ImportRow]] = {}
    names: dict[UUID, str] = {}
    for row in sheet.rows:
        for id_, name in known.get(row.key, {}).items():
            rows.setdefault(id_, []).append(row)
            names[id_] = name
    if len(rows) > most_installers:
        faults.append(ImportFault(1, f"the sheet names more than {most_installers:,} installers"))
    before = await territories_of(session, list(rows))
    planned = [
        PlannedTerritory(id_, names[id_], own, before[id_], combined(before[id_], own, mode))
        for id_, own in rows.items()
    ]
    faults += [
        ImportFault(each.rows[0].number, f"{each.name} would have too many ranges or postcodes")
        for each in planned
        if is_too_large(each.after)
    ]
    return ImportPlan(
        sorted(planned, key=lambda each: (each.name, each.id)), sorted(faults, key=lambda fault: fault.number)
    )


def _fault(row: ImportRow, known: Mapping[str, Mapping[UUID, str]]) -> ImportFault | None:
    match len(known.get(row.key, {})):
        case 0:
            return ImportFault(row.number, f"there is no installer “{row.who}”")
        case 1:
            return None
        case number:
            return ImportFault(row.number, f"{number} installers are called so: write the id or the ABN")


async def meant_by(session: AsyncSession, keys: set[str]) -> dict[str, dict[UUID, str]]:
    """By each key the installers that it may mean; an id is of its own, whatever somebody is called."""
    ids = [id_ for key in keys if (id_ := _uuid(key)) is not None]
    name = func.lower(func.regexp_replace(func.btrim(Installer.name), r"\s+", " ", "g"))
    any_key = any_(literal(sorted(keys), ARRAY(Text)))
    query = select(Installer.id, Installer.abn, Installer.name).where(
        or_(among(Installer.id, ids), Installer.abn == any_key, name == any_key)
    )
    found: dict[str, dict[UUID, str]] = {}
    for row in await session.execute(query):
        for key in keys_of(row.id, row.abn, row.name) & keys:
            found.setdefault(key, {})[row.id] = row.name
    return found


def _uuid(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None
