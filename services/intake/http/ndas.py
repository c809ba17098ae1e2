"""NDA acceptance records per board. Dormant: nothing makes new ones, those that exist are shown."""

from datetime import datetime
from uuid import UUID

from litestar import get
from litestar.params import FromQuery
from pydantic import BaseModel

from chassis.database import Database
from chassis.http import Given, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.intake import queries
from services.intake.models import Board, Nda


class NdaRow(BaseModel):
    id: UUID
    board_id: UUID
    board_title: str
    client_id: UUID
    expert_id: UUID
    expert_name: str
    document_version: str
    accepted_at: datetime

    @classmethod
    def of(cls, found: tuple[Nda, Board]) -> "NdaRow":
        nda, board = found
        return cls(
            id=nda.id,
            board_id=board.id,
            board_title=board.title,
            client_id=board.client_id,
            expert_id=nda.expert_id,
            expert_name=nda.expert_name,
            document_version=nda.document_version,
            accepted_at=nda.accepted_at,
        )


@get("/admin/ops/legal/ndas", guards=[requires(Capability.READ_OPS)])
async def list_ndas(
    database: Given[Database],
    page: Given[PageRequest],
    board_id: FromQuery[UUID | None] = None,
    client_id: FromQuery[UUID | None] = None,
) -> Page[NdaRow]:
    """Newest first."""
    async with database.reading() as session:
        found = await queries.list_ndas(session, page, board_id=board_id, client_id=client_id)
    return page.page(found, lambda row: (row[0].accepted_at, row[0].id), NdaRow.of)


ROUTES = (list_ndas,)
