"""Promises to pay: made and withdrawn by operators, kept or broken by what came in until the day that was promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import SYSTEM, Change, Subject
from chassis.constraints import flush_or_refuse
from contracts.settlement import InvoicePromised
from services.billing.commands.adjusting import Decider
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import CURRENCY
from services.billing.domain.promises import (
    PromiseAction,
    Promised,
    PromiseObstacle,
    PromiseState,
    judged,
    obstacle_to,
)
from services.billing.errors import (
    NothingOwed,
    PromisedForThePast,
    PromisedTooLate,
    PromiseEnded,
    PromiseExceedsBalance,
    PromiseIdTaken,
    PromiseOpen,
)
from services.billing.models import Invoice, Promise
from services.billing.queries import invoices, promises
from services.billing.queries.promises import Judgeable

LONGEST = timedelta(days=365)
PORTION = 500
NOTHING_LEFT = "nothing is owed on it any more"


@dataclass(frozen=True, slots=True)
class MakePromise:
    """`amount_cents` may be a part of what is owed; None is all of it. `promised_by` is who said so."""

    promise_id: UUID
    invoice_id: UUID
    promised_for: date
    by: Decider
    amount_cents: int | None = None
    promised_by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MadePromise:
    promise: Promise
    is_new: bool


async def make_promise(session: AsyncSession, command: MakePromise, zone: ZoneInfo, now: datetime) -> MadePromise:
    """One is open at a time: what is promised anew takes the place of what is withdrawn first."""
    invoice = await invoices.lock(session, command.invoice_id)
    known = await session.get(Promise, command.promise_id, populate_existing=True)
    if known is not None:
        _refuse_another(known, command)
        return MadePromise(known, is_new=False)
    amount_cents = invoice.owed_cents if command.amount_cents is None else command.amount_cents
    has_open = await promises.open_of(session, invoice.id) is not None
    _refuse(invoice, obstacle_to(PromiseAction.PROMISE, invoice.owed_cents, has_open=has_open))
    _refuse_untrue(invoice, amount_cents, command.promised_for, now.astimezone(zone).date())
    promise = _promise(invoice, command, amount_cents, now)
    session.add(promise)
    taken = PromiseIdTaken("the id stands for another promise", promise_id=command.promise_id)
    await flush_or_refuse(session, {"pk_promises": taken})
    _tell(session, promise, invoice.next_version(), now)
    return MadePromise(promise, is_new=True)


async def withdraw_promise(
    session: AsyncSession, promise_id: UUID, by_name: str, reason: str, now: datetime
) -> Promise:
    """Withdrawn it says nothing of its customer any more, kept or broken it stays."""
    invoice = await invoices.lock(session, (await promises.find(session, promise_id)).invoice_id)
    promise = await promises.find(session, promise_id)
    if promise.state is PromiseState.WITHDRAWN:
        return promise
    if promise.state is not PromiseState.OPEN:
        raise PromiseEnded(f"the promise is {promise.state}", promise_id=promise_id)
    _withdraw(session, invoice, promise, by_name, reason, now)
    return promise


async def withdraw_open_promise(
    session: AsyncSession, invoice: Invoice, by_name: str, reason: str, now: datetime
) -> Promise | None:
    """What ends an invoice's waiting, as a write-off does, ends the promise with it; the caller holds the invoice."""
    promise = await promises.open_of(session, invoice.id)
    if promise is not None:
        _withdraw(session, invoice, promise, by_name, reason, now)
    return promise


