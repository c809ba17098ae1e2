"""Who takes part in a board and by which rule: a form of rows, and what they would come to before they are saved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, DecimalException
from functools import partial
from itertools import zip_longest
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console import Console, Form, form_at, page_at
from chassis.console.cells import chip
from chassis.console.documents import Document, Note
from chassis.console.fields import FormField, dollars
from chassis.console.timeline import Moment, moments_of, refuse_if_changed, seen_of
from chassis.console.wording import money
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Given, Operator
from services.payouts import queries
from services.payouts.domain import ParticipationRule, RuleKind, pool_of, split_pool
from services.payouts.http.boards import LARGEST_AMOUNT_CENTS, ParticipationsBody, RuleBody, replace_participations
from services.payouts.pages.split import VERBS, Shares, percent, read_shares, table_of
from services.payouts.pages.splits import ROOM, STANDS, TONES
from services.payouts.pages.words import SPLITS, WRITE, capital
from services.payouts.settings import Settings

KINDS = {RuleKind.SHARE: "Shares of the rest", RuleKind.PERCENTAGE: "Percentage", RuleKind.FIXED: "Fixed amount"}
SPARE_ROWS = 3
MOST_ROWS = 200

Cell = Annotated[str, Field(max_length=40)]
Cells = Annotated[list[Cell], Field(max_length=MOST_ROWS)]


@dataclass(frozen=True, slots=True)
class Row:
    """As it stands in the form: what was typed, whatever it is."""

    expert_id: str = ""
    kind: str = RuleKind.SHARE
    value: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    path: str
    seen: str
    rows: Sequence[Row]
    experts: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    pool: FormField


class ParticipationsForm(Form):
    """Three fields a row, in step; `pool` is in percent."""

    seen: UUID | None = None
    pool: Cell = ""
    expert_id: Cells = []
    kind: Cells = []
    value: Cells = []

    def rows(self) -> list[Row]:
        return [Row(*cells) for cells in zip_longest(self.expert_id, self.kind, self.value, fillvalue="")]

    def body(self) -> ParticipationsBody:
        """Raises Invalid with every fault. Rows with nobody are left out."""
        faults: list[FieldError] = []
        rules = list(_rules(self.rows(), faults))
        pool = _scaled(self.pool, 10_000) if self.pool else None
        if self.pool and pool is None:
            faults.append(FieldError("pool", "invalid", "Input should be a percentage from 0 to 100, as 62.5"))
        if faults:
            raise Invalid("some of it cannot be read", errors=tuple(faults))
        return ParticipationsBody(pool_basis_points=pool, participations=rules)


class PreviewForm(ParticipationsForm):
    more: bool = False


def _rules(rows: Sequence[Row], faults: list[FieldError]) -> Iterator[RuleBody]:
    for place, row in enumerate(rows):
        if not row.expert_id:
            continue
        value = _value(row)
        if value is None:
            faults.append(
                FieldError(f"value.{place}", "invalid", f"Row {place + 1} {_WANTED.get(row.kind, 'is no rule')}")
            )
            continue
        try:
            yield RuleBody(expert_id=UUID(row.expert_id), kind=RuleKind(row.kind), value=value)
        except ValueError:
            faults.append(FieldError(f"expert_id.{place}", "invalid", f"Row {place + 1} names nobody whom we know"))


_WANTED: Mapping[str, str] = {
    RuleKind.FIXED: "needs an amount in dollars, as 1250.00",
    RuleKind.PERCENTAGE: "needs a percentage up to 100, as 12.5",
    RuleKind.SHARE: "needs a whole weight of at least 1",
}


def _value(row: Row) -> int | None:
    """In cents, basis points or as a weight, by the rule; None where it is none."""
    match row.kind:
        case RuleKind.FIXED:
            found = _scaled(row.value.removeprefix("$"), LARGEST_AMOUNT_CENTS)
        case RuleKind.PERCENTAGE:
            found = _scaled(row.value, 10_000)
        case RuleKind.SHARE:
            found = _scaled(row.value, LARGEST_AMOUNT_CENTS, 1)
        case _:
            found = None
    return found or None


def _scaled(written: str, most: int, scale: int = 100) -> int | None:
    try:
        found = Decimal(written.strip().removesuffix("%").strip().replace(",", "")) * scale
        is_whole = found.is_finite() and found == found.to_integral_value()
    except DecimalException:
        return None
    return int(found) if is_whole and 0 <= found <= most else None


@page_at(SPLITS + "/{board_id:uuid}/participations", WRITE)
async def show_participations(
    board_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
) -> Response[str]:
    async with database.reading() as session:
        shares = await read_shares(session, board_id, settings)
        seen = await seen_of(session, Subject("board", board_id))
        own = shares.board.pool_basis_points
        pool = "" if own is None else percent(own).removesuffix(" %")
        rows = [Row(str(rule.expert_id), rule.kind, _written(rule)) for rule in shares.rules]
        edit = await _edit(session, shares, rows, settings, seen=seen, pool=pool)
        timeline = await moments_of(session, [Subject("board", board_id)], VERBS, console.wording)
    return _page(request, console, shares, edit, timeline)


def _written(rule: ParticipationRule) -> str:
    match rule.kind:
        case RuleKind.FIXED:
            return dollars(rule.value)
        case RuleKind.PERCENTAGE:
            return percent(rule.value).removesuffix(" %")
        case _:
            return str(rule.value)


async def _edit(
    session: AsyncSession, shares: Shares, rows: Sequence[Row], settings: Settings, *, seen: str, pool: str
) -> Edit:
    taking_part = {row.expert_id for row in rows}
    experts = [
        (str(id_), name if is_active else f"{name}, suspended")
        for id_, name, is_active in await queries.experts.list_names(session)
        if is_active or str(id_) in taking_part
    ]
    always = percent(settings.expert_pool_basis_points)
    return Edit(
        path=f"{SPLITS}/{shares.board.id}/participations",
        seen=seen,
        rows=[*rows, *[Row()] * SPARE_ROWS],
        experts=experts,
        kinds=list(KINDS.items()),
        pool=FormField(
            "pool", "Experts' part of the contracted amount, %", value=pool, hint=f"Empty: {always}, as for every board"
        ),
    )


def _page(
    request: Request[Any, Any, Any], console: Console, shares: Shares, edit: Edit, timeline: Sequence[Moment]
) -> Response[str]:
    board, split = shares.board, shares.split
    text = "Nothing could be allocated by these rules."
    notes = [Note(capital(split.detail), text, "warning")] if split.held and shares.rules else []
    document = Document(
        title=f"Participations of {board.title}",
        room=ROOM,
        up=(board.title, f"{SPLITS}/{board.id}"),
        states=(chip(STANDS[shares.stands], TONES[shares.stands]),),
        sentence="Replaces the rules as a whole. Nothing is allocated by saving them.",
        amount=money(shares.pool_cents),
        amount_note=f"AUD for the experts, of {money(board.contracted_amount_cents)} contracted",
        notes=notes,
        sections=(table_of(shares),),
        timeline=timeline,
    )
    return console.page(request, "participations.html", {"document": document, "finished": "", "edit": edit}, room=ROOM)


@form_at(SPLITS + "/{board_id:uuid}/participations/preview", WRITE)
async def preview_participations(
    board_id: FromPath[UUID],
    data: JSONBody[PreviewForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
) -> Response[str]:
    """The form as it was sent, and what it would come to. Only more rows are given to what cannot be read yet."""
    rows = [row for row in data.rows() if row.expert_id or row.value]
    async with database.reading() as session:
        shares = await read_shares(session, board_id, settings)
        if not data.more:
            shares = await _as_if(session, shares, data.body(), settings)
        seen = str(data.seen or "")
        edit = await _edit(session, shares, rows, settings, seen=seen, pool=data.pool)
        timeline = await moments_of(session, [Subject("board", board_id)], VERBS, console.wording)
    return _page(request, console, shares, edit, timeline)


async def _as_if(session: AsyncSession, shares: Shares, body: ParticipationsBody, settings: Settings) -> Shares:
    """With these rules in place of those that stand."""
    rules = [rule.rule() for rule in body.participations]
    own = body.pool_basis_points
    contracted_cents = shares.board.contracted_amount_cents
    pool_cents = pool_of(contracted_cents, settings.expert_pool_basis_points if own is None else own)
    return replace(
        shares,
        pool_cents=pool_cents,
        rules=rules,
        split=split_pool(contracted_cents, pool_cents, rules),
        names=await queries.experts.names_of(session, [rule.expert_id for rule in rules]),
    )


@form_at(SPLITS + "/{board_id:uuid}/participations", WRITE, step_up=True)
async def save_participations(
    board_id: FromPath[UUID],
    data: JSONBody[ParticipationsForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    guard = partial(refuse_if_changed, subject=Subject("board", board_id), seen=data.seen)
    await replace_participations(board_id, data.body(), database, operator, guard)
    return console.redirect(f"{SPLITS}/{board_id}")


ROUTES = (show_participations, preview_participations, save_participations)
