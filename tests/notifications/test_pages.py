"""What the rooms of mail count, sort and find: by the same words as the rules have."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update

from chassis.clock import FixedClock
from chassis.console.bulk import Verdict as Verdicts
from deploy.local.smtp_sink.faults import Action, Fault, Stage
from services.notifications import drafts
from services.notifications.commands.documents import keep_documents
from services.notifications.commands.messages import cancel_messages, erase_contents
from services.notifications.commands.suppressions import lift_suppression
from services.notifications.commands.tickets import close_ticket
from services.notifications.corrections import lead_correction
from services.notifications.domain.accounts import AccountAction, AccountState
from services.notifications.domain.accounts import obstacle_to as obstacle_to_account
from services.notifications.domain.messages import (
    MessageState,
    RetryObstacle,
    Settled,
    Standing,
    obstacle_to_retry,
    standing_of,
)
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import BOUNCES, Phase, Reply, Verdict, reason_code
from services.notifications.domain.suppressions import SuppressionObstacle, obstacle_to_lifting
from services.notifications.domain.tickets import TicketAction, TicketObstacle, TicketState, obstacle_to
from services.notifications.models import Message, SenderAccount
from services.notifications.pages import messages as room
from services.notifications.pages import suppressions, tickets
from services.notifications.queries import desk
from services.notifications.queries.standings import IN_STANDING, STANDING, undelivered, unknown
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import incoming
from tests.notifications.arrangements import Mailroom
from tests.notifications.samples import (
    NOW,
    OPERATOR,
    SYDNEY,
    account,
    assignment_created,
    document_rendered,
    draft,
    invoice_sent,
    lead_corrected,
)

REFUSED = Fault(action=Action.REFUSE, answer="550 5.7.1 Listed by a block list", times=1)
BROKEN = Fault(action=Action.DROP, stage=Stage.ACCEPTED, times=1)


@pytest.fixture
def mailroom(database: RolledBackDatabase, clock: FixedClock) -> Mailroom:
    return Mailroom(database, clock)


def settled(**changes: Any) -> Settled:
    known: dict[str, Any] = {
        "state": MessageState.FAILED,
        "purpose": MailPurpose.INVOICE,
        "was_published": True,
        "is_cancelled": False,
        "is_erased": False,
        "has_address": True,
        "is_suppressed": False,
    }
    return Settled(**known | changes)


class TestRules:
    @pytest.mark.parametrize(
        ("changes", "obstacle"),
        [
            ({}, None),
            ({"state": MessageState.ACCEPTED}, RetryObstacle.NOT_FAILED),
            ({"purpose": MailPurpose.LEAD_DELIVERY}, RetryObstacle.GIVEN_BACK),
            ({"purpose": MailPurpose.LEAD_DELIVERY, "was_published": False}, None),
            ({"is_cancelled": True, "is_erased": True}, RetryObstacle.CANCELLED),
            ({"is_erased": True, "has_address": False}, RetryObstacle.ERASED),
            ({"has_address": False, "is_suppressed": True}, RetryObstacle.NO_ADDRESS),
            ({"is_suppressed": True}, RetryObstacle.SUPPRESSED),
        ],
    )
    def test_of_sending_again_name_the_first_thing_in_the_way(
        self, changes: dict[str, Any], obstacle: RetryObstacle | None
    ) -> None:
        assert obstacle_to_retry(settled(**changes)) is obstacle

    def test_alone_a_suppression_can_be_overridden(self) -> None:
        assert [each for each in RetryObstacle if each.yields_to_override] == [RetryObstacle.SUPPRESSED]

    def test_a_closed_ticket_can_be_replied_to_and_not_closed(self) -> None:
        assert obstacle_to(TicketAction.CLOSE, TicketState.CLOSED) is TicketObstacle.CLOSED
        assert obstacle_to(TicketAction.CLOSE, TicketState.PENDING) is None
        assert {obstacle_to(TicketAction.REPLY, state) for state in TicketState} == {None}

    def test_an_account_is_suspended_once_and_resumed_where_it_may_not_send(self) -> None:
        suspendable = [s for s in AccountState if obstacle_to_account(AccountAction.SUSPEND, s) is None]
        resumable = [s for s in AccountState if obstacle_to_account(AccountAction.RESUME, s) is None]
        assert suspendable == [state for state in AccountState if state is not AccountState.SUSPENDED]
        assert resumable == [AccountState.COOLDOWN, AccountState.SUSPENDED, AccountState.DISABLED]

    def test_a_suppression_is_lifted_while_it_holds(self) -> None:
        later = NOW + timedelta(days=1)
        assert obstacle_to_lifting(None, later, NOW) is None
        assert obstacle_to_lifting(None, NOW, NOW) is SuppressionObstacle.EXPIRED
        assert obstacle_to_lifting(NOW, later, NOW) is SuppressionObstacle.LIFTED

    @pytest.mark.parametrize("status", ["5.1.1", "5.7.1", "5.2.2", "5.6.0", ""])
    @pytest.mark.parametrize("phase", [Phase.RECIPIENT, Phase.CONTENT])
    def test_every_refusal_is_a_bounce(self, status: str, phase: Phase) -> None:
        assert reason_code(Reply(phase, 550, f"{status} no")) in BOUNCES


class TestStandings:
    async def test_are_the_same_in_sql_as_by_the_rule(self, mailroom: Mailroom) -> None:
        (message_id,) = await mailroom.queue(draft())
        reasons = (None, "tries_exhausted", Verdict.OUTCOME_UNKNOWN.value, *sorted(BOUNCES))
        settled_states = [state for state in MessageState if state is not MessageState.SENDING]
        for state in settled_states:
            for reason in reasons:
                found, belongs = await self._stand(mailroom, message_id, state, reason)
                assert found == standing_of(state, reason), (state, reason)
                assert belongs == [found]

    async def _stand(
        self, mailroom: Mailroom, message_id: UUID, state: MessageState, reason: str | None
    ) -> tuple[str, list[Standing]]:
        async with mailroom.database.transaction() as session:
            accepted_at = NOW if state is MessageState.ACCEPTED else None
            await session.execute(update(Message).values(state=state, reason_code=reason, accepted_at=accepted_at))
            found = await session.scalar(select(STANDING).where(Message.id == message_id))
            told = [each for each, condition in IN_STANDING.items() if await session.scalar(select(condition))]
        assert found is not None
        return found, told


async def found_by(mailroom: Mailroom, asked: str) -> int:
    search = room.LISTING.filters[0]
    held = search.read({search.name: [asked]}, ZoneInfo("UTC"))
    assert held is not None
    async with mailroom.database.reading() as session:
        return len((await session.execute(select(Message.id).where(held.condition))).all())


class TestSearch:
    async def test_finds_a_lead_by_its_id_and_its_assignment(self, mailroom: Mailroom) -> None:
        event = assignment_created()
        await mailroom.queue(drafts.lead_delivery(incoming(event)), draft())
        for id_ in (event.lead_id, event.assignment_id):
            assert await found_by(mailroom, str(id_)) == 1
        assert await found_by(mailroom, str(uuid4())) == 0

    async def test_finds_a_correction_by_its_lead_and_its_assignment(self, mailroom: Mailroom) -> None:
        event = lead_corrected()
        await mailroom.queue(lead_correction(incoming(event)), draft())
        for id_ in (event.lead_id, event.assignment_id, event.correction_id):
            assert await found_by(mailroom, str(id_)) == 1

    async def test_finds_an_invoice_by_its_number(self, mailroom: Mailroom) -> None:
        document = document_rendered()
        async with mailroom.database.transaction() as session:
            await keep_documents(session, [document], NOW)
        await mailroom.queue(drafts.invoice(incoming(invoice_sent(document)), "tax_invoice"), draft())
        assert await found_by(mailroom, "wb-000042") == 1

    async def test_finds_an_address_that_was_erased(self, mailroom: Mailroom) -> None:
        await mailroom.queue(draft("mia@example.test"), draft("other@example.test"))
        await mailroom.send()
        async with mailroom.database.transaction() as session:
            assert await erase_contents(session, NOW + timedelta(days=1), 10, NOW) == 2
        assert await found_by(mailroom, " MIA@Example.test ") == 1
        assert await found_by(mailroom, "mia@exam") == 0

    async def test_finds_a_part_of_a_name_or_address(self, mailroom: Mailroom) -> None:
        await mailroom.queue(draft("mia@example.test", recipient_name="Mia O'Brien"), draft("other@example.test"))
        for part in ("MIA@", "o'brien"):
            assert await found_by(mailroom, part) == 1


class TestUndelivered:
    async def test_is_what_failed_and_nothing_took_the_place_of(self, mailroom: Mailroom) -> None:
        first = draft()
        await mailroom.queue(first)
        await mailroom.send(REFUSED)
        assert await self._count(mailroom) == 1
        mailroom.clock.advance(timedelta(hours=1))
        await mailroom.queue(draft(subject_id=first.subject_id, send_no=2))
        assert await self._count(mailroom) == 0

    async def test_is_a_correction_although_others_were_told_of_it_later(self, mailroom: Mailroom) -> None:
        event = lead_corrected()
        await mailroom.queue(lead_correction(incoming(event)))
        await mailroom.send(REFUSED)
        mailroom.clock.advance(timedelta(hours=1))
        other = lead_corrected(correction_id=event.correction_id, deliver_to="leads@other.example")
        await mailroom.queue(lead_correction(incoming(other)))
        assert await self._count(mailroom) == 1

    async def test_is_no_lead_that_dispatch_has_again(self, mailroom: Mailroom) -> None:
        await mailroom.queue(drafts.lead_delivery(incoming(assignment_created())))
        await mailroom.send(REFUSED)
        assert await self._count(mailroom) == 0

    async def test_is_nothing_that_was_taken_back(self, mailroom: Mailroom) -> None:
        mail = draft()
        await mailroom.queue(mail)
        await mailroom.send(REFUSED)
        async with mailroom.database.transaction() as session:
            await cancel_messages(session, mail.purpose, [mail.subject_id], NOW)
        assert await self._count(mailroom) == 0

    async def _count(self, mailroom: Mailroom) -> int:
        async with mailroom.database.reading() as session:
            return (await undelivered(session)).number


class TestDesk:
    async def test_counts_what_may_have_arrived(self, mailroom: Mailroom) -> None:
        await mailroom.queue(draft(), draft())
        await mailroom.send(BROKEN)
        async with mailroom.database.reading() as session:
            piled = await unknown(session)
        assert (piled.number, piled.oldest) == (1, NOW)

    async def test_tells_shares_of_what_was_settled_and_sent(self, mailroom: Mailroom) -> None:
        await mailroom.queue(*(draft() for _ in range(4)))
        await mailroom.send(REFUSED)
        await mailroom.queue(draft())
        async with mailroom.database.reading() as session:
            accepted = await desk.accepted_since(session, NOW)
            bounced = await desk.bounces_between(session, NOW - timedelta(hours=1), NOW + timedelta(seconds=1))
            nothing = await desk.bounces_between(session, NOW - timedelta(hours=2), NOW - timedelta(hours=1))
        assert (accepted.number, accepted.whole) == (3, 4)
        assert (bounced.share, nothing.share) == (0.25, None)

    async def test_sorts_a_fortnight_by_outcome(self, mailroom: Mailroom) -> None:
        await mailroom.queue(draft(), draft())
        await mailroom.send(REFUSED)
        mailroom.clock.advance(timedelta(days=14))
        await mailroom.queue(draft())
        since, earlier = desk.fortnight(NOW + timedelta(days=14))
        async with mailroom.database.reading() as session:
            now = await desk.outcomes_between(session, since, mailroom.clock.now() + timedelta(seconds=1))
            before = await desk.outcomes_between(session, earlier, since)
        assert now == {Standing.QUEUED: 1}
        assert before == {Standing.ACCEPTED: 1, Standing.BOUNCED: 1}

    async def test_counts_tickets_and_accounts_that_wait_for_somebody(self, mailroom: Mailroom) -> None:
        await mailroom.reply(await mailroom.ticket())
        await mailroom.ticket()
        for name in ("first", "second", "third"):
            await account(mailroom.database, name)
        async with mailroom.database.transaction() as session:
            await session.execute(
                update(SenderAccount).where(SenderAccount.name == "second").values(state=AccountState.SUSPENDED)
            )
            # A break that is over is no trouble any more, whoever has not looked yet.
            await session.execute(
                text("UPDATE sender_accounts SET state = 'cooldown', next_change_at = :now WHERE name = 'third'"),
                {"now": NOW},
            )
            assert (await desk.open_tickets(session)).number == 1
            assert [each.state for each in await desk.unwell_accounts(session, NOW, SYDNEY)] == [AccountState.SUSPENDED]


class TestMany:
    async def test_a_closed_ticket_is_left_out_of_closing(self, mailroom: Mailroom) -> None:
        open_id, closed_id = await mailroom.ticket("First"), await mailroom.ticket("Second")
        async with mailroom.database.transaction() as session:
            await close_ticket(session, closed_id, OPERATOR, None, NOW)
            told = await tickets.LISTING.bulk[0].look(session, [open_id, closed_id, uuid4()], NOW)
        assert told == {open_id: Verdicts("First"), closed_id: Verdicts("Second", "it is closed")}

    async def test_what_no_longer_holds_is_left_out_of_lifting(self, mailroom: Mailroom) -> None:
        await mailroom.queue(draft("known@example.test"))
        known, lifted = await mailroom.suppress("known@example.test"), await mailroom.suppress("other@example.test")
        async with mailroom.database.transaction() as session:
            await lift_suppression(session, lifted, OPERATOR, "asked again", NOW)
            told = await suppressions.LISTING.bulk[0].look(session, [known, lifted], NOW)
            late = await suppressions.LISTING.bulk[0].look(session, [known], NOW + timedelta(days=30))
        assert told[known] == Verdicts("known@example.test")
        assert told[lifted].why_not == "it was lifted"
        assert late[known].why_not == "it has expired"
