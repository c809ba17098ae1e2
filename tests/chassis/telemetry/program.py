"""A process for the tests to look at from outside: it serves the example as a service does, and says things."""

import asyncio
import logging
import os
import sys
import warnings

import structlog
import uvicorn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.causation import Cause, caused_by
from chassis.database import Database, create_engine
from chassis.errors import NotFound
from chassis.telemetry import start_telemetry
from chassis.telemetry.context import RequestContext, answering
from chassis.telemetry.traces import flush_traces, span
from tests.chassis.http import example

log = structlog.get_logger(__name__)
PROGRAM = [sys.executable, "-m", "tests.chassis.telemetry.program"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TRACES_", "LOG_"))}
SECRETS = ("robin@field.example", "0491 570 156", "Robin Field", "42 Wattle Street")


def speak() -> None:
    """One line of each kind."""
    log.info("plain", things=3, thing_id="01a1fd4d-3f6c-708c-8e30-55de6238773f")
    log.debug("too_quiet")
    log.info("personal", email=SECRETS[0], contact_phone=SECRETS[1], note=f"call {SECRETS[1]} or {SECRETS[0]}")
    log.info("nested", lead={"name": SECRETS[2], "address": {"street": SECRETS[3]}, "state": "NSW"}, names=[SECRETS[0]])
    log.info("odd", thing=object(), text="\ud800", when=None)
    request = RequestContext("request-1", "correlation-1", "operator-1")
    with answering(request), caused_by(Cause("correlation-1")), span("work"):
        log.info("in_context")
    fail("failed_plainly", ValueError(f"no place for {SECRETS[0]}"))
    fail("failed_by_rule", NotFound("no such thing", thing_id="7"))
    logging.getLogger("aiokafka").error("lost %s", SECRETS[0])
    logging.getLogger("httpx").info("GET /leads?email=%s", SECRETS[0])
    logging.getLogger("uvicorn.error").info("Started")
    warnings.warn(f"beware of {SECRETS[0]}", stacklevel=1)
    asyncio.run(fail_in_database())


def fail(event: str, fault: Exception) -> None:
    try:
        try:
            raise KeyError(SECRETS[0])
        except KeyError as cause:
            raise fault from cause
    except Exception as raised:
        log.exception(event, fault=type(raised).__name__)


async def fail_in_database() -> None:
    """A fault of SQLAlchemy's holds its parameters in its text."""
    engine = create_async_engine(DATABASE_URL)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("CREATE TEMPORARY TABLE leads (email text CHECK (email = ''))"))
            await connection.execute(text("INSERT INTO leads VALUES (:email)"), {"email": SECRETS[0]})
    except Exception:
        log.exception("failed_in_database")
    await engine.dispose()


def serve(port: int) -> None:
    app = example.build(Database(create_engine(DATABASE_URL), "/waybill/example"), None)
    uvicorn.run(app, port=port, http="httptools", access_log=False, log_config=None)


if __name__ == "__main__":
    command, DATABASE_URL = sys.argv[1:3]
    start_telemetry("example", example.settings())
    if command == "speak":
        speak()
        flush_traces()
        raise LookupError(f"the last of {SECRETS[0]}")
    serve(int(sys.argv[3]))
