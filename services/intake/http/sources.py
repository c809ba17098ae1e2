"""Lead sources, as operators manage them: their names, modes and rates."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from pydantic import Field, StringConstraints

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, Text, requires
from chassis.http.caching import NO_STORE
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.sources import (
    ChangeSource,
    create_source,
    rename_source,
    revoke_source,
    set_source_mode,
    set_source_rate,
)
from services.intake.domain import HIGHEST_RATE_PER_MINUTE, SourceMode
from services.intake.http.source_rows import IssuedKey, LeadSourceRow
from services.intake.keyring import KeyRing

SourceName = Annotated[Line, StringConstraints(max_length=120)]
Rate = Annotated[int, Field(ge=1, le=HIGHEST_RATE_PER_MINUTE, description="leads a minute")]


class LeadSourceRevocation(Body):
    reason: Text | None = None


class LeadSourceName(Body):
    """Of one that is there, or is made."""

    name: SourceName
    reason: Text | None = None


class LeadSourceMode(Body):
    mode: SourceMode
    reason: Text


class LeadSourceRate(Body):
    """Null gives it the setting's."""

    rate_per_minute: Rate | None
    reason: Text


@post("/admin/lead-sources", guards=[requires(Capability.WRITE_ROUTING)])
async def create_lead_source(
    data: JSONBody[LeadSourceName], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> Response[IssuedKey]:
    """Make a source; its key is in the answer and nowhere else."""
    async with database.transaction() as session:
        keyed = await create_source(session, data.name, operator, clock.now(), data.reason)
    return Response(IssuedKey.of(keyed), headers=NO_STORE)


@get("/admin/lead-sources", guards=[requires(Capability.READ_OPS)])
async def list_lead_sources(database: Given[Database], page: Given[PageRequest]) -> Page[LeadSourceRow]:
    """Newest first, the revoked ones too."""
    async with database.reading() as session:
        sources = await queries.list_sources(session, page)
        keys = await queries.keys_of(session, [source.id for source in sources])
    return page.page(
        sources,
        lambda source: (source.created_at, source.id),
        lambda source: LeadSourceRow.of(source, keys.get(source.id, [])),
    )


@get("/admin/lead-sources/{source_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_lead_source(source_id: FromPath[UUID], database: Given[Database]) -> LeadSourceRow:
    async with database.reading() as session:
        source = await queries.source(session, source_id)
        keys = await queries.keys_of(session, [source_id])
    return LeadSourceRow.of(source, keys.get(source_id, []))


@post("/admin/lead-sources/{source_id:uuid}/rename", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def rename_lead_source(
    source_id: FromPath[UUID], data: JSONBody[LeadSourceName], database: Given[Database], operator: Given[Operator]
) -> LeadSourceRow:
    """What it is called from now on, with its earlier leads too."""
    async with database.transaction() as session:
        source = await rename_source(session, ChangeSource(source_id, operator, data.reason), data.name)
        keys = await queries.keys_of(session, [source_id])
    return LeadSourceRow.of(source, keys.get(source_id, []))


@post("/admin/lead-sources/{source_id:uuid}/mode", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def set_lead_source_mode(
    source_id: FromPath[UUID],
    data: JSONBody[LeadSourceMode],
    database: Given[Database],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> LeadSourceRow:
    """In mode `test` what it hands in is checked and answered, and nothing comes of it."""
    async with database.transaction() as session:
        source = await set_source_mode(session, ChangeSource(source_id, operator, data.reason), data.mode)
        keys = await queries.keys_of(session, [source_id])
    key_ring.forget(source_id)
    return LeadSourceRow.of(source, keys.get(source_id, []))


@post("/admin/lead-sources/{source_id:uuid}/rate", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def set_lead_source_rate(
    source_id: FromPath[UUID],
    data: JSONBody[LeadSourceRate],
    database: Given[Database],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> LeadSourceRow:
    """How many leads of it are taken in a minute; what is beyond is answered with 429."""
    async with database.transaction() as session:
        source = await set_source_rate(session, ChangeSource(source_id, operator, data.reason), data.rate_per_minute)
        keys = await queries.keys_of(session, [source_id])
    key_ring.forget(source_id)
    return LeadSourceRow.of(source, keys.get(source_id, []))


@post("/admin/lead-sources/{source_id:uuid}/revoke", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def revoke_lead_source(
    source_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
    data: JSONBody[LeadSourceRevocation | None] = None,
) -> LeadSourceRow:
    """From now on none of the source's keys works. Revoked twice is revoked once."""
    reason = data.reason if data else None
    async with database.transaction() as session:
        source = await revoke_source(session, source_id, reason, operator, clock.now())
        keys = await queries.keys_of(session, [source_id])
    key_ring.forget(source_id)
    return LeadSourceRow.of(source, keys.get(source_id, []))


ROUTES = (
    create_lead_source,
    list_lead_sources,
    get_lead_source,
    rename_lead_source,
    set_lead_source_mode,
    set_lead_source_rate,
    revoke_lead_source,
)
