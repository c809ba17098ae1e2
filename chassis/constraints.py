"""What a constraint says no to, as the refusal that it stands for."""

from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Refusal


async def flush_or_refuse(session: AsyncSession, refusals: Mapping[str, Refusal]) -> None:
    """Flushes; a violated constraint named in `refusals` is raised as its refusal, and the transaction is over."""
    try:
        await session.flush()
    except IntegrityError as violation:
        refusal = refusals.get(_constraint_of(violation))
        if refusal is None:
            raise
        raise refusal from violation


def _constraint_of(violation: IntegrityError) -> str:
    driver_fault = violation.orig.__cause__ if violation.orig is not None else None
    return str(getattr(driver_fault, "constraint_name", ""))
