"""What identity says of operators: whom something in the books can be given to."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.identity import OperatorChanged
from contracts.topics import OPERATORS
from services.billing.commands.operators import OperatorAsTold, keep_operators


async def on_changed(session: AsyncSession, batch: list[Incoming[OperatorChanged]]) -> None:
    await keep_operators(session, [_told(incoming) for incoming in batch])


CONSUMER = Consumer(OPERATORS, {OperatorChanged: on_changed})


def _told(incoming: Incoming[OperatorChanged]) -> OperatorAsTold:
    event = incoming.event
    return OperatorAsTold(
        operator_id=event.operator_id,
        name=event.name,
        email=event.email,
        is_active=event.is_active,
        capabilities=list(event.capabilities),
        version=incoming.envelope.aggregate_version,
    )
