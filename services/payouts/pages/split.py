"""One board's split: what each expert earns, before it closes as a preview and after as allocated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, WhyNot, refused
from chassis.console.cells import Kind, Shown, chip, link
from chassis.console.documents import Document, Done, Fact, Note, Table, Told, show_document
from chassis.console.timeline import Moment, in_order, moments_of, refuse_if_changed, seen_of
from chassis.console.wording import DASH, money
from chassis.database import Database
from chassis.http import Given, Operator
from services.payouts import queries
from services.payouts.commands.boards import pool_cents_of
from services.payouts.domain import (
    ParticipationRule,
    RuleKind,
    Split,
    obstacle_to_allocation,
    obstacle_to_rules,
    split_pool,
)
from services.payouts.http.boards import allocate_pay
from services.payouts.models import Board, Payout
from services.payouts.pages.splits import HELD, ROOM, STANDS, TONES
from services.payouts.pages.words import EXPERTS, PAYOUTS, READ, SPLITS, WRITE, capital, stands_chip
from services.payouts.settings import Settings

VERBS = {"set_participations": "set who takes part", "allocate": "allocated the pay"}


class AllocateForm(Form):
    """`seen` is the last change that stood on the page: by other rules it would be another split."""

    seen: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """A board with its rules and what they come to; `payouts` by expert are there once it is allocated."""

    board: Board
    pool_cents: int
    rules: Sequence[ParticipationRule]
    split: Split
    payouts: Mapping[UUID, Payout]
    names: Mapping[UUID, str]

    @property
    def stands(self) -> str:
        if self.board.allocated_at is not None:
            return "allocated"
        if self.board.held_reason is not None:
            return "held"
        return "open" if self.rules else "no_rules"

    def earned_cents(self, expert_id: UUID) -> int:
        if self.board.allocated_at is not None:
            return self.payouts[expert_id].amount_cents if expert_id in self.payouts else 0
        return dict(self.split.amounts_cents).get(expert_id, 0)


async def read_shares(session: AsyncSession, board_id: UUID, settings: Settings) -> Shares:
    board = await queries.boards.board(session, board_id)
    rows = await queries.boards.participations_of(session, board_id)
    rules = [ParticipationRule(row.expert_id, row.kind, row.value) for row in rows]
    pool_cents = pool_cents_of(board, settings.expert_pool_basis_points)
    payouts = await queries.payouts.payouts_of_board(session, board_id)
    return Shares(
        board=board,
        pool_cents=pool_cents,
        rules=rules,
        split=split_pool(board.contracted_amount_cents, pool_cents, rules),
        payouts={payout.expert_id: payout for payout in payouts},
        names=await queries.experts.names_of(session, [rule.expert_id for rule in rules]),
    )


@page_at(SPLITS + "/{board_id:uuid}", READ)
async def show_split(
    board_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        shares = await read_shares(session, board_id, settings)
        audited = await moments_of(session, [Subject("board", board_id)], VERBS, console.wording)
        seen = await seen_of(session, Subject("board", board_id))
    return show_document(console, request, _document(shares, settings, operator, audited, seen, console), done)


def _document(
    shares: Shares,
    settings: Settings,
    operator: Operator,
    audited: Sequence[Moment],
    seen: str,
    console: Console,
) -> Document:
    board = shares.board
    return Document(
        title=board.title,
        room=ROOM,
        up=("Splits", f"{SPLITS}?stands=held"),
        states=(chip(STANDS[shares.stands], TONES[shares.stands]),),
        sentence=_sentence(shares, console),
        amount=money(shares.pool_cents),
        amount_note=f"AUD for the experts, of {money(board.contracted_amount_cents)} contracted",
        notes=_notes(shares),
        facts=_facts(shares, settings, console),
        actions=tuple(_actions(shares, operator, seen)),
        sections=(table_of(shares),),
        timeline=in_order(audited, _moments(board, audited)),
        links=tuple(_links(shares, operator, console)),
    )


def _sentence(shares: Shares, console: Console) -> str:
    board = shares.board
    match shares.stands:
        case "allocated":
            paid = "the client has paid" if board.paid_at else "the payouts wait for the client to pay"
            return f"Allocated {console.wording.exact(board.allocated_at)}; {paid}."
        case "held":
            return f"Closed {console.wording.exact(board.closed_at)}, and nobody is paid until its rules allow it."
        case "no_rules":
            return "Open, and nobody takes part yet: its pay would be held at the close."
        case _:
            return "Open: this is what its close would allocate, by the rules of now."


def _notes(shares: Shares) -> list[Note]:
    board, split = shares.board, shares.split
    if board.allocated_at is not None:
        return []
    if board.held_reason is not None and split.held is None:
        return [Note("The rules allow it now", "Allocate the pay, and the experts have their payouts.", "info")]
    if split.held is not None and shares.rules:
        text = "Change the participations, then allocate." if board.closed_at else "Its pay would be held at the close."
        return [Note(capital(split.detail), text, "danger" if board.closed_at else "warning")]
    if board.held_reason is not None:
        return [Note(HELD[board.held_reason], "Name the experts who took part, then allocate the pay.", "danger")]
    return []


def _facts(shares: Shares, settings: Settings, console: Console) -> list[Fact]:
    board = shares.board
    own = board.pool_basis_points
    part = percent(settings.expert_pool_basis_points if own is None else own)
    invoice: Told = "Not paid yet"
    if board.invoice_id is not None:
        path = console.addresses.url("billing", f"/console/client-invoices/{board.invoice_id}")
        invoice = Shown(board.invoice_id, Kind.ID, path=path)
    return [
        Fact("Contracted, AUD", Shown(board.contracted_amount_cents, Kind.MONEY)),
        Fact("Experts' part", f"{part}, {'as for every board' if own is None else 'for this board alone'}"),
        Fact("Closed", Shown(board.closed_at, Kind.INSTANT)),
        Fact("Client's invoice", invoice),
        Fact("Board id", Shown(str(board.id), Kind.ID)),
    ]


def percent(basis_points: int) -> str:
    whole, part = divmod(basis_points, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + " %" if part else f"{whole} %"


def said(rule: ParticipationRule) -> str:
    match rule.kind:
        case RuleKind.FIXED:
            return f"{money(rule.value)} fixed"
        case RuleKind.PERCENTAGE:
            return f"{percent(rule.value)} of the contracted amount"
        case _:
            return f"{rule.value:,} {'share' if rule.value == 1 else 'shares'} of the rest"


def table_of(shares: Shares) -> Table:
    """The parts sum to the cent: what rounding leaves goes to the largest fractions."""
    total = sum(shares.earned_cents(rule.expert_id) for rule in shares.rules)
    left = shares.board.contracted_amount_cents - total
    together: tuple[Told, ...] = ("Together", f"The platform keeps {money(left)}", money(total))
    heads = (("Expert", Kind.TEXT), ("Rule", Kind.TEXT), ("Earns, AUD", Kind.MONEY))
    rows: list[tuple[Told, ...]] = [
        (
            link(f"{EXPERTS}/{rule.expert_id}", shares.names.get(rule.expert_id, "")),
            said(rule),
            money(shares.earned_cents(rule.expert_id)),
        )
        for rule in shares.rules
    ]
    if shares.board.allocated_at is None:
        foot = together if total else ()
        return Table("Who would earn what", heads, rows, empty="Nobody takes part yet.", foot=foot)
    paid = [_payout(shares.payouts.get(rule.expert_id)) for rule in shares.rules]
    return Table(
        "Who earns what",
        (*heads, ("Payout", Kind.CHIP)),
        [(*row, payout) for row, payout in zip(rows, paid, strict=True)],
        foot=(*together, ""),
        more=("The payouts of this board", f"{PAYOUTS}?board={shares.board.id}"),
    )


def _payout(payout: Payout | None) -> Told:
    return link(f"{PAYOUTS}/{payout.id}", stands_chip(payout.state, payout.reversed_cents)) if payout else DASH


def _links(shares: Shares, operator: Operator, console: Console) -> Iterator[tuple[str, str]]:
    """To the form while the rules are open to who asks; else the page says why they are not."""
    board = shares.board
    yield "Board", console.addresses.url("intake", f"/console/boards/{board.id}")
    if not _why_no_change(shares, operator):
        yield "Change participations", f"{SPLITS}/{board.id}/participations"


def _why_no_change(shares: Shares, operator: Operator) -> WhyNot:
    return refused(operator, WRITE, obstacle_to_rules(is_allocated=shares.board.allocated_at is not None))


def _actions(shares: Shares, operator: Operator, seen: str) -> Iterator[Action]:
    if why := _why_no_change(shares, operator):
        yield Action("change", "Change participations", "", **why)
    yield _allocation(shares, operator, seen)


def _allocation(shares: Shares, operator: Operator, seen: str) -> Action:
    board, total = shares.board, sum(cents for _, cents in shares.split.amounts_cents)
    obstacle = obstacle_to_allocation(is_closed=board.closed_at is not None, split=shares.split)
    if board.allocated_at is not None:
        obstacle = "it is allocated"
    ready = "ready for the next sweep" if board.paid_at else "ready once the client has paid"
    return Action(
        "allocate",
        "Allocate the pay",
        f"{SPLITS}/{board.id}/allocate",
        effect=f"Makes the payouts that stand below, {money(total)} together, {ready}. The rules are closed then.",
        hidden={"seen": seen},
        done="Allocated: the payouts stand below",
        **refused(operator, WRITE, obstacle),
    )


def _moments(board: Board, audited: Sequence[Moment]) -> list[Moment]:
    told = [(board.paid_at, "The client", "paid its invoice"), (board.closed_at, "The board", "was closed")]
    if not any(each.what == VERBS["allocate"] for each in audited):
        told.insert(0, (board.allocated_at, "Waybill", "allocated the pay at its close"))
    return [Moment(at, who, what) for at, who, what in told if at is not None]


@form_at(SPLITS + "/{board_id:uuid}/allocate", WRITE, step_up=True)
async def allocate_by_form(
    board_id: FromPath[UUID],
    data: JSONBody[AllocateForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    guard = partial(refuse_if_changed, subject=Subject("board", board_id), seen=data.seen)
    await allocate_pay(board_id, database, clock, settings, operator, guard)
    return console.redirect(f"{SPLITS}/{board_id}?done=allocate")


ROUTES = (show_split, allocate_by_form)
