"""What the other services know of operators: whom a lead can be given to, and where a mail reaches them."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from chassis.loops import Loop
from contracts.identity import OperatorChanged
from services.identity import queries
from services.identity.domain import OperatorStatus
from services.identity.models import Operator

AT_ONCE = 100
IDLE_SECONDS = (1.0, 60.0)


def tell(session: AsyncSession, operator: Operator) -> None:
    """Publishes the operator as they are now. Hold their lock, or have just made them; once in a transaction."""
    event = OperatorChanged(
        operator_id=operator.id,
        name=operator.name,
        email=operator.email,
        capabilities=tuple(sorted(operator.role.capabilities)),
        is_active=operator.status is OperatorStatus.ACTIVE,
    )
    outbox.add(session, event, version=operator.next_version())


async def tell_untold(session: AsyncSession) -> bool:
    """Those who were here before operators were told; whether there was any."""
    untold = await queries.untold_operators(session, AT_ONCE)
    for operator in untold:
        tell(session, operator)
    return bool(untold)


def telling_loop(database: Database) -> Loop:
    async def step() -> bool:
        async with database.transaction() as session:
            return await tell_untold(session)

    return Loop("tell_operators", step, IDLE_SECONDS)
