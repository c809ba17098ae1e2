"""Erasing persons over HTTP: to look for their leads, to erase, to see what was erased."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import AustralianState
from services.intake import queries
from services.intake.commands.erasing import ErasePerson, erase_person
from services.intake.domain import LeadStatus
from services.intake.domain.erasure import AskedVia, ErasureReason

ERASES = Capability.WRITE_ROUTING
LONGEST_NOTE = 500


class PersonalLead(BaseModel):
    """A lead as whoever erases must see it to know that it is the right person's. `given_to` are installers."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    email: str
    phone: str
    street: str
    suburb: str
    state: AustralianState
    postcode: str
    service: str
    status: LeadStatus
    received_at: datetime
    erased_at: datetime | None
    given_to: list[str]


class ErasureRow(BaseModel):
    """`counts` are rows by what was erased in them."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    asked_via: AskedVia
    reason_code: ErasureReason
    note: str
    requested_by: str
    erased_at: datetime
    lead_ids: list[UUID]
    counts: dict[str, int]


class Erasing(Body):
    """`id` is made by who asks, so that asked again it is the same erasure. All leads of one person, at once.

    `note` says who asked and how, and names the person by no word: it stays.
    """

    id: Annotated[UUID, Field(strict=False)]
    lead_ids: Annotated[
        tuple[Annotated[UUID, Field(strict=False)], ...], Field(strict=False, min_length=1, max_length=50)
    ]
    asked_via: AskedVia
    reason_code: ErasureReason
    note: Annotated[Text, StringConstraints(max_length=LONGEST_NOTE)]

    def command(self, operator: Operator, now: datetime) -> ErasePerson:
        return ErasePerson(self.id, self.lead_ids, self.asked_via, self.reason_code, self.note, operator, now)


@get("/admin/erasures", guards=[requires(Capability.READ_OPS)])
async def list_erasures(database: Given[Database], page: Given[PageRequest]) -> Page[ErasureRow]:
    """Newest first."""
    async with database.reading() as session:
        found = await queries.list_erasures(session, page)
    return page.page(found, lambda erasure: (erasure.erased_at, erasure.id), ErasureRow.model_validate)


@get("/admin/erasures/search", guards=[requires(ERASES)])
async def search_persons(
    database: Given[Database],
    q: Annotated[
        str,
        QueryParameter(
            min_length=3, max_length=200, description="parts of name, e-mail, phone, street; each word must be there"
        ),
    ],
) -> list[PersonalLead]:
    """Leads that may be one person's, the newest 200. A search finds what was typed alike: look for each spelling."""
    async with database.reading() as session:
        found = await queries.persons_found(session, q)
    return [PersonalLead.model_validate(each) for each in found]


@get("/admin/erasures/{erasure_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def show_erasure(erasure_id: FromPath[UUID], database: Given[Database]) -> ErasureRow:
    async with database.reading() as session:
        return ErasureRow.model_validate(await queries.erasure(session, erasure_id))


@post("/admin/erasures", guards=[requires(ERASES, step_up=True)], status_code=200)
async def erase(
    data: JSONBody[Erasing], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> ErasureRow:
    """Erase a person, for good: here, with routing and notifications, and in everything sealed with the leads' keys.

    Place, service, money and steps stay. Who was erased already stays so, by the erasure that did it.
    """
    async with database.transaction() as session:
        return ErasureRow.model_validate(await erase_person(session, data.command(operator, clock.now())))


ROUTES = (list_erasures, search_persons, show_erasure, erase)
