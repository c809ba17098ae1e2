"""Fixtures of notifications: its tables, a clock that stands still, a mail server, and a sender between them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from deploy.local.smtp_sink.server import SmtpSink
from services.notifications.main import house_of, smtp_gateway_of
from services.notifications.rendering import Renderer
from services.notifications.sender import Sender, SenderParts
from services.notifications.settings import Settings
from services.notifications.smtp_gateway import SmtpGateway
from tests.kit.databases import RolledBackDatabase
from tests.notifications.samples import NOW

MakeSender = Callable[..., Sender]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def database(
    rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]],
) -> RolledBackDatabase:
    """One unit of work at a time; undone after the test."""
    return await rolled_back_database("notifications")


@pytest.fixture
async def own_database(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Database]:
    """Real commits and as many sessions at once as one likes."""
    ours = Database(create_engine(fresh_database("notifications").url, name="tests"), "/waybill/notifications")
    yield ours
    await ours.close()


@pytest.fixture
def settings(smtp_sink: SmtpSink, tmp_path: Path) -> Settings:
    """Of a sender whose server is the test's own; `tmp_path` holds the further secrets."""
    return settings_of(smtp_sink.url, secrets_dir=tmp_path)


def settings_of(smtp_url: str, **changes: object) -> Settings:
    known: dict[str, object] = {
        "database_url": SecretStr("postgresql://unused"),
        "smtp_url": SecretStr(smtp_url),
        "environment": "local",
        "alert_interval_seconds": 0,
    }
    return Settings.model_validate(known | changes)


@pytest.fixture
async def sender_of(clock: FixedClock, settings: Settings) -> AsyncIterator[MakeSender]:
    """`sender_of(database)`: a sender over the real gateway, closed after the test."""
    made: list[Sender] = []

    def make(database: Database, gateway: SmtpGateway | None = None, with_settings: Settings | None = None) -> Sender:
        used = with_settings or settings
        parts = SenderParts(database, clock, used, gateway or smtp_gateway_of(used), Renderer(house_of(used)))
        made.append(Sender(parts))
        return made[-1]

    yield make
    for sender in made:
        await sender.close()


async def run_until_idle(sender: Sender) -> None:
    """Steps until there is nothing to do."""
    while await sender.step():
        pass
