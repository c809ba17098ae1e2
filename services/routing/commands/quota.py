"""The quota of returns as it stands when one is accepted."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import locked_by_name
from chassis.errors import FieldError
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import is_over_quota
from services.routing.errors import OverQuotaNeedsNote
from services.routing.models import Return
from services.routing.queries.evidence import quota_now
from services.routing.queries.policies import in_force


async def judge_quota_again(session: AsyncSession, asked: Return, note: str | None) -> None:
    """By what was taken back since it was asked for: one more than the quota is accepted for a reason, or not."""
    # Two returns of one installer are decided under the locks of two leads, and only one of them may be the last.
    await locked_by_name(session, f"returns_quota {asked.installer_id}")
    quota = await quota_now(session, asked, (await in_force(session, ReturnsPolicy)).policy)
    asked.is_over_quota = is_over_quota(asked.code, asked.rule_verdict, quota)
    if asked.is_over_quota and not note:
        fault = FieldError("note", "note_required", "Say why it is taken back all the same")
        raise OverQuotaNeedsNote(f"{quota.told} this cycle", errors=(fault,), return_id=asked.id)
