"""The running system from outside: its routes, its databases, its topics, its mailbox and its logs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import programs
from deploy.local.addresses import Addresses
from deploy.local.child import Child, Program
from deploy.local.system import System
from tests.flows.operators import SignedIn, create_and_sign_in
from tests.flows.people import Person, marked, submission
from tests.kit.eventually import eventually

T = TypeVar("T")

PROMISED_SECONDS = 30
"""How long anything that is under way may take on a machine with other work."""

# What a test would otherwise wait for.
KNOBS = {
    # Alerts of a kind are gathered for so long.
    "ALERT_INTERVAL_SECONDS": "0.2",
    # What a dead sender had in hand is taken up again after it.
    "SEND_LEASE_SECONDS": "3",
    # How long a group waits for a member that was killed; the broker allows no less.
    "KAFKA_SESSION_TIMEOUT_MS": "6000",
    # What changes of an account by itself is told so often.
    "ACCOUNT_NEWS_SECONDS": "0.5",
    # What is handed in at once is to be taken at once.
    "LEAD_RATE_PER_MINUTE": "0",
}


@dataclass
class Running:
    system: System
    client: httpx.AsyncClient
    traces_file: Path
    databases: Mapping[str, asyncpg.Connection]
    owners: Mapping[str, asyncpg.Connection]
    """As the owner of the tables, to make a service fail inside."""
    operator: SignedIn
    source_key: str = field(default="", repr=False)
    secrets: set[str] = field(default_factory=set, repr=False)
    """What was sent in that no log may hold, beside all that has the mark."""
    _read: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(self.system.addresses.services)

    @property
    def kafka(self) -> str:
        return self.system.addresses.kafka_bootstrap_servers

    def url(self, service: str, path: str = "") -> str:
        return f"{self.system.addresses.services[service]}{path}"

    def child(self, service: str) -> Child:
        return self.system.supervisor.child(service)

    def log(self, service: str) -> str:
        return self.system.supervisor.log_of(service).read_text()

    # --- over HTTP

    async def ask(self, method: str, service: str, path: str, **request: Any) -> httpx.Response:
        """As a super admin whose second factor is fresh."""
        headers = {**await self.operator.headers(), **request.pop("headers", {})}
        return await self.client.request(method, self.url(service, path), headers=headers, **request)

    async def told(self, method: str, service: str, path: str, **request: Any) -> Any:
        """The answer's JSON; anything but success is a failure of the test."""
        answer = await self.ask(method, service, path, **request)
        assert answer.is_success, f"{method} {service}{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def post_lead(self, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """As the lead source."""
        authorised = {"Authorization": f"Bearer {self.source_key}", **(headers or {})}
        return await self.client.post(self.url("intake", "/leads"), json=body, headers=authorised)

    async def take_lead(self, person: Person, service: str, **changes: Any) -> str:
        """The id of a lead that was taken in."""
        answer = await self.post_lead(submission(person, service, **changes))
        assert answer.status_code == 202, answer.text
        lead_id: str = answer.json()["id"]
        return lead_id

    async def add_installer(
        self, service: str, *, exclusive_cents: int = 9_500, shared_cents: int = 4_200, priced: bool = True
    ) -> "Installer":
        """Does `service` all over NSW, without caps, at these prices since long ago."""
        host = f"{marked().lower()}.example"
        email = f"leads@{host}"
        profile = {
            "name": f"{marked()} Solar",
            "gst_registered": True,
            "email": email,
            "billing_email": f"accounts@{host}",
            "services": [service],
            "territory": {"states": ["NSW"]},
        }
        made = await self.told("POST", "routing", "/admin/installers", json=profile)
        installer = Installer(made["id"], email, exclusive_cents, shared_cents)
        if priced:
            await self.set_prices(installer)
        return installer

    async def set_prices(self, installer: "Installer") -> None:
        known = "SELECT count(*) FROM accounts WHERE id = $1"
        await self.until(lambda: self.number("billing", known, installer.id))
        plan = {
            "effective_from": datetime(2025, 1, 1, tzinfo=UTC).isoformat(),
            "exclusive_price_cents": installer.exclusive_cents,
            "shared_price_cents": installer.shared_cents,
            "reason": "As agreed",
        }
        await self.told("POST", "billing", f"/admin/installers/{installer.id}/price-plans", json=plan)

    async def metrics(self, service: str) -> dict[tuple[str, tuple[str, ...]], float]:
        """Samples by name and label values."""
        text = (await self.client.get(self.url(service, "/metrics"))).text
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    # --- in the databases

    async def number(self, service: str, query: str, *arguments: Any) -> int:
        return int(await self.databases[service].fetchval(query, *arguments) or 0)

    async def rows(self, service: str, query: str, *arguments: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.databases[service].fetch(query, *arguments)]

    async def row(self, service: str, query: str, *arguments: Any) -> dict[str, Any]:
        (found,) = await self.rows(service, query, *arguments)
        return found

    # --- in the mailbox

    async def mails_to(self, address: str) -> list[dict[str, Any]]:
        """Oldest first, without their bodies."""
        answer = await self.client.get(f"{self._mailbox}/messages", params={"to": address, "limit": 10_000})
        return list(reversed(answer.json()["messages"]))

    async def mail(self, id_: int) -> dict[str, Any]:
        """With `headers`, `text` and `html`."""
        if id_ not in self._read:
            read = (await self.client.get(f"{self._mailbox}/messages/{id_}")).json()
            self._read[id_] = {**read, "headers": {name.lower(): value for name, value in read["headers"]}}
        return self._read[id_]

    async def mail_as_it_came(self, id_: int) -> bytes:
        return (await self.client.get(f"{self._mailbox}/messages/{id_}/raw")).content

    async def alert_about(self, lead_id: str) -> dict[str, Any]:
        """The mail to operations that names the lead."""

        async def arrived() -> dict[str, Any]:
            mails = [await self.mail(mail["id"]) for mail in await self.mails_to("ops@waybill.example")]
            assert any(lead_id in mail["text"] for mail in mails)
            return next(mail for mail in mails if lead_id in mail["text"])

        return await self.until(arrived)

    @asynccontextmanager
    async def mail_fault(self, **fault: Any) -> AsyncIterator[None]:
        """What the mail server does wrong in the block: `action`, `stage`, `recipient`, `times`, …"""
        (await self.client.post(f"{self._mailbox}/control/faults", json=fault)).raise_for_status()
        try:
            yield
        finally:
            (await self.client.delete(f"{self._mailbox}/control/faults")).raise_for_status()

    @property
    def _mailbox(self) -> str:
        return self.system.addresses.mailbox_url or ""

    # --- until it is so

    async def until(self, condition: Callable[[], Awaitable[T]], deadline_seconds: float = PROMISED_SECONDS) -> T:
        return await eventually(condition, deadline_seconds)

    async def until_ready(self, *services: str) -> None:
        await asyncio.gather(*(asyncio.to_thread(self.child(service).wait_until_ready) for service in services))

    async def outboxes(self) -> dict[str, int]:
        """Events that wait to be published, by service; those that have none are left out."""
        waiting = {service: await self.number(service, "SELECT count(*) FROM outbox") for service in self.services}
        return {service: number for service, number in waiting.items() if number}

    async def parked(self) -> dict[str, int]:
        """Parked events by service; those that have none are left out."""
        query = "SELECT count(*) FROM parked_events WHERE state = 'parked'"
        waiting = {service: await self.number(service, query) for service in self.services}
        return {service: number for service, number in waiting.items() if number}


@dataclass(frozen=True, slots=True)
class Installer:
    id: str
    email: str
    exclusive_cents: int
    shared_cents: int


@asynccontextmanager
async def running_system(room: Path) -> AsyncIterator[Running]:
    """All of it, started for these tests; `room` is for what they leave behind."""
    traces = room / "traces.jsonl"
    system = System({}, logs=room / "logs", make_service=lambda name, at: _service(name, at, traces))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, system.stop)
        await asyncio.to_thread(system.start)
        limits = httpx.Limits(max_connections=200)
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=30, limits=limits, trust_env=False))
        operator = await create_and_sign_in(system.addresses, client, room)
        databases, owners = await _connected(system.addresses, stack)
        running = Running(system, client, traces, databases, owners, operator, secrets=operator.secrets)
        source = await running.told("POST", "intake", "/admin/lead-sources", json={"name": f"{marked()} Quotes"})
        running.source_key = source["api_key"]
        running.secrets.add(source["api_key"])
        yield running


def _service(name: str, addresses: Addresses, traces: Path) -> Program:
    program = programs.service(name, addresses)
    return replace(program, environment={**program.environment, **KNOBS, "TRACES_FILE": str(traces)})


async def _connected(
    addresses: Addresses, stack: AsyncExitStack
) -> tuple[dict[str, asyncpg.Connection], dict[str, asyncpg.Connection]]:
    ours: dict[str, asyncpg.Connection] = {}
    owners: dict[str, asyncpg.Connection] = {}
    for service, database in addresses.databases.items():
        ours[service] = await asyncpg.connect(database.url)
        owners[service] = await asyncpg.connect(database.owner_url)
        stack.push_async_callback(ours[service].close)
        stack.push_async_callback(owners[service].close)
    return ours, owners
