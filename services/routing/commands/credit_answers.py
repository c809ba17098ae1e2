"""What billing answers to the credits that returns propose, kept on the returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class CreditAnswer:
    """`request_id` is the return's own where it is one of ours; `result` is billing's word."""

    request_id: UUID
    result: str
    detail: str | None
    invoice_id: UUID | None
    answered_at: datetime


# Without any lock of a lead: nothing else writes these columns.
_KEEP = text(
    """
    UPDATE returns SET credit_result = told.result, credit_detail = told.detail,
        credit_invoice_id = coalesce(told.invoice_id, returns.credit_invoice_id), credit_answered_at = told.answered_at
    FROM unnest(:ids, :results, :details, :invoices, :instants) AS told (id, result, detail, invoice_id, answered_at)
    WHERE returns.id = told.id AND coalesce(returns.credit_answered_at <= told.answered_at, true)
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("results", type_=ARRAY(Text)),
    bindparam("details", type_=ARRAY(Text)),
    bindparam("invoices", type_=ARRAY(Uuid)),
    bindparam("instants", type_=ARRAY(DateTime(timezone=True))),
)


async def keep_credit_answers(session: AsyncSession, answers: Sequence[CreditAnswer]) -> None:
    """The last of several stands. Of a credit that no return asked for nothing is kept."""
    if not answers:
        return
    newest = {each.request_id: each for each in sorted(answers, key=lambda each: each.answered_at)}
    told = [newest[id_] for id_ in sorted(newest)]
    arrays = {
        "ids": [each.request_id for each in told],
        "results": [each.result for each in told],
        "details": [each.detail for each in told],
        "invoices": [each.invoice_id for each in told],
        "instants": [each.answered_at for each in told],
    }
    await session.execute(_KEEP, arrays)
