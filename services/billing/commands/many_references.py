"""Stripe references of a month's drafts, many at once: looked at first, then kept, each with its own result."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Row, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.domain.references import GivenReference, Held, ReferenceResult, result_of
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import StripeReferenceTaken
from services.billing.models import Account, Invoice


@dataclass(frozen=True, slots=True)
class ImportedReference:
    """One line of the list; `before` is what its draft kept until now, `detail` says why one is refused."""

    given: GivenReference
    result: ReferenceResult
    account_name: str | None
    total_cents: int | None
    before: str | None
    before_url: str | None


_KEEP = text(
    """
    UPDATE invoices SET stripe_invoice_id = given.stripe_invoice_id, stripe_invoice_url = given.stripe_invoice_url
    FROM unnest(:invoice_ids, :references, :urls) AS given (invoice_id, stripe_invoice_id, stripe_invoice_url)
    WHERE invoices.id = given.invoice_id AND invoices.document_status = 'draft'
    """
).bindparams(
    bindparam("invoice_ids", type_=ARRAY(Uuid)),
    bindparam("references", type_=ARRAY(Text)),
    bindparam("urls", type_=ARRAY(Text)),
)


async def look_at_references(
    session: AsyncSession, period: str, given: Sequence[GivenReference]
) -> list[ImportedReference]:
    """What keeping them would come to; nothing changes."""
    return await _results(session, period, given, is_locking=False)


async def keep_references(
    session: AsyncSession, period: str, given: Sequence[GivenReference]
) -> list[ImportedReference]:
    """Those that can be kept are, the others are named; sent again, nothing changes."""
    results = await _results(session, period, given, is_locking=True)
    kept = [each.given for each in results if each.result is ReferenceResult.KEPT]
    if not kept:
        return results
    await _refuse_where_taken_meanwhile(session, kept)
    return results


async def _refuse_where_taken_meanwhile(session: AsyncSession, kept: Sequence[GivenReference]) -> None:
    """Another operator may keep one of them on another draft in the same moment: then all of ours are sent again."""
    try:
        await session.execute(
            _KEEP,
            {
                "invoice_ids": [each.invoice_id for each in kept],
                "references": [each.stripe_invoice_id for each in kept],
                "urls": [each.stripe_invoice_url for each in kept],
            },
        )
    except IntegrityError as fault:
        raise StripeReferenceTaken("another invoice took one of the references meanwhile; nothing was kept") from fault


async def _results(
    session: AsyncSession, period: str, given: Sequence[GivenReference], *, is_locking: bool
) -> list[ImportedReference]:
    found = await _drafts(session, [each.invoice_id for each in given], is_locking=is_locking)
    holders = await _holders(session, [each.stripe_invoice_id for each in given])
    invoices, references = (
        Counter(each.invoice_id for each in given),
        Counter(each.stripe_invoice_id for each in given),
    )
    results = []
    for each in given:
        row = found.get(each.invoice_id)
        held = _held(row, holders.get(each.stripe_invoice_id), period)
        is_repeated = invoices[each.invoice_id] > 1 or references[each.stripe_invoice_id] > 1
        results.append(_imported(each, result_of(each, held, is_repeated=is_repeated), row))
    return results


def _imported(given: GivenReference, result: ReferenceResult, row: Row[Invoice, str] | None) -> ImportedReference:
    if row is None:
        return ImportedReference(given, result, None, None, None, None)
    invoice, name = row
    kept = (invoice.stripe_invoice_id, invoice.stripe_invoice_url)
    return ImportedReference(given, result, name, invoice.total_cents, *kept)


def _held(row: Row[Invoice, str] | None, holder: UUID | None, period: str) -> Held | None:
    if row is None:
        return None
    invoice: Invoice = row[0]
    return Held(
        is_of_month=invoice.kind is InvoiceKind.INSTALLER and invoice.period == period,
        is_draft=invoice.document_status is DocumentStatus.DRAFT,
        stripe_invoice_id=invoice.stripe_invoice_id,
        stripe_invoice_url=invoice.stripe_invoice_url,
        is_taken_by_another=holder not in {None, invoice.id},
    )


async def _drafts(
    session: AsyncSession, invoice_ids: Sequence[UUID], *, is_locking: bool
) -> Mapping[UUID, Row[Invoice, str]]:
    query = (
        select(Invoice, Account.name)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.id.in_(invoice_ids))
        .order_by(Invoice.id)
        .execution_options(populate_existing=True)
    )
    if is_locking:
        query = query.with_for_update(of=Invoice)
    return {row[0].id: row for row in await session.execute(query)}


async def _holders(session: AsyncSession, references: Sequence[str]) -> dict[str, UUID]:
    query = select(Invoice.stripe_invoice_id, Invoice.id).where(Invoice.stripe_invoice_id.in_(references))
    return {row.stripe_invoice_id: row.id for row in await session.execute(query) if row.stripe_invoice_id}
