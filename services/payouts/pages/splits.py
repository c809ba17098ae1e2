"""The list of boards as payouts knows them: whose rules are missing, whose pay is held and why, what was allocated."""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, case, cast, func, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Flag,
    Listing,
    Option,
    Search,
    Tab,
    late_after,
)
from services.payouts.models import Board, Participation, Payout
from services.payouts.pages.words import PAYOUTS, READ, SPLITS
from services.payouts.settings import Settings

ROOM = "board-splits"
LIMIT = timedelta(days=1)
"""Held pay that waits longer for its rules to be mended is late."""

STANDS = {
    "held": "Held: mend the rules",
    "no_rules": "Needs rules",
    "open": "Rules set",
    "allocated": "Allocated",
}
TONES = {"held": "danger", "no_rules": "warning", "open": "info", "allocated": "positive"}
HELD = {
    "no_participation": "Nobody takes part",
    "pool_exceeded": "The rules exceed the pool",
    "nothing_left_to_share": "Nothing is left to share",
}

_RULES = select(Participation.board_id, func.count().label("number")).group_by(Participation.board_id).subquery("rules")
_PAY = select(Payout.board_id, func.sum(Payout.amount_cents).label("cents")).group_by(Payout.board_id).subquery("pay")

stands_now = case(
    (Board.allocated_at.is_not(None), "allocated"),
    (Board.held_reason.is_not(None), "held"),
    (_RULES.c.number.is_(None), "no_rules"),
    else_="open",
)
CONDITIONS: dict[str, ColumnElement[bool]] = {
    "held": Board.held_reason.is_not(None),
    "no_rules": Board.allocated_at.is_(None) & Board.held_reason.is_(None) & _RULES.c.number.is_(None),
    "open": Board.allocated_at.is_(None) & Board.held_reason.is_(None) & _RULES.c.number.is_not(None),
    "allocated": Board.allocated_at.is_not(None),
}


def pool_sql(settings: Settings) -> ColumnElement[int]:
    """As `pool_of` has it: the fraction of a cent is the platform's."""
    basis_points = func.coalesce(Board.pool_basis_points, settings.expert_pool_basis_points)
    return Board.contracted_amount_cents * basis_points // 10_000


def _says_why(row: Row[Any]) -> str:
    return HELD.get(row.why, "") if row.stands == "held" else ""


def listing(settings: Settings) -> Listing:
    return Listing(
        name=ROOM,
        title="Splits",
        noun=("board", "boards"),
        path=SPLITS,
        capability=READ,
        rows=select()
        .select_from(Board)
        .outerjoin(_RULES, _RULES.c.board_id == Board.id)
        .outerjoin(_PAY, _PAY.c.board_id == Board.id),
        key=Board.id,
        order="board",
        columns=_columns(settings),
        filters=FILTERS,
        tabs=(
            Tab("Held", "stands=held"),
            Tab("Needs rules", "stands=no_rules"),
            Tab("Rules set", "stands=open"),
            Tab("Allocated", "stands=allocated"),
            Tab("All"),
        ),
        document=lambda row: f"{SPLITS}/{row.id}",
        note="How each board's pay is divided among its experts: by its rules until it closes, and for good from then.",
        empty=Empty(
            "No boards here",
            "A board comes here when it is opened. Its pay is allocated when it closes; where its rules do not allow "
            "that, it is held until they are mended.",
            "scale",
        ),
    )


def _columns(settings: Settings) -> tuple[Column, ...]:
    return (
        Column("board", "Board", Board.title, sorts=True, wraps=True),
        Column("stands", "State", stands_now, Kind.CHIP, say=lambda row: STANDS[row.stands], tone=TONES),
        Column("why", "Why it is held", Board.held_reason, say=_says_why, wraps=True),
        Column("contracted", "Contracted, AUD", Board.contracted_amount_cents, Kind.MONEY, sorts=True, sums=True),
        Column("pool", "Pool, AUD", pool_sql(settings), Kind.MONEY, sums=True),
        Column(
            "allocated",
            "Allocated, AUD",
            cast(func.coalesce(_PAY.c.cents, 0), BigInteger),
            Kind.MONEY,
            sorts=True,
            sums=True,
            path=lambda row: f"{PAYOUTS}?board={row.id}" if row.allocated else "",
        ),
        Column("experts", "Experts", func.coalesce(_RULES.c.number, 0), Kind.NUMBER, sorts=True),
        Column(
            "closed",
            "Closed",
            Board.closed_at,
            Kind.AGO,
            is_late=late_after(LIMIT, "closed", unless=lambda row: row.stands != "held"),
        ),
        Column("paid", "Client paid", Board.paid_at, Kind.DAY),
        Column("client_id", "Client id", Board.client_id, Kind.ID, is_extra=True),
        Column("invoice_id", "Client's invoice id", Board.invoice_id, Kind.ID, is_extra=True),
    )


FILTERS = (
    Search("q", "Board or id", texts=(Board.title,), ids=(Board.id, Board.client_id, Board.invoice_id)),
    Choice("stands", "State", options=[Option(word, told, CONDITIONS[word]) for word, told in STANDS.items()]),
    Choice(
        "why", "Why it is held", options=[Option(word, told, Board.held_reason == word) for word, told in HELD.items()]
    ),
    Flag("unpaid", "Client has not paid", condition=Board.paid_at.is_(None)),
    Days("closed", "Closed", column=Board.closed_at),
    Amount("contracted", "Contracted", column=Board.contracted_amount_cents),
)
