"""`create-operator`: the first operator, whom nobody can invite, and those of a demonstration.

Idempotent by e-mail: who exists is left as they are. What is generated here is printed once and kept nowhere.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from chassis.clock import SystemClock
from chassis.database import Database
from chassis.errors import Refusal
from chassis.service import database_of
from contracts.identity import Role
from services.identity import one_time_codes, queries
from services.identity.commands.operators import Credentials, NewOperator, register_operator
from services.identity.commands.passwords import refuse_weak
from services.identity.commands.signing_keys import signing_key
from services.identity.domain import normalised_email
from services.identity.models import Operator
from services.identity.security import Security, security_of
from services.identity.settings import Settings


@dataclass(frozen=True, slots=True)
class Seed:
    """`generated` holds what must be printed, by name, because nobody else knows it."""

    operator: NewOperator
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)
    generated: dict[str, str] = field(default_factory=dict, repr=False)


def create_operator(arguments: Sequence[str]) -> None:
    """Exits with 2 and one line on stderr where the command, a file or the environment is wrong."""
    options = _parser().parse_args(arguments)
    try:
        seed = _seed(options)
        settings = Settings()
        created = asyncio.run(_create(seed, settings))
    except ValidationError as wrong:
        names = ", ".join(str(fault["loc"][0]) for fault in wrong.errors(include_input=False))
        _give_up(f"the environment lacks, or has wrong: {names}")
    except Refusal as refused:
        faults = "; ".join(fault.message for fault in refused.errors)
        _give_up(f"{refused.detail}: {faults}" if faults else refused.detail)
    except DBAPIError as fault:
        _give_up(f"the database answered with {type(_driver_fault(fault)).__name__}")
    except (ValueError, OSError) as wrong:
        _give_up(str(wrong))
    if not created:
        print("the operator exists already; nothing was changed")  # noqa: T201
        return
    print("the operator was created")  # noqa: T201
    for name, secret in seed.generated.items():
        print(f"{name}: {secret}")  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.identity create-operator", description=__doc__)
    parser.add_argument("--email", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", required=True, choices=[role.value for role in Role])
    parser.add_argument("--password-file", type=Path, help="else a password is generated and printed")
    parser.add_argument("--totp-secret-file", type=Path, help="base32; else a secret is generated and printed")
    return parser


def _seed(options: argparse.Namespace) -> Seed:
    """Secrets come in files: a command line is seen by everyone on the machine."""
    generated = {}
    if options.password_file is None:
        password = generated["password"] = secrets.token_urlsafe(18)
    else:
        password = options.password_file.read_text().rstrip("\r\n")
    if options.totp_secret_file is None:
        totp_secret = generated["totp_secret"] = one_time_codes.new_secret()
    else:
        totp_secret = one_time_codes.checked_secret(options.totp_secret_file.read_text().strip())
    return Seed(NewOperator(options.email, options.name.strip(), Role(options.role)), password, totp_secret, generated)


async def _create(seed: Seed, settings: Settings) -> bool:
    security = security_of(settings, SystemClock())
    database = database_of("identity", settings)
    try:
        return await create_once(database, seed, security)
    finally:
        await database.close()
        await security.passwords.close()


async def create_once(database: Database, seed: Seed, security: Security) -> bool:
    """Whether it was made now. The first signing key too, so that verifiers find a key before anyone signs in."""
    async with database.reading() as session:
        if await queries.operator_by_email(session, normalised_email(seed.operator.email)) is not None:
            return False
    refuse_weak(seed.password, Operator(email=seed.operator.email, name=seed.operator.name))
    credentials = Credentials(await security.passwords.hash(seed.password), seed.totp_secret)
    async with database.transaction() as session:
        await register_operator(session, seed.operator, credentials, security)
        await signing_key(session, security)
    return True


def _driver_fault(fault: DBAPIError) -> BaseException | None:
    """The driver's own, under SQLAlchemy's two coats; what it says can hold a value, so that its name is told alone."""
    return fault.orig.__cause__ if fault.orig is not None else None


def _give_up(why: str) -> NoReturn:
    print(f"identity: {why.replace(chr(10), ' ')}", file=sys.stderr)  # noqa: T201
    sys.exit(2)
