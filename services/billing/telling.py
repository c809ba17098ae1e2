"""Tells what changed of accounts, every so often: prices begin and end, and days fall due, without anybody's deed."""

from time import monotonic

from chassis.clock import Clock
from chassis.database import Database
from services.billing.commands.account_news import TellingRule, tell_accounts, wait_for_who_tells

AT_ONCE = 500


class AccountTeller:
    """`step` tells of a portion. Every commit wakes a loop: between two looks at all accounts it rests all the same."""

    def __init__(self, database: Database, clock: Clock, rule: TellingRule, every_seconds: float) -> None:
        self._database, self._clock, self._rule = database, clock, rule
        self._every_seconds = every_seconds
        self._due_at = 0.0

    async def step(self) -> bool:
        if monotonic() < self._due_at:
            return False
        async with self._database.transaction() as session:
            await wait_for_who_tells(session)
            found = await tell_accounts(session, self._rule, self._clock.now(), AT_ONCE)
        if found < AT_ONCE:
            self._due_at = monotonic() + self._every_seconds
        return found == AT_ONCE
