"""Markup in whatever outsiders send and operators write: one of everything that the console shows, in each service."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from chassis.ids import new_id
from chassis.tables import parked_events
from contracts.identity import Role
from contracts.values import InvoiceKind
from deploy.local.smtp_sink.faults import Action, Fault
from services.billing.commands.account_news import TellingRule
from services.billing.commands.holds import SetCreditHold, set_credit_hold
from services.billing.commands.reconciling import TakeReport, take_report
from services.billing.domain.reconciliation import ItemKind, Report, StripeItem
from services.billing.reconciling import Reconciler
from services.intake.commands.escalating import escalate
from services.intake.commands.policies import PolicyDraft, create_policy, turn_policy
from services.intake.domain import LeadStatus
from services.intake.domain.escalation import Policy, Step, StepAction, SubjectKind
from services.payouts.commands.boards import note_board
from services.payouts.commands.experts import ExpertProfile, add_expert
from services.payouts.domain import RuleKind
from services.routing.domain.states import BreakerState
from tests.billing.arrangements import NOW, SYDNEY, client_state, march, sent
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.credits import ask, proposed
from tests.billing.fake_stripe import FakeStripe
from tests.browser.visits import Rooms
from tests.intake.reception import Reception
from tests.intake.samples import OPERATOR
from tests.notifications.arrangements import Mailroom
from tests.notifications.samples import account, draft
from tests.routing.arrangements import MIA, lead

PLANTED = "<script>document.title='planted'</script><img src=x onerror=alert(1)>"
REFUSED = Fault(action=Action.REFUSE, answer=f"550 5.7.1 {PLANTED}", times=1)


async def plant(rooms: Rooms) -> None:
    rooms.clock.instant = NOW
    await _in_intake(rooms)
    await _in_routing(rooms)
    await _in_billing(rooms)
    await _in_payouts(rooms)
    await _in_notifications(rooms)
    await rooms.person(Role.EDITOR, PLANTED)


async def _in_intake(rooms: Rooms) -> None:
    """A lead that waits and one that was handed in, a follow-up, a policy, a client, and a board that is open."""
    reception = Reception(rooms.database("intake"), rooms.clock)
    _, key = await reception.source(PLANTED)
    fields = ("service", "name", "email", "street", "suburb", "consent_text", "consent_url")
    for _ in range(2):
        lead_id = await reception.lead(key, ago=timedelta(), **dict.fromkeys(fields, PLANTED))
    await reception.move(lead_id, LeadStatus.EXCEPTION, reason=PLANTED)
    other = await reception.lead(key, ago=timedelta(hours=3), **dict.fromkeys(fields, PLANTED))
    await reception.give(other, await reception.operator(PLANTED))
    for _ in range(2):
        await reception.follow_up(lead_id, note=PLANTED)
    draft = PolicyDraft(f"{PLANTED} on", Policy(SubjectKind.LEAD, (Step(60, StepAction.CRITICAL),)))
    async with reception.database.transaction() as session:
        on = await create_policy(session, new_id(), draft, OPERATOR, rooms.clock.now())
        earlier = rooms.clock.now() - timedelta(hours=4)
        await turn_policy(session, on.id, is_on=True, reason=None, by=OPERATOR, now=earlier)
        off = replace(draft, name=f"{PLANTED} off")
        await create_policy(session, new_id(), off, OPERATOR, rooms.clock.now())
    await escalate(reception.database, rooms.clock.now())
    client = await reception.client(name=PLANTED, billing_name=PLANTED, billing_address=PLANTED)
    await reception.board(client, PLANTED)
    await _park(rooms, "intake")


async def _in_routing(rooms: Rooms) -> None:
    """Items of the queue, an installer, an assignment that is under way, one that was sent, one that failed, and four
    that are to go back.
    """
    planted: dict[str, Any] = {"contact": MIA.model_copy(update={"name": PLANTED})}
    await rooms.floor.dispatch(*(lead(**planted) for _ in range(3)))
    await rooms.floor.operator(name=PLANTED)
    installer_id = await rooms.floor.installer(name=PLANTED, billing_address=PLANTED)
    now = rooms.clock.now()
    held_back = {"breaker": BreakerState.OPEN, "failures_in_row": 5, "opened_at": now, "probe_at": now, "opens": 1}
    await rooms.floor.endpoint(installer_id, "http://127.0.0.1:8443/planted", **held_back)
    rooms.clock.advance(timedelta(hours=-1))
    await rooms.floor.dispatch(*(lead(**planted) for _ in range(4)))
    for made in await rooms.floor.assignments():
        await rooms.floor.deliver(made.id)
        await rooms.floor.ask_back(made.id, words=PLANTED)
    rooms.clock.advance(timedelta(hours=1))
    await rooms.floor.dispatch(*(lead(**planted) for _ in range(3)))
    first, second, _ = (await rooms.floor.assignments())[4:]
    await rooms.floor.deliver(first.id)
    await rooms.floor.refuse_mail(second.id)


async def _in_billing(rooms: Rooms) -> None:
    """Invoices of both kinds as drafts and issued, a credit that waits, proposals, what has no price, Stripe."""
    books = rooms.books
    installers = [await books.priced_installer(name=PLANTED, billing_name=PLANTED) for _ in range(3)]
    await books.deliver(*(sent(each, march(10)) for each in installers))
    issued, *_ = [result.invoice_id for result in await books.drafts(installer_ids=installers)]
    assert issued is not None
    await books.issue(issued)
    for _ in range(3):
        owing = await books.issue(await books.draft_of(await books.priced_installer(50_000, name=PLANTED)))
        await books.credit(owing.id, 40_000, notes=PLANTED)
    for _ in range(2):
        client_draft = await books.board_draft(title=PLANTED, client=client_state(new_id(), name=PLANTED))
    await books.issue(client_draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
    await books.deliver(sent(await books.installer(name=PLANTED), march(12)), sent(installers[0], NOW))
    async with books.database.transaction() as session:
        telling = TellingRule(SYDNEY, has_payment_details=True)
        await set_credit_hold(session, SetCreditHold(installers[2], PLANTED), telling, rooms.clock.now())
    for row in await books.rows("SELECT id FROM accounts"):
        await books.contact(row.id, "mia@planted.example", PLANTED)
    returned = [sent(each, NOW) for each in installers[1:]]
    await books.deliver(*returned)
    await ask(books, *(proposed(each, note=PLANTED, asked_by_name=PLANTED) for each in returned))
    stripe = FakeStripe()
    await _differ(rooms)
    # One is tried again, which takes the way to ignore it away until it was; the other one is ignored.
    for event_id in ("evt_1NG8Du2eZvKYlo2CUI79vXWy", "evt_1NG8Du2eZvKYlo2CUI79vXWz"):
        await webhook(books, event_id, stripe.add_invoice(100))
    await work_off(books, stripe)


async def _differ(rooms: Rooms) -> None:
    """An invoice and a payment at Stripe that nobody here knows of, as an uploaded report tells of them."""
    at = rooms.clock.now()
    items = [
        StripeItem(ItemKind.INVOICE, "in_planted00", "open", 100, "aud", at),
        StripeItem(ItemKind.INVOICE, "in_planted01", "open", 200, "aud", at),
    ]
    async with rooms.books.database.transaction() as session:
        await take_report(session, TakeReport(Report.INVOICES, items, PLANTED, new_id()), at)
    reconciler = Reconciler(rooms.books.database, None, rooms.clock)
    while await reconciler.step():
        continue


async def _in_payouts(rooms: Rooms) -> None:
    """A payout that is ready, one that was sent, one that failed, and a board whose rules are open."""
    office, now = rooms.office, rooms.clock.now()
    profile = ExpertProfile(
        name=PLANTED, email="planted@experts.example", stripe_account_id=office.gateway.open_account("acct_planted")
    )
    async with office.database.transaction() as session:
        expert_id = (await add_expert(session, profile, now)).id
    for _ in range(2):
        board = await office.board((expert_id, RuleKind.SHARE, 1))
        async with office.database.transaction() as session:
            (await note_board(session, board)).title = PLANTED
    await office.close(board)
    await office.pay(board.board_id)
    await office.sender.send((await office.ready_payout()).id)
    office.gateway.transfer_refusal = "amount_too_small"
    await office.sender.send((await office.ready_payout()).id)


async def _in_notifications(rooms: Rooms) -> None:
    """A ticket with its answer, a mail that was refused in such words, one that waits, an address that is out."""
    mailroom = Mailroom(rooms.database("notifications"), rooms.clock)
    ticket_id = await mailroom.ticket(PLANTED, PLANTED)
    await mailroom.reply(ticket_id, PLANTED)
    rooms.clock.advance(timedelta(minutes=1))
    await mailroom.send(REFUSED)
    await mailroom.queue(draft(recipient_name=PLANTED))
    await mailroom.suppress("planted@installers.example", PLANTED)
    await account(mailroom.database)


async def _park(rooms: Rooms, service: str) -> None:
    row = {
        "id": new_id(),
        "consumer": service,
        "topic": "boards",
        "partition": 0,
        "record_offset": 7,
        "key": PLANTED.encode(),
        "headers": b"",
        "body": PLANTED.encode(),
        "event_type": PLANTED,
        "state": "parked",
        "reason_code": "unreadable",
        "reason_detail": PLANTED,
        "parked_at": rooms.clock.now(),
    }
    async with rooms.database(service).transaction() as session:
        await session.execute(insert(parked_events).values(row))
