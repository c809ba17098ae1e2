"""The cards of one account: what of its caps is used this month, what it was invoiced, and what it owes."""

from collections.abc import Iterator
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact, Facts
from contracts.values import InvoiceKind
from services.billing.domain.periods import Period, month_name
from services.billing.pages import overdue
from services.billing.pages.account_page import AccountPage
from services.billing.pages.doors import DELIVERIES
from services.billing.pages.journal import standing_issues
from services.billing.queries import figures
from services.billing.queries.figures import AccountFigures


async def this_month(page: AccountPage) -> Facts:
    zone = page.console.wording.zone
    (month,) = Period.months_until(page.now, 1, zone)
    return await figures_of(page.session, page.account.id, page.account.kind, month, zone)


async def figures_of(
    session: AsyncSession, account_id: UUID, kind: InvoiceKind, month: Period, zone: ZoneInfo
) -> Facts:
    found = await figures.of_account(session, account_id, month)
    return Facts(month_name(month.name), list(_facts(found, account_id, kind, zone)))


def _facts(found: AccountFigures, account_id: UUID, kind: InvoiceKind, zone: ZoneInfo) -> Iterator[Fact]:
    if kind is InvoiceKind.INSTALLER:
        own = f"{DELIVERIES}?month={found.period.name}&installer_id={account_id}"
        yield Fact("Cap used", _number(found.cap_used_count, f"{own}&cap=counted"))
        yield Fact("Caps released", _number(found.cap_released_count, f"{own}&cap=released"))
    issues = standing_issues(found.period, zone, account_id)
    yield Fact("Invoiced, inc. GST", Shown(found.issued_cents, Kind.MONEY, path=issues))
    owed = f"{overdue.PATH}?account_id={account_id}"
    yield Fact("Outstanding", Shown(found.outstanding_cents, Kind.MONEY, path=owed))


def _number(value: int, path: str) -> Shown:
    return Shown(value, Kind.NUMBER, path=path if value else "")
