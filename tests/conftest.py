"""Fixtures of every test: real servers, started once per run when first asked for; see tests/kit/."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from chassis.collecting import collect_less
from contracts.topics import TOPICS
from deploy.local.kafka import KafkaServer
from deploy.local.paths import close_workroom, open_workroom
from deploy.local.postgres import PostgresAddress, PostgresServer, ServiceDatabase
from deploy.local.smtp_sink.server import SmtpSink
from tests.kit.controller import CHASSIS, SOCKET_VARIABLE, Controller, ask, forget_existing_servers
from tests.kit.databases import Databases, RolledBackDatabase
from tests.kit.kafka import KafkaAddress

# The inner loop tries fewer examples of each property: HYPOTHESIS_PROFILE=fast.
settings.register_profile("fast", max_examples=15)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

TESTS = Path(__file__).parent

_controller = pytest.StashKey[Controller]()


def pytest_configure(config: pytest.Config) -> None:
    """The process that controls the run owns the servers; an xdist worker only asks it."""
    # A trace in colours, with each frame's locals, takes seconds to draw.
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    if hasattr(config, "workerinput"):
        return
    forget_existing_servers()
    controller = config.stash[_controller] = Controller()
    os.environ[SOCKET_VARIABLE] = controller.socket_path


def pytest_unconfigure(config: pytest.Config) -> None:
    if _controller in config.stash:
        config.stash[_controller].close()


# What a test that asks for one of these does (real commits in a database of its own, a broker, a server to kill, a
# surface to sign in to) takes longer than the inner loop has.
THOROUGH = {
    *("fresh_database", "empty_database", "own_postgres", "own_kafka", "kafka", "identity"),
    *("_stripe", "_running_rig"),
}

# So do whole systems, the simulation, what is measured, and the thousand requests that are put to HTTP surfaces.
THOROUGH_ROOMS = {"ring", "mutants", "benchmarks", "faults", "flows", "deploy", "http", "telemetry", "console"}
THOROUGH_FILES = ("test_http", "test_stripe_gateway", "test_consuming")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if (
            THOROUGH_ROOMS & set(item.path.relative_to(TESTS).parts)
            or item.path.name.startswith(THOROUGH_FILES)
            or THOROUGH & set(getattr(item, "fixturenames", ()))
        ):
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """Some hundred megabytes of tests and of what they import stay: the collector need not walk over them each time."""
    collect_less()


@pytest.fixture(scope="session")
def postgres() -> PostgresAddress:
    """The run's server as its superuser sees it. Who stops or kills a server takes `own_postgres`."""
    return PostgresAddress(**ask("postgres"))


@pytest.fixture(scope="session")
def kafka() -> KafkaAddress:
    """The run's broker. Topics are shared by all tests: make your own."""
    return KafkaAddress(**ask("kafka"))


@pytest.fixture(scope="session")
def kafka_bootstrap_servers(kafka: KafkaAddress) -> str:
    """The run's broker with the topics of the contracts on it, for what speaks to them by their names."""
    kafka.create_topics(*TOPICS)
    return kafka.bootstrap_servers


@pytest.fixture(scope="session")
async def databases(postgres: PostgresAddress) -> AsyncIterator[Databases]:
    ours = Databases(postgres)
    yield ours
    await ours.close()


@pytest.fixture(scope="session")
def service_database(databases: Databases) -> Callable[[str], ServiceDatabase]:
    """`service_database("billing")`: this worker's clone of the migrated database. Leave no rows behind."""
    return databases.of_service


@pytest.fixture
async def rolled_back_database(databases: Databases) -> AsyncIterator[Callable[[str], Awaitable[RolledBackDatabase]]]:
    """`await rolled_back_database("billing")`: a `Database` whose commits are undone after the test."""
    async with AsyncExitStack() as stack:

        async def open_database(service: str) -> RolledBackDatabase:
            return await stack.enter_async_context(databases.rolled_back(service))

        yield open_database


@pytest.fixture
def fresh_database(databases: Databases) -> Iterator[Callable[[str], ServiceDatabase]]:
    """`fresh_database("billing")`: a migrated database of the test's own, for real commits; nothing of it stays."""
    made: list[ServiceDatabase] = []

    def make(service: str) -> ServiceDatabase:
        made.append(databases.fresh(service))
        return made[-1]

    yield make
    for database in made:
        databases.renew(database)


@pytest.fixture
def chassis_database(fresh_database: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    """The chassis's tables and nothing else, for the test alone."""
    return fresh_database(CHASSIS)


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[ServiceDatabase]:
    """No tables; `owner_url` may make some."""
    database = databases.empty(CHASSIS)
    yield database
    databases.drop(database)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A server of this module's own, to be stopped, killed and restarted at will."""
    room = open_workroom()
    server = PostgresServer(room / "postgres")
    server.start()
    server.child.wait_until_ready()
    yield server
    server.stop_immediately()
    close_workroom(room)


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[KafkaServer]:
    """A broker of this module's own, to be stopped, killed and restarted at will."""
    room = open_workroom()
    server = KafkaServer(room / "kafka")
    server.start()
    server.child.wait_until_ready()
    yield server
    server.kill()
    close_workroom(room)


@pytest.fixture
async def smtp_sink() -> AsyncIterator[SmtpSink]:
    """A mail server of the test's own: `.url`, `.mailbox`, `.faults.order(Fault(...))`, `.accounts`."""
    async with SmtpSink() as sink:
        yield sink


@pytest.fixture
def workroom() -> Iterator[Path]:
    """A directory that another user may pass through, as PostgreSQL's where the tests run as root."""
    room = open_workroom()
    yield room
    close_workroom(room)
