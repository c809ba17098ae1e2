"""Changing one's own password."""

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import record
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from services.identity import queries
from services.identity.commands.access import Caller, live_session, revoke_sessions_of, subject_of
from services.identity.commands.attempts import Guess, admit_attempt, forgive_attempt, operator_guesses
from services.identity.domain import (
    MAX_PASSWORD_LENGTH,
    MIN_DISTINCT_CHARACTERS,
    MIN_PASSWORD_LENGTH,
    SessionEnd,
    normalised_password,
    password_faults,
)
from services.identity.errors import InvalidCredentials, SessionEnded
from services.identity.models import Operator
from services.identity.security import Security

FAULTS = {
    "too_short": f"At least {MIN_PASSWORD_LENGTH} characters",
    "too_long": f"At most {MAX_PASSWORD_LENGTH} characters",
    "too_uniform": "More different characters",
    "contains_name": "Without your name or e-mail",
    "unchanged": "Another one than before",
}
RULES = (
    f"{MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters, at least {MIN_DISTINCT_CHARACTERS} of them different, "
    "without your name or e-mail. A few words in a row are easy to keep in mind."
)


@dataclass(frozen=True, slots=True)
class ChangePassword:
    caller: Caller
    current_password: str = field(repr=False)
    new_password: str = field(repr=False)


def refuse_weak(password: str, operator: Operator, *, field: str = "password", before: str | None = None) -> None:
    """Names every fault at once. `before` is the password that it replaces."""
    new = normalised_password(password)
    faults = password_faults(new, email=operator.email, name=operator.name)
    if before is not None and new == normalised_password(before):
        faults.append("unchanged")
    if faults:
        errors = tuple(FieldError(field, code, FAULTS[code]) for code in faults)
        raise Invalid("choose another password", errors=errors)


async def change_password(database: Database, command: ChangePassword, security: Security) -> None:
    """Ends every session of the operator, this one too: who knew the old password is out."""
    guesses = operator_guesses(command.caller.id, "password", security)
    async with database.transaction() as session:
        operator = await _signed_in_operator(session, command.caller, security)
        refuse_weak(command.new_password, operator, field="new_password", before=command.current_password)
        await admit_attempt(session, guesses, security.now())
    old_hash = operator.password_hash
    if not await security.passwords.verify(old_hash, command.current_password):
        raise InvalidCredentials()
    new_hash = await security.passwords.hash(command.new_password)
    async with database.transaction() as session:
        await _replace_password(session, command, guesses, (old_hash, new_hash), security)


async def _replace_password(
    session: AsyncSession,
    command: ChangePassword,
    guesses: tuple[Guess, ...],
    hashes: tuple[str | None, str],
    security: Security,
) -> None:
    """`hashes` are the one that was proven and the new one."""
    proven_hash, new_hash = hashes
    operator = await _signed_in_operator(session, command.caller, security)
    if operator.password_hash != proven_hash:
        raise InvalidCredentials()
    at = security.now()
    operator.password_hash, operator.password_changed_at = new_hash, at
    await forgive_attempt(session, guesses)
    ended = await revoke_sessions_of(session, operator.id, SessionEnd.PASSWORD_CHANGED, at)
    after = {"sessions_ended": len(ended)}
    await record(session, actor=operator, action="change_password", subject=subject_of(operator.id), after=after)


async def _signed_in_operator(session: AsyncSession, caller: Caller, security: Security) -> Operator:
    operator = await queries.lock_operator(session, caller.id)
    await live_session(session, caller, security.now())
    if operator is None:
        raise SessionEnded()
    return operator
