"""What the acts of the demonstration share: the running system, who is signed in, and how progress is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import stripe

from deploy.local.addresses import Addresses
from deploy.local.demo.operators import Console, SignIn
from deploy.local.demo.people import Crowd
from deploy.local.demo.reader import Reader
from deploy.local.system import System

ZONE = ZoneInfo("Australia/Sydney")
LEADS = 2_000
Tell = Callable[[str], None]


@dataclass
class Tally:
    """What the demonstration itself did, for the books to be held against."""

    leads_accepted: int = 0
    replays_answered: int = 0
    conflicts_refused: int = 0
    tests_answered: int = 0
    faulty_refused: int = 0
    sent_back: int = 0
    revoked_keys_refused: int = 0
    stripe_paid_cents: int = 0
    transfer_paid_cents: int = 0
    overpaid_cents: int = 0
    decisions_replayed: int = 0
    decisions_identical: int = 0
    given_on_hold: int = 0
    erased_leads: int = 0
    erased_words: tuple[str, ...] = ()
    """By which nobody else was known than the person who is erased: another may have their name."""


@dataclass
class Stage:
    system: System
    client: httpx.AsyncClient
    reader: Reader
    stripe: stripe.StripeClient
    owner: Console
    """A super admin."""
    finance: Console
    second: Console
    """Another of finance: what one asks for, the other approves."""
    dispatcher: Console
    """An editor."""
    tell: Tell
    crowd: Crowd = field(default_factory=lambda: Crowd(2_026))
    tally: Tally = field(default_factory=Tally)
    installers: dict[str, str] = field(default_factory=dict)
    """Ids by name."""
    clients: list[Any] = field(default_factory=list)
    boards: list[Any] = field(default_factory=list)
    experts: list[Any] = field(default_factory=list)
    sign_ins: list[SignIn] = field(default_factory=list)
    lead_sources: list[dict[str, str]] = field(default_factory=list)

    @property
    def addresses(self) -> Addresses:
        return self.system.addresses

    def now(self) -> datetime:
        return self.system.clock.now().astimezone(ZONE)

    def move_to(self, instant: datetime) -> None:
        """Moves business time for all processes at once; nobody waits."""
        self.system.clock.move_to(instant)
        self.tell(f"the clock is moved to {instant:%A %-d %B %Y, %H:%M}")

    async def control_stripe(self, path: str, **body: Any) -> Any:
        """What customers and banks do, by the simulator's own routes."""
        base = self.addresses.stripe
        if base is None:
            raise RuntimeError("the demonstration needs a Stripe server")
        answer = await self.client.post(f"{base.api_base}/_control/{path}", json=body)
        return answer.raise_for_status().json()


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


def first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def next_monday(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())
