"""The breaker of an installer's webhook, on a real database and to a real receiver."""

import asyncio
from datetime import timedelta

from contracts.routing import InstallerBreakerMoved
from services.routing.domain.states import AssignmentStatus, BreakerState
from tests.kit.webhook_sink import answers
from tests.routing.arrangements import NOW
from tests.routing.webhooks import Webhooks


class TestTheBreaker:
    async def test_opens_after_five_in_a_row_and_holds_back_what_comes(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        webhooks.sink.answers = [answers(500)]
        for _ in range(7):
            await webhooks.given()
        await webhooks.send()
        endpoint = await webhooks.endpoint(installer_id)
        assert (endpoint.breaker, endpoint.probe_at) == (BreakerState.OPEN, NOW + timedelta(minutes=5))
        number = len(webhooks.sink.received)
        webhooks.floor.clock.advance(timedelta(minutes=4))
        await webhooks.send()
        assert len(webhooks.sink.received) == number < 10

    async def test_lets_one_through_and_closes_when_it_is_taken(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        until = asyncio.Event()

        async def later(writer: asyncio.StreamWriter) -> None:
            await until.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        await self.open(webhooks)
        webhooks.sink.answers = [later, answers(200)]
        webhooks.sink.received.clear()
        webhooks.floor.clock.advance(timedelta(minutes=5))
        async with asyncio.timeout(20):
            while not webhooks.sink.received:
                await webhooks.sender.step()
        await webhooks.sender.step()
        assert len(webhooks.sink.received) == 1
        assert (await webhooks.endpoint(installer_id)).breaker is BreakerState.HALF_OPEN
        until.set()
        await webhooks.send()
        assert (await webhooks.endpoint(installer_id)).breaker is BreakerState.CLOSED
        assert {made.status for made in await webhooks.floor.assignments()} == {AssignmentStatus.SENT}
        assert [
            (version, event.before, event.after, event.moved_at - NOW)
            for version, event in await webhooks.floor.published(InstallerBreakerMoved.type)
            if isinstance(event, InstallerBreakerMoved)
        ] == [
            (1, "closed", "open", timedelta(0)),
            (2, "open", "half_open", timedelta(minutes=5)),
            (3, "half_open", "closed", timedelta(minutes=5)),
        ]

    async def test_opens_for_longer_when_its_try_fails(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        await self.open(webhooks)
        webhooks.sink.received.clear()
        webhooks.floor.clock.advance(timedelta(minutes=5))
        await webhooks.send()
        endpoint = await webhooks.endpoint(installer_id)
        assert len(webhooks.sink.received) == 1
        assert endpoint.probe_at == NOW + timedelta(minutes=5 + 10)

    async def test_is_left_to_its_try_by_what_had_begun_before(self, webhooks: Webhooks) -> None:
        """The clock leaps past the probe while a fifth and a sixth lead are still being sent."""
        installer_id = await webhooks.installer()
        webhooks.sink.answers = [answers(500)]
        for _ in range(4):
            await webhooks.given()
        await webhooks.send()
        until = asyncio.Event()

        async def later(writer: asyncio.StreamWriter) -> None:
            await until.wait()
            writer.write(b"HTTP/1.1 500 As told\r\nContent-Length: 0\r\n\r\n")

        webhooks.sink.answers = [answers(500), later]
        webhooks.sink.received.clear()
        for _ in range(2):
            await webhooks.given()
        async with asyncio.timeout(20):
            while (await webhooks.endpoint(installer_id)).breaker is not BreakerState.OPEN:
                await webhooks.sender.step()
        webhooks.sink.answers = [answers(200)]
        webhooks.floor.clock.advance(timedelta(minutes=6))
        until.set()
        await webhooks.send()
        assert (await webhooks.endpoint(installer_id)).breaker is BreakerState.CLOSED

    async def test_gives_what_waits_for_long_to_the_operators(self, webhooks: Webhooks) -> None:
        """By a clock that leaps for weeks, the try comes first."""
        await webhooks.installer()
        await self.open(webhooks)
        webhooks.sink.received.clear()
        webhooks.floor.clock.advance(timedelta(days=21))
        await webhooks.send()
        assert len(webhooks.sink.received) == 1
        assert [made.ended_reason for made in await webhooks.floor.assignments()] == ["webhook_down"] * 6

    async def open(self, webhooks: Webhooks) -> None:
        webhooks.sink.answers = [answers(500)]
        for _ in range(6):
            await webhooks.given()
        await webhooks.send()