# One statement each, however many there are.
_END = text(
    """
    UPDATE promises SET state = given.state, ended_at = :now, ended_by_name = :by,
                        ended_reason = CASE given.state WHEN 'withdrawn' THEN :reason END
    FROM unnest(:ids, :states) AS given (id, state) WHERE promises.id = given.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("states", type_=ARRAY(Text)))
_NEXT_VERSIONS = text(
    "UPDATE invoices SET version = version + 1 WHERE id = ANY(:invoice_ids) RETURNING id, version"
).bindparams(bindparam("invoice_ids", type_=ARRAY(Uuid)))


async def judge_promises(session: AsyncSession, today: date, now: datetime, most: int = PORTION) -> int:
    """Ends what has come to its end, seen from a day of the business; how many there were."""
    found = await promises.lock_ended(session, today, most)
    verdicts = [(each, _verdict(each, today)) for each in found]
    if not verdicts:
        return 0
    ends = {"ids": [each.promise_id for each, _ in verdicts], "states": [str(state) for _, state in verdicts]}
    await session.execute(_END, {**ends, "now": now, "by": SYSTEM.name, "reason": NOTHING_LEFT})
    bumped = await session.execute(_NEXT_VERSIONS, {"invoice_ids": [each.invoice_id for each, _ in verdicts]})
    versions = {row.id: row.version for row in bumped}
    for each, state in verdicts:
        outbox.add(session, _judged_event(each, state, now), version=versions[each.invoice_id])
    await _audit(session, verdicts)
    return len(verdicts)


def _verdict(each: Judgeable, today: date) -> PromiseState:
    promised = Promised(each.amount_cents, each.promised_for, each.settled_before_cents)
    return judged(promised, each.owed_cents, each.settled_cents, today, is_issued=each.is_issued)


async def _audit(session: AsyncSession, verdicts: Sequence[tuple[Judgeable, PromiseState]]) -> None:
    changes = [
        Change(
            Subject("invoice", each.invoice_id),
            {"promise": PromiseState.OPEN},
            {"promise": state, "amount_cents": each.amount_cents, "promised_for": each.promised_for},
        )
        for each, state in verdicts
    ]
    await audit.record_all(session, changes, actor=SYSTEM, action="judge_promise")


def _withdraw(
    session: AsyncSession, invoice: Invoice, promise: Promise, by_name: str, reason: str, now: datetime
) -> None:
    promise.state = PromiseState.WITHDRAWN
    promise.ended_at, promise.ended_by_name, promise.ended_reason = now, by_name, reason
    _tell(session, promise, invoice.next_version(), now)


def _promise(invoice: Invoice, command: MakePromise, amount_cents: int, now: datetime) -> Promise:
    return Promise(
        id=command.promise_id,
        invoice_id=invoice.id,
        amount_cents=amount_cents,
        promised_for=command.promised_for,
        promised_by=command.promised_by,
        note=command.note,
        settled_cents=invoice.settled_cents,
        state=PromiseState.OPEN,
        made_by_id=command.by.id,
        made_by_name=command.by.name,
        made_at=now,
    )


def _refuse(invoice: Invoice, obstacle: PromiseObstacle | None) -> None:
    if obstacle is PromiseObstacle.PROMISED:
        raise PromiseOpen(obstacle, invoice_id=invoice.id)
    if obstacle is not None:
        raise NothingOwed(obstacle, invoice_id=invoice.id)


def _refuse_untrue(invoice: Invoice, amount_cents: int, promised_for: date, today: date) -> None:
    if amount_cents > invoice.owed_cents:
        detail = f"{dollars(amount_cents)} was promised and {dollars(invoice.owed_cents)} is owed"
        raise PromiseExceedsBalance(detail, invoice_id=invoice.id)
    if promised_for < today:
        raise PromisedForThePast("a promise is for today, or for a day to come", invoice_id=invoice.id)
    if promised_for > today + LONGEST:
        raise PromisedTooLate("a promise is for a day within a year", invoice_id=invoice.id)


def _refuse_another(known: Promise, command: MakePromise) -> None:
    """The same request sent twice is one promise."""
    names = ("invoice_id", "promised_for", "promised_by", "note")
    is_same = all(getattr(known, name) == getattr(command, name) for name in names)
    if not is_same or command.amount_cents not in {None, known.amount_cents}:
        raise PromiseIdTaken("the id stands for another promise", promise_id=command.promise_id)


def _tell(session: AsyncSession, promise: Promise, version: int, now: datetime) -> None:
    event = InvoicePromised(
        invoice_id=promise.invoice_id,
        promise_id=promise.id,
        state=promise.state,
        amount_cents=promise.amount_cents,
        currency=CURRENCY,
        promised_for=promise.promised_for,
        changed_at=now,
    )
    outbox.add(session, event, version=version)


def _judged_event(each: Judgeable, state: PromiseState, now: datetime) -> InvoicePromised:
    return InvoicePromised(
        invoice_id=each.invoice_id,
        promise_id=each.promise_id,
        state=state,
        amount_cents=each.amount_cents,
        currency=CURRENCY,
        promised_for=each.promised_for,
        changed_at=now,
    )
