"""Two ways from POST /leads to the ledger: the product's services, and the floor's. One of them runs at a time."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import httpx
import pyotp

import deploy
from benchmarks import intake
from benchmarks.stage import PATIENCE_SECONDS, Stage
from benchmarks.workers.flow_floor import TABLES
from benchmarks.workers.flow_kit import TOPIC_PREFIX
from chassis.migrations import whole_chassis
from contracts.identity import Role
from contracts.topics import TOPICS
from deploy.local import programs
from deploy.local.addresses import Addresses, Stripe
from deploy.local.child import Child, Program
from deploy.local.paths import ROOT, free_port, is_listening
from deploy.local.postgres import ServiceDatabase, create_database, create_role

SERVICES = ("intake", "routing", "notifications", "billing")
WITH_OPERATORS = ("identity", *SERVICES)
SERVER = "flow"
COMMIT_TIMES = {"track_commit_timestamp": "on"}
"""So that the server itself says when a delivery was committed."""
INSTALLERS = 12
NOWHERE = Stripe("http://127.0.0.1:1", "sk_test_none", "whsec_none", "whsec_none")
APPLIED = """
    SELECT lead_id::text, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM delivery_events
    WHERE lead_id = ANY($1::uuid[])
"""


@dataclass(frozen=True)
class Way:
    """`programs` are started for a run and stopped after it; leads go to `port`, deliveries come to `ledger`."""

    programs: Sequence[Program]
    port: int
    key: str
    ledger: str

    async def applied(self, lead_ids: Sequence[str]) -> dict[str, float]:
        """When the delivery of each lead was committed, in seconds since 1970; those that were not are missing."""
        connection = await asyncpg.connect(self.ledger)
        try:
            return dict(await connection.fetch(APPLIED, lead_ids))
        finally:
            await connection.close()


@asynccontextmanager
async def running(stage: Stage, started: Sequence[Program]) -> AsyncIterator[None]:
    patient = [replace(program, ready_seconds=PATIENCE_SECONDS) for program in started]
    children = [Child(program, stage.room / f"{program.name}.log") for program in patient]
    try:
        for child in children:
            child.start()
        for child in children:
            await asyncio.to_thread(child.wait_until_ready)
        yield
        for child in children:
            if not child.is_running:
                raise child.death()
    finally:
        for child in children:
            await asyncio.to_thread(child.stop)


def mail_server() -> tuple[Program, str]:
    smtp_port = free_port()
    return programs.smtp_sink(smtp_port, free_port()), f"smtp://127.0.0.1:{smtp_port}"


async def product(stage: Stage, smtp_url: str) -> Way:
    """The services on servers of the stage, with a lead source, installers and prices."""
    addresses = await asyncio.to_thread(_addresses, stage, smtp_url)
    async with running(stage, [_service(name, addresses) for name in WITH_OPERATORS]):
        key = await _set_up(stage, addresses)
    port = urlsplit(addresses.services["intake"]).port or 0
    return Way([_service(name, addresses) for name in SERVICES], port, key, addresses.databases["billing"].url)


def _addresses(stage: Stage, smtp_url: str) -> Addresses:
    server = stage.postgres(SERVER, COMMIT_TIMES).address
    addresses = Addresses(
        environment="local",
        clock_file=None,
        services={name: f"http://127.0.0.1:{free_port()}" for name in deploy.SERVICES},
        kafka_bootstrap_servers=stage.kafka(),
        smtp_url=smtp_url,
        stripe=NOWHERE,
    )
    for name in deploy.SERVICES:
        create_role(server, name)
        addresses.databases[name] = create_database(server, name)
    stage.servers.topics(TOPICS)
    migrate = Child(programs.migration(addresses), stage.room / "migrate.log")
    migrate.start()
    migrate.wait_until_ended()
    return addresses


def _service(name: str, addresses: Addresses) -> Program:
    """With room for more mails a day, and more leads a minute, than a run sends."""
    program = programs.service(name, addresses)
    room = {"SMTP_DAILY_CAP": "10000000", "LEAD_RATE_PER_MINUTE": "0"}
    return replace(program, environment={**program.environment, **room})


async def _set_up(stage: Stage, addresses: Addresses) -> str:
    """The API key of a lead source; there are installers all over NSW, without caps, and prices since long ago."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        headers = await _signed_in(stage, addresses, client)

        async def post(service: str, path: str, body: Mapping[str, object]) -> dict[str, str]:
            answer = await client.post(f"{addresses.services[service]}{path}", json=body, headers=headers)
            told: dict[str, str] = answer.raise_for_status().json()
            return told

        source = await post("intake", "/admin/lead-sources", {"name": "Benchmark"})
        made = [await post("routing", "/admin/installers", _installer(number)) for number in range(INSTALLERS)]
        await _known_to_billing(addresses.databases["billing"])
        for installer in made:
            await post("billing", f"/admin/installers/{installer['id']}/price-plans", _prices())
    return source["api_key"]


