from datetime import UTC, datetime, timedelta

import pytest

from contracts.identity import Role
from contracts.values import InvoiceKind, ProductType
from services.billing.domain.periods import Period
from tests.billing.arrangements import MAKER, NOW, SYDNEY, LONG_AGO, march, sent, webhook
from tests.billing.fake_stripe import FakeStripe
from tests.billing.arrangements import work_off

async def test_look(rooms, visit):
    rooms.clock.instant = NOW
    books = rooms.books
    names = ["Sunny Roofs Pty Ltd","Coastal Solar & Batteries","Hunter Valley Heat Pumps","Southern Sun Solar","Blue Mountains Electrical and Solar Installations Pty Limited"]
    ids = [await books.priced_installer(name=n, billing_name=n, **({"billing_email": ""} if i == 4 else {})) for i, n in enumerate(names)]
    feb = Period.of_month("2026-02", SYDNEY)
    for i, id_ in enumerate(ids[:4]):
        await books.deliver(*(sent(id_, datetime(2026, 2, 3 + k, tzinfo=UTC)) for k in range(6 + i)))
    for r in await books.drafts(feb):
        await books.issue(r.invoice_id, due_at=NOW + timedelta(days=1))
    for i, id_ in enumerate(ids[1:]):
        await books.deliver(*(sent(id_, march(1 + k % 28), ProductType.SHARED if k % 3 else ProductType.EXCLUSIVE) for k in range(4 + 9 * i)))
    await books.drafts()
    held = await books.installer(name="New Installer Pty Ltd")
    first = (await books.rows("SELECT id FROM invoices WHERE document_status='draft' LIMIT 1"))[0].id
    issued = await books.issue(first)
    await books.pay(issued.id, 5_000, "bank 1")
    await books.deliver(sent(issued.account_id, march(29)))
    inv = (await books.rows("SELECT id FROM invoices WHERE document_status='issued' ORDER BY total_cents DESC LIMIT 3"))
    await books.credit(inv[0].id, 30_000, notes="Called three times: the number belongs to somebody else, and the installer sent the recordings of all three calls to us.")
    await books.credit(inv[1].id, 4_000)
    for d in (3, 40, 70, 120):
        rooms.clock.instant = NOW - timedelta(days=d + 2)
        draft = await books.board_draft(120_000 * d)
        await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None, due_at=NOW - timedelta(days=d))
    rooms.clock.instant = NOW + timedelta(days=5)
    s = FakeStripe(); i = s.add_invoice(9350); s.pay(i, 9350)
    await webhook(books, "evt_1NG8Du2eZvKYlo2CUI79vXWy", i); await work_off(books, s)
    await webhook(books, "evt_1NG8Du2eZvKYlo2CUI79vXWz", i)
    adj = (await books.rows("SELECT id FROM adjustments WHERE state='pending'"))[0].id
    ev = (await books.rows("SELECT id FROM stripe_events LIMIT 1"))[0].id
    po = (await books.rows("SELECT id FROM journal_postings ORDER BY occurred_at LIMIT 1"))[0].id
    here = await visit()
    pages = {"close": "/console/month-close", "close-month": "/console/month-close/2026-03", "preview": "/console/month-close/2026-03/preview", "drafts": "/console/month-close/2026-03/drafts",
      "review": "/console/month-close/2026-03/review", "issued": "/console/month-close/2026-03/issued", "receivables": "/console/receivables", "past": "/console/receivables?as_of=2026-03-10", "overdue": "/console/overdue?state=overdue",
      "adjustments": "/console/adjustments?state=pending", "adjustment": f"/console/adjustments/{adj}", "journal": "/console/journal", "posting": f"/console/journal/{po}", "trial": "/console/journal/trial-balance",
      "events": "/console/stripe-events", "event": f"/console/stripe-events/{ev}", "held": "/console/month-close/2026-03/held"}
    await here.enter(Role.SUPER_ADMIN, rooms.address("billing", "/console/journal"))
    for name, path in pages.items():
        if name == "held":
            await books.deliver(sent(held, march(10)), sent(held, march(12)))
        await here.page.set_viewport_size({"width": 1440, "height": 900})
        await here.page.emulate_media(color_scheme="light")
        await here.page.goto(rooms.address("billing", path))
        await here.page.screenshot(path=f"/tmp/shots/{name}-w.png", full_page=True)
        await here.page.set_viewport_size({"width": 390, "height": 844})
        o = await here.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        await here.page.screenshot(path=f"/tmp/shots/{name}-n.png", full_page=True)
        await here.page.emulate_media(color_scheme="dark")
        await here.page.set_viewport_size({"width": 1440, "height": 900})
        await here.page.screenshot(path=f"/tmp/shots/{name}-d.png", full_page=True)
        print(name, "overflow", o, await here.violations())
