"""Guesses are counted before they are judged, in the database: the limit holds over processes and connections."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain import AttemptKind, AttemptLimit, address_bucket, normalised_email
from services.identity.errors import TooManyAttempts
from services.identity.models import AttemptWindow
from services.identity.security import Security


@dataclass(frozen=True, slots=True)
class Guess:
    """`subject` is a keyed hash of what is guessed at or where from."""

    kind: AttemptKind
    subject: bytes
    limit: AttemptLimit


def sign_in_guesses(email: str, address: str, security: Security) -> tuple[Guess, ...]:
    """At the account, which need not exist, and from the address: in this order, which is that of the locks."""
    account = security.vault.mark(f"sign-in:{normalised_email(email)}")
    origin = security.vault.mark(f"address:{address_bucket(address)}")
    return (
        Guess(AttemptKind.ACCOUNT, account, security.settings.account_limit),
        Guess(AttemptKind.ADDRESS, origin, security.settings.address_limit),
    )


def operator_guesses(operator_id: UUID, purpose: str, security: Security) -> tuple[Guess, ...]:
    """Of someone signed in. Counted apart, so that a stranger's failed sign-ins do not keep an operator from work."""
    subject = security.vault.mark(f"{purpose}:{operator_id}")
    return (Guess(AttemptKind.ACCOUNT, subject, security.settings.account_limit),)


async def admit_attempt(session: AsyncSession, guesses: Sequence[Guess], at: datetime) -> None:
    """Counts an attempt as failed until `forgive_attempt` says otherwise; commit it before the secret is looked at."""
    refused = [
        guess.limit.retry_after(started_at, at) for guess in guesses if (started_at := await _over(session, guess, at))
    ]
    if refused:
        raise TooManyAttempts(max(refused))


async def _over(session: AsyncSession, guess: Guess, at: datetime) -> datetime | None:
    """When the window started, where it holds too many; the row's lock makes two attempts at once count as two."""
    has_ended = AttemptWindow.started_at <= at - timedelta(seconds=guess.limit.window_seconds)
    first = insert(AttemptWindow).values(kind=guess.kind, subject=guess.subject, started_at=at, attempts=1)
    counted = first.on_conflict_do_update(
        index_elements=[AttemptWindow.kind, AttemptWindow.subject],
        set_={
            "attempts": case((has_ended, 1), else_=AttemptWindow.attempts + 1),
            "started_at": case((has_ended, at), else_=AttemptWindow.started_at),
        },
    ).returning(AttemptWindow.attempts, AttemptWindow.started_at)
    attempts, started_at = (await session.execute(counted)).one()
    return started_at if attempts > guess.limit.attempts else None


async def locked_until(session: AsyncSession, guess: Guess, at: datetime) -> datetime | None:
    """When the next attempt is looked at again, where there were too many; nothing is counted."""
    row = await session.get(AttemptWindow, (guess.kind, guess.subject))
    if row is None or row.attempts < guess.limit.attempts:
        return None
    ends_at = guess.limit.ends_at(row.started_at)
    return ends_at if ends_at > at else None


async def forgive_attempt(session: AsyncSession, guesses: Sequence[Guess]) -> None:
    """It succeeded: the account's failures are forgotten, the address gets its attempt back."""
    for guess in guesses:
        place = (AttemptWindow.kind == guess.kind, AttemptWindow.subject == guess.subject)
        if guess.kind is AttemptKind.ACCOUNT:
            await session.execute(delete(AttemptWindow).where(*place))
        else:
            given_back = func.greatest(AttemptWindow.attempts - 1, 0)
            await session.execute(update(AttemptWindow).where(*place).values(attempts=given_back))
