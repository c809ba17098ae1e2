"""Every room of the operators' console on the demonstration's data: its server time, its weight, its steadiness.

The server time is that of the first page, signed in, within a process of the service; beside it, request by request,
runs the bare SQL that the page sends, by asyncpg on one connection. Rooms are those of the registry.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pyotp
from playwright.async_api import Browser

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.rooms import LIMIT_KB, first_load
from benchmarks.stage import Stage
from benchmarks.workers.room import TOKEN
from chassis.console.rooms import Room, rooms
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from deploy.local import programs
from deploy.local.demo.operators import SignIn
from deploy.local.demo.play import play
from deploy.local.system import System
from services.identity.http.console import REFRESH_COOKIE, REFRESH_PATH
from tests.browser.chromium import running_chromium
from tests.browser.sweep import WIDE

NUMBERS = ("P15", "P16")
LIBRARIES = ("jinja2", "playwright")

REQUESTS = 300
FACTOR, EXTRA_MS = 1.5, 5
OURS, BARE, ALLOWED = "the page", "its bare SQL", f"{FACTOR:g} times its bare SQL and {EXTRA_MS} ms"
LOAD, LIMIT = "first load", "limit"
P95, STATEMENTS = "p95 ms", "statements"
ZIPPED, SENT, STEADY = "gzip KB", "sent KB", "in place %"


@dataclass
class Visitor:
    """A super admin of the running system. Its access token is renewed as a browser renews it."""

    identity: str
    refresh_token: str = field(repr=False)

    async def token(self) -> str:
        async with httpx.AsyncClient(base_url=self.identity, trust_env=False) as client:
            answer = await client.get(REFRESH_PATH + "/renew", cookies={REFRESH_COOKIE: self.refresh_token})
        return answer.cookies[ACCESS_COOKIE]


@dataclass
class Ground:
    stage: Stage
    system: System
    visitor: Visitor
    browser: Browser

    def url(self, room: Room) -> str:
        return self.system.addresses.services[room.service] + room.path


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    """The machine room's servers are the demonstration's own: what runs beside them is the same for all sides."""
    system = System({}, logs=stage.room / "logs")
    try:
        await asyncio.to_thread(system.start)
        played = await play(system, lambda line: None)
        visitor = await _sign_in(system, next(one for one in played.sign_ins if one.role is Role.SUPER_ADMIN))
        async with running_chromium() as browser:
            ground = Ground(stage, system, visitor, browser)
            measured = [room for room in rooms() if not room.is_local]
            yield [*(_speed(ground, room) for room in measured), *(_weight(ground, room) for room in measured)]
    finally:
        await asyncio.to_thread(system.stop)


def _speed(ground: Ground, room: Room) -> Figure:
    requests = ground.stage.sized(REQUESTS, at_least=5)
    pair = _Pair(ground, room, requests)
    return Figure(
        name=f"speed of {room.name}",
        title=f"{room.title}: the first page is made",
        sides=[Side(OURS, pair.page), Side(BARE, pair.bare), Side(ALLOWED, pair.allowed)],
        claims=[Claim("P15", P95, OURS, ALLOWED, at_most=1.0), Claim("P15", P95, OURS, BARE)],
        sizes={"requests": requests},
    )


@dataclass
class _Pair:
    """One process measures a page and its SQL in turn; each side tells its half."""

    ground: Ground
    room: Room
    requests: int
    measured: dict[str, float] = field(default_factory=dict)

    async def page(self) -> Sample:
        stage, addresses = self.ground.stage, self.ground.system.addresses
        child = stage.launch(
            "benchmarks.workers.room",
            *("--service", self.room.service, "--path", self.room.path, "--requests", self.requests),
            environment={
                **programs.service(self.room.service, addresses).environment,
                TOKEN: await self.ground.visitor.token(),
            },
        )
        self.measured = await stage.result_of(child)
        return {P95: self.measured["page"]}

    async def bare(self) -> Sample:
        return {P95: self.measured["bare"], STATEMENTS: self.measured["statements"]}

    async def allowed(self) -> Sample:
        return {P95: FACTOR * self.measured["bare"] + EXTRA_MS}


def _weight(ground: Ground, room: Room) -> Figure:
    return Figure(
        name=f"weight of {room.name}",
        title=f"{room.title}: a browser loads it for the first time",
        sides=[Side(LOAD, partial(_load, ground, room)), Side(LIMIT, _limit)],
        claims=[
            Claim("P16", ZIPPED, LOAD, LIMIT, at_most=1.0),
            Claim("P16", SENT, LOAD, LIMIT),
            Claim("P16", STEADY, LOAD, LIMIT, at_least=1.0),
        ],
        sizes={"viewport px": WIDE["width"]},
    )


async def _load(ground: Ground, room: Room) -> Sample:
    context = await ground.browser.new_context(viewport=WIDE)
    cookie: Any = {"name": ACCESS_COOKIE, "value": await ground.visitor.token(), "url": ground.url(room)}
    await context.add_cookies([cookie])
    loaded = await first_load(context, ground.url(room))
    await context.close()
    return {ZIPPED: loaded.zipped_kb, SENT: loaded.sent_kb, STEADY: 100 * max(0.0, 1 - loaded.shift)}


async def _limit() -> Sample:
    return {ZIPPED: LIMIT_KB, SENT: LIMIT_KB, STEADY: 100}


async def _sign_in(system: System, who: SignIn) -> Visitor:
    """With the code of the next step, which drift allows: the demonstration may have spent the present one."""
    identity = system.addresses.services["identity"]
    code = pyotp.TOTP(who.totp_secret).at(datetime.now(UTC) + timedelta(seconds=30))
    body = {"email": who.email, "password": who.password, "totp_code": code}
    async with httpx.AsyncClient(base_url=identity, trust_env=False) as client:
        answer = (await client.post("/sessions", json=body)).raise_for_status()
    return Visitor(identity, answer.json()["refresh_token"])