async def _signed_in(stage: Stage, addresses: Addresses, client: httpx.AsyncClient) -> dict[str, str]:
    email, password, totp = "benchmark@waybill.example", secrets.token_urlsafe(15), pyotp.random_base32()
    files = {"--password-file": (stage.room / "password", password), "--totp-secret-file": (stage.room / "totp", totp)}
    for file, secret in files.values():
        file.write_text(secret)
    command = [sys.executable, "-m", "services.identity", "create-operator", "--email", email, "--name", "Benchmark"]
    command += ["--role", Role.SUPER_ADMIN, *(str(part) for flag, (file, _) in files.items() for part in (flag, file))]
    environment = programs.service("identity", addresses).environment
    child = Child(Program("create-operator", command, environment=environment, directory=ROOT), stage.room / "operator")
    child.start()
    await asyncio.to_thread(child.wait_until_ended)
    sign_in = {"email": email, "password": password, "totp_code": pyotp.TOTP(totp).now()}
    answer = await client.post(f"{addresses.services['identity']}/sessions", json=sign_in)
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def _installer(number: int) -> dict[str, object]:
    return {
        "name": f"Installer {number}",
        "gst_registered": True,
        "email": f"leads@installer-{number}.example",
        "billing_email": f"accounts@installer-{number}.example",
        "services": ["solar-battery"],
        "territory": {"states": ["NSW"]},
    }


def _prices() -> dict[str, object]:
    since = datetime(2025, 1, 1, tzinfo=UTC).isoformat()
    return {"effective_from": since, "exclusive_price_cents": 9_500, "shared_price_cents": 4_200, "reason": "Benchmark"}


async def _known_to_billing(database: ServiceDatabase) -> None:
    connection = await asyncpg.connect(database.url)
    try:
        async with asyncio.timeout(60):
            while await connection.fetchval("SELECT count(*) FROM accounts") < INSTALLERS:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def floor(stage: Stage, smtp_url: str) -> Way:
    """Four small programs with databases of their own on the same servers."""
    databases = await asyncio.to_thread(_floor_databases, stage)
    key = await intake.working_key(databases["intake"])
    port = free_port()
    started = [_floor_program(stage, name, databases[name], port, smtp_url) for name in SERVICES]
    return Way(started, port, key, databases["billing"].url)


def _floor_databases(stage: Stage) -> dict[str, ServiceDatabase]:
    server = stage.postgres(SERVER, COMMIT_TIMES).address
    stage.servers.topics([replace(topic, name=TOPIC_PREFIX + topic.name) for topic in TOPICS])
    databases = {"intake": intake.migrated(stage, server)}
    for name, tables in TABLES.items():
        create_role(server, name)
        databases[name] = create_database(server, name, f"floor_{name}")
        statements = [statement.strip() for statement in tables.split(";")]
        server.execute(f"SET ROLE {name}_owner", *whole_chassis(), *statements, database=f"floor_{name}")
    return databases


def _floor_program(stage: Stage, name: str, database: ServiceDatabase, port: int, smtp_url: str) -> Program:
    command = [sys.executable, "-m", "benchmarks.workers.flow_floor", name, "--database", database.url]
    command += ["--kafka", stage.kafka(), "--port", str(port), "--smtp", smtp_url]
    log = stage.room / f"floor-{name}.log"

    def is_ready() -> bool:
        return is_listening(port) if name == "intake" else log.exists() and "ready" in log.read_text()

    return Program(f"floor-{name}", command, ready=is_ready, directory=ROOT)
