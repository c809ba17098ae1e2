"""Issuing a portion of a month's drafts: each that nothing stands in the way of, the others with what does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.close_runs import Result
from services.billing.commands.drafts import wait_for_other_runs
from services.billing.commands.gate import Candidate, blockers_of
from services.billing.commands.house import House
from services.billing.commands.issued_drafts import ReadyDraft, due_of, issue_drafts
from services.billing.commands.stripe_events import lock_references
from services.billing.domain.close_runs import Reason, RunOutcome, reason_of, reason_of_blocker
from services.billing.domain.issuing import TOTAL_MISMATCH, StripeFacts
from services.billing.domain.statuses import DocumentStatus
from services.billing.domain.stripe_lines import LINE_DIFFERS
from services.billing.domain.tax_invoice import Blocker
from services.billing.errors import StripeAway
from services.billing.models import CloseRun, Invoice
from services.billing.queries import close_runs, readiness
from services.billing.queries.readiness import NOTHING


@dataclass(frozen=True, slots=True)
class Lookups:
    """By reference, what Stripe said of it, or that it said nothing; `lines` are told of one whose total differs."""

    found: Mapping[str, StripeFacts | StripeAway]
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IssuePortion:
    """`lookups` is None where no key is set: then form and uniqueness of a reference are checked alone."""

    run: CloseRun
    installer_ids: Collection[UUID]
    lookups: Lookups | None = None


async def issue_portion(session: AsyncSession, command: IssuePortion, house: House, now: datetime) -> list[Result]:
    """A result for each installer; locks in the order of all who issue and of all who draft."""
    await wait_for_other_runs(session)
    found = await close_runs.invoices_of(session, command.run, command.installer_ids)
    await lock_references(session, [row.stripe_invoice_id for row in found if row.stripe_invoice_id])
    drafts = await close_runs.lock_drafts(session, [row.id for row in found])
    candidates = [
        Candidate(invoice, account, invoice.stripe_invoice_id, _facts(command.lookups, invoice))
        for invoice, account in drafts
    ]
    billed = await readiness.billed_on(session, [invoice.id for invoice, _ in drafts])
    blockers = await blockers_of(session, candidates, house.seller, now, billed)
    reasons = {each.invoice.id: _reasons(command.lookups, each, blockers[each.invoice.id]) for each in candidates}
    ready = [
        ReadyDraft(
            invoice,
            account,
            due_of(command.run.due_at, invoice, account, house, now),
            billed.get(invoice.id, NOTHING).assignment_ids,
        )
        for invoice, account in drafts
        if not reasons[invoice.id]
    ]
    await issue_drafts(session, ready, house, now)
    results = [_result(invoice, reasons[invoice.id]) for invoice, _ in drafts]
    return [*results, *await _rest(session, command, {each.installer_id for each in results})]


def _facts(lookups: Lookups | None, invoice: Invoice) -> StripeFacts | None:
    found = lookups.found.get(invoice.stripe_invoice_id or "") if lookups else None
    return found if isinstance(found, StripeFacts) else None


def _reasons(lookups: Lookups | None, candidate: Candidate, blockers: Sequence[Blocker]) -> tuple[Reason, ...]:
    reasons = tuple(map(reason_of_blocker, blockers))
    reference = candidate.stripe_invoice_id
    if lookups is None or reference is None:
        return reasons
    if candidate.stripe is not None:
        differs = any(blocker.code == TOTAL_MISMATCH for blocker in blockers)
        lines = lookups.lines.get(reference, ()) if differs else ()
        return (*reasons, *(reason_of(LINE_DIFFERS, line) for line in lines))
    away = lookups.found.get(reference)
    if isinstance(away, StripeAway):
        return (*reasons, reason_of(away.code, away.detail))
    return (*reasons, reason_of("stripe_reference_changed", "its reference was changed meanwhile"))


UNASKED = frozenset({StripeAway.code, "stripe_reference_changed"})


def _result(invoice: Invoice, reasons: tuple[Reason, ...]) -> Result:
    outcome = RunOutcome.BLOCKED if reasons else RunOutcome.ISSUED
    if reasons and all(reason.code in UNASKED for reason in reasons):
        outcome = RunOutcome.FAILED
    total_cents = invoice.total_cents
    return Result(invoice.account_id, outcome, invoice.id, invoice.number, total_cents, reasons=reasons)


async def _rest(session: AsyncSession, command: IssuePortion, done: Collection[UUID]) -> list[Result]:
    """Those whose drafts somebody else issued, or voided, since the run began."""
    left = set(command.installer_ids) - set(done)
    if not left:
        return []
    issued = {
        row.account_id: Result(row.account_id, RunOutcome.UNCHANGED, row.id, row.number)
        for row in await close_runs.invoices_of(session, command.run, left)
        if row.document_status == DocumentStatus.ISSUED
    }
    voided = (reason_of("invoice_not_a_draft", "its draft is gone"),)
    return [issued.get(id_) or Result(id_, RunOutcome.FAILED, reasons=voided) for id_ in sorted(left)]
