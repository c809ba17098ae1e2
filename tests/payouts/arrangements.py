"""Boards, experts and senders as the tests of payouts need them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from services.payouts import queries
from services.payouts.commands import boards, experts
from services.payouts.commands.attempts import Reversal
from services.payouts.commands.boards import BoardFacts
from services.payouts.commands.experts import ExpertProfile
from services.payouts.domain import ParticipationRule, RuleKind
from services.payouts.models import Attempt, Board, Payout, Sweep
from services.payouts.sending import Sender
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import StripeGateway
from services.payouts.sweeping import Sweeper
from tests.payouts.fake_gateway import FakeGateway


@dataclass(frozen=True, slots=True)
class Colleague:
    """An operator, as far as commands are told."""

    id: UUID
    name: str


START = datetime(2026, 3, 3, 1, tzinfo=UTC)
POOL_BASIS_POINTS = 7_000
ROBIN, SAM = (Colleague(UUID(int=number), name) for number, name in ((1, "Robin Field"), (2, "Sam Whitlock")))


@dataclass
class Office:
    """Payouts with a fake Stripe, a clock that stands still, and a machine clock of its own."""

    database: Database
    gateway: FakeGateway = field(default_factory=FakeGateway)
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    machine: FixedClock = field(default_factory=lambda: FixedClock(START))

    @property
    def sender(self) -> Sender:
        return self.sender_of(self.gateway)

    def sender_of(self, gateway: StripeGateway | None) -> Sender:
        settings = Settings(database_url="postgresql://x/y")
        return Sender(self.database, gateway, self.clock, settings, self.machine.now)

    async def sweep(self, due_at: datetime = START) -> None:
        await Sweeper(self.sender).run(due_at)

    async def reverse(self, payout_id: UUID, amount_cents: int, reversal_id: UUID | None = None) -> Attempt:
        reversal = Reversal(reversal_id or new_id(), payout_id, amount_cents, "charged back")
        return await self.sender.reverse(reversal, SAM)

    async def expert(self, name: str = "Priya Raman", account: str | None = "open") -> UUID:
        id_ = new_id()
        if account == "open":
            account = self.gateway.open_account(f"acct_{id_.hex[-16:]}")
        profile = ExpertProfile(name=name, email=f"{id_.hex}@experts.example", stripe_account_id=account)
        async with self.database.transaction() as session:
            return (await experts.add_expert(session, profile, self.clock.now())).id

    def facts(self, amount_cents: int = 100_000, version: int = 1, closed: bool = False) -> BoardFacts:
        return BoardFacts(
            board_id=new_id(),
            client_id=new_id(),
            title="Market entry",
            contracted_amount_cents=amount_cents,
            currency="AUD",
            board_version=version,
            closed_at=START if closed else None,
        )

    async def board(self, *rules: tuple[UUID, RuleKind, int], amount_cents: int = 100_000) -> BoardFacts:
        """An open board with these rules; returns the facts of its close."""
        opened = self.facts(amount_cents)
        async with self.database.transaction() as session:
            await boards.note_board(session, opened)
            await boards.set_participations(
                session, opened.board_id, [ParticipationRule(*rule) for rule in rules], None
            )
        return BoardFacts(opened.board_id, opened.client_id, opened.title, amount_cents, "AUD", 2, START)

    async def close(self, facts: BoardFacts) -> None:
        async with self.database.transaction() as session:
            await boards.close_board(session, facts, POOL_BASIS_POINTS, self.clock.now())

    async def pay(self, board_id: UUID, invoice_id: UUID | None = None) -> UUID:
        invoice_id = invoice_id or new_id()
        async with self.database.transaction() as session:
            await boards.mark_board_paid(session, board_id, invoice_id, self.clock.now())
        return invoice_id

    async def void(self, board_id: UUID, invoice_id: UUID) -> None:
        now = self.clock.now()
        async with self.database.transaction() as session:
            await boards.void_board_invoice(session, board_id, invoice_id, now, now)

    async def ready_payout(self, amount_cents: int = 100_000, account: str | None = "open") -> Payout:
        """One expert who has the whole pool of a paid board."""
        expert_id = await self.expert(account=account)
        facts = await self.board((expert_id, RuleKind.SHARE, 1), amount_cents=amount_cents)
        await self.close(facts)
        await self.pay(facts.board_id)
        (payout,) = await self.payouts(facts.board_id)
        return payout

    async def payouts(self, board_id: UUID) -> list[Payout]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(Payout).where(Payout.board_id == board_id).order_by(Payout.id)))

    async def payout(self, payout_id: UUID) -> Payout:
        async with self.database.reading() as session:
            return await session.get_one(Payout, payout_id)

    async def attempts(self, payout_id: UUID) -> list[Attempt]:
        async with self.database.reading() as session:
            query = select(Attempt).where(Attempt.payout_id == payout_id).order_by(Attempt.created_at, Attempt.id)
            return list(await session.scalars(query))

    async def board_row(self, board_id: UUID) -> Board:
        async with self.database.reading() as session:
            return await session.get_one(Board, board_id)

    async def sweeps(self) -> list[Sweep]:
        async with self.database.reading() as session:
            return list(await queries.payouts.list_sweeps(session, 10))

    async def published(self) -> list[str]:
        """The types of the events in the outbox, in order."""
        from sqlalchemy import text  # noqa: PLC0415

        from chassis.outbox import unpack_headers  # noqa: PLC0415

        async with self.database.reading() as session:
            rows = await session.scalars(text("SELECT headers FROM outbox ORDER BY id"))
            return [(dict(unpack_headers(row))["ce_type"] or b"").decode() for row in rows]

    def pass_lease(self) -> None:
        self.machine.advance(timedelta(minutes=5))
