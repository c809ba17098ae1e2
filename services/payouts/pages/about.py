"""What payouts knows of a board, for the board's own page: its experts' pay, and where each share stands."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind, Shown
from chassis.console.desk import About
from chassis.console.documents import Section, Table
from services.payouts.models import Expert, Payout
from services.payouts.pages.payouts import stands_now
from services.payouts.pages.words import PAYOUTS, READ, SPLITS, stands_chip


async def _tell_board(session: AsyncSession, board_id: UUID, now: datetime) -> list[Section]:
    query = (
        select(Payout, Expert.name, stands_now.label("stands"))
        .join(Expert, Expert.id == Payout.expert_id)
        .where(Payout.board_id == board_id)
        .order_by(Payout.amount_cents.desc(), Payout.id)
    )
    found = (await session.execute(query, {"now": now})).all()
    rows = [
        (
            Shown(row.name, path=f"{PAYOUTS}/{row[0].id}"),
            stands_chip(row.stands, row[0].reversed_cents),
            Shown(row[0].amount_cents, Kind.MONEY),
        )
        for row in found
    ]
    total = ("All of it", "", Shown(sum(row[0].amount_cents for row in found), Kind.MONEY)) if found else ()
    heads = (("Expert", Kind.TEXT), ("State", Kind.CHIP), ("Pay, AUD", Kind.MONEY))
    empty = "Nothing is allocated yet: the split shows what each would get."
    return [Table("Experts' pay", heads, rows, empty, foot=total, more=("The split", f"{SPLITS}/{board_id}"))]


ABOUT = (About("board", READ, _tell_board),)
