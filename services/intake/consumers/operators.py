"""What identity says of operators."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.identity import OperatorChanged
from contracts.topics import OPERATORS
from services.intake.commands.operators import OperatorAsTold, keep_operators


async def on_changed(session: AsyncSession, batch: list[Incoming[OperatorChanged]]) -> None:
    await keep_operators(session, [_told(incoming) for incoming in batch])


def _told(incoming: Incoming[OperatorChanged]) -> OperatorAsTold:
    event = incoming.event
    return OperatorAsTold(
        event.operator_id,
        event.name,
        event.email,
        list(event.capabilities),
        event.is_active,
        incoming.envelope.aggregate_version,
    )


CONSUMER = Consumer(OPERATORS, {OperatorChanged: on_changed})
