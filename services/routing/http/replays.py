"""A past decision made again over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromPath, PathParameter
from pydantic import BaseModel

from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from services.routing.domain.replaying import Replay
from services.routing.queries.replays import replay_of

LAST_ATTEMPT = 2**31 - 1
AttemptNo = Annotated[int, PathParameter(ge=1, le=LAST_ATTEMPT)]


class ReplayView(BaseModel):
    """Whether the decision comes out the same to the last sign, by which rules, and where it does not."""

    is_identical: bool
    rule_set: str
    first_difference: str | None

    @classmethod
    def of(cls, replay: Replay) -> "ReplayView":
        return cls(is_identical=replay.is_identical, rule_set=replay.rule_set, first_difference=replay.first_difference)


@get("/admin/leads/{lead_id:uuid}/decisions/{attempt_no:int}/replay", guards=[requires(Capability.READ_OPS)])
async def replay_decision(lead_id: FromPath[UUID], attempt_no: AttemptNo, database: Given[Database]) -> ReplayView:
    """Makes the attempt's decision again from what was recorded, and compares it with the record."""
    async with database.reading() as session:
        return ReplayView.of(await replay_of(session, lead_id, attempt_no))


ROUTES = (replay_decision,)
