"""Writers that commit leads one by one, in one process: by intake's command, by a session alone, by asyncpg alone."""

import argparse
import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from random import Random
from time import monotonic, process_time
from typing import Any

import asyncpg
import uvloop
from sqlalchemy import bindparam, text

from benchmarks.people import Made, somebody
from benchmarks.workers.intake_floor import nothing_to_reset
from benchmarks.workers.service import compose
from chassis.database import Database
from chassis.ids import new_id
from chassis.loops import Loop, LoopRunner
from contracts.values import AustralianState, SelectedPath
from services.intake.commands.leads.taking import TakeLead, take_lead
from services.intake.commands.screening import Screener
from services.intake.domain import LeadContent, LeadStatus
from services.intake.keyring import KeyRing
from services.intake.models import Lead
from services.intake.work import SCREEN_IDLE_SECONDS

Commit = Callable[[str], Awaitable[None]]
"""Commits one lead under this submission key."""

COLUMNS = (
    "id", "source_id", "version", "submission_key", "fingerprint", "accepted_as", "status", "status_since",
    "selected_path", "service", "name", "email", "email_match", "phone", "street", "suburb", "state", "postcode",
    "received_at",
)  # fmt: skip
INSERT = f"INSERT INTO leads ({', '.join(COLUMNS)}) VALUES "
CHANCE = Random(6)  # noqa: S311  # made, not secret
MOST = 50_000
"""So many people are made before the time begins."""
CONTENT = LeadContent(
    selected_path=SelectedPath.COMPARE_QUOTES,
    service="solar-battery",
    name="Mia O'Brien",
    email="mia.obrien@example.com",
    phone="+61412345678",
    street="12 Cadogan Street",
    suburb="Marrickville",
    state=AustralianState.NSW,
    postcode="2204",
    consent_text="I agree to be called about quotes.",
    consent_url="https://quotes.example/solar",
)


async def by_command(database: Database, api_key: str) -> Commit:
    """What POST /leads does once the body is read: lead and consent in one unit of work."""
    command = await _command(database, api_key)
    contents = iter([_asked_by(somebody(CHANCE, number)) for number in range(MOST)])

    async def commit(key: str) -> None:
        await take_lead(database, replace(command, submission_key=key, content=next(contents), now=datetime.now(UTC)))

    return commit


def _asked_by(made: Made) -> LeadContent:
    return replace(
        CONTENT, name=made.name, email=made.email_match, phone=made.phone, street=made.street, postcode=made.postcode
    )


async def by_session(database: Database, api_key: str) -> Commit:
    """The lead's row alone, through the same session layer."""
    command = await _command(database, api_key)
    columns = Lead.__table__.c
    insert = text(INSERT + f"({', '.join(f':{name}' for name in COLUMNS)})").bindparams(
        *(bindparam(name, type_=columns[name].type) for name in COLUMNS)
    )

    async def commit(key: str) -> None:
        async with database.transaction() as session:
            await session.execute(insert, _row(replace(command, submission_key=key, now=datetime.now(UTC))))

    return commit


async def by_asyncpg(pool: Any, database: Database, api_key: str) -> Commit:
    """The lead's row alone, by a statement that commits itself."""
    command = await _command(database, api_key)
    insert = INSERT + f"({', '.join(f'${place}' for place in range(1, len(COLUMNS) + 1))})"

    async def commit(key: str) -> None:
        row = _row(replace(command, submission_key=key, now=datetime.now(UTC)))
        await pool.execute(insert, *(row[name] for name in COLUMNS))

    return commit


async def _command(database: Database, api_key: str) -> TakeLead:
    source = await KeyRing(database, remember_seconds=0).holder(api_key)
    return TakeLead(source, "", CONTENT, "127.0.0.1", datetime.now(UTC))


def _row(command: TakeLead) -> dict[str, Any]:
    content = command.content
    return {
        "id": new_id(),
        "source_id": command.source.source_id,
        "version": 0,
        "submission_key": command.submission_key,
        "fingerprint": b"0" * 32,
        "accepted_as": LeadStatus.RECEIVED,
        "status": LeadStatus.RECEIVED,
        "status_since": command.now,
        "selected_path": content.selected_path,
        "service": content.service,
        "name": content.name,
        "email": content.email,
        "email_match": content.email,
        "phone": content.phone,
        "street": content.street,
        "suburb": content.suburb,
        "state": content.state,
        "postcode": content.postcode,
        "received_at": command.now,
    }


async def write(commit: Commit, writers: int, seconds: float, screener: Screener | None = None) -> dict[str, float]:
    """Each writer commits one after another, until the time is over; what was begun is finished and counted.

    With a screener a lead counts once its event is committed: it works beside them, and the time ends when all are in.
    """
    run, numbers = secrets.token_hex(6), count()
    for _ in range(writers):
        await commit(f"{run}-{next(numbers)}")
    await _screen_all(screener)
    began, cpu_began, warm = monotonic(), process_time(), next(numbers)

    async def writer() -> None:
        while monotonic() < began + seconds:
            await commit(f"{run}-{next(numbers)}")

    async with _screening(screener):
        await asyncio.gather(*(writer() for _ in range(writers)))
    await _screen_all(screener)
    commits = next(numbers) - warm - 1
    return {
        "commits/s": commits / (monotonic() - began),
        "CPU us": (process_time() - cpu_began) / commits * 1e6,
    }


async def _screen_all(screener: Screener | None) -> None:
    while screener is not None and await screener.step():
        continue


@asynccontextmanager
async def _screening(screener: Screener | None) -> AsyncIterator[None]:
    """As the worker's loop: portion after portion while there is any."""
    if screener is None:
        yield
        return
    runner = LoopRunner(Loop("screen", screener.step, SCREEN_IDLE_SECONDS))
    running = asyncio.create_task(runner.run())
    yield
    runner.stop()
    await running


async def run(options: argparse.Namespace) -> None:
    service = compose(options.database, "127.0.0.1:1", name="intake", database_pool_size=options.writers)
    async with asyncpg.create_pool(
        options.database, min_size=options.writers, max_size=options.writers, reset=nothing_to_reset
    ) as pool:
        screener = None
        match options.how:
            case "command":
                commit = await by_command(service.database, options.key)
                screener = Screener(service.database, service.clock)
            case "session":
                commit = await by_session(service.database, options.key)
            case _:
                commit = await by_asyncpg(pool, service.database, options.key)
        print(json.dumps(await write(commit, options.writers, options.seconds, screener)))
    await service.database.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--how", choices=["command", "session", "asyncpg"], required=True)
    parser.add_argument("--writers", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
