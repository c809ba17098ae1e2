"""Escalations as mail: each recipient once, the team where nobody else can be reached, and never the person's name."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from contracts.identity import OperatorChanged
from contracts.intake import LeadEscalated
from contracts.values import AustralianState, Location, MessagePurpose
from services.notifications.domain.purposes import MailPurpose
from services.notifications.rendering import House, Renderer
from tests.kit.databases import RolledBackDatabase
from tests.notifications.conftest import settings_of
from tests.notifications.inbound import NO_SERVER, Handlers
from tests.notifications.samples import NOW, SYDNEY, rows

OPS = "ops@waybill.example"


def escalated(*recipients: UUID, **changes: Any) -> LeadEscalated:
    known: dict[str, Any] = {
        "lead_id": uuid4(),
        "escalation_id": uuid4(),
        "policy_name": "Leads that <wait>",
        "step_no": 1,
        "action": "nudge",
        "recipient_ids": recipients,
        "reaches_team": not recipients,
        "service": "solar-battery",
        "location": Location(suburb="Marrickville", state=AustralianState.NSW, postcode="2204"),
        "waiting_since": NOW,
        "escalated_at": NOW,
    }
    return LeadEscalated(**{**known, **changes})


def changed(operator_id: UUID, **changes: Any) -> OperatorChanged:
    known: dict[str, Any] = {
        "operator_id": operator_id,
        "name": "Kim Reed",
        "email": "kim@waybill.example",
        "capabilities": ("read_ops", "write_routing"),
        "is_active": True,
    }
    return OperatorChanged(**{**known, **changes})


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Handlers:
    console = {"intake": "https://desk.waybill.example/"}
    return Handlers(database, clock, settings=settings_of(NO_SERVER, console_addresses=console))


async def mails(database: Database) -> list[dict[str, Any]]:
    query = "SELECT recipient_email, recipient_name, context FROM messages ORDER BY created_at, id"
    return [dict(row) for row in await rows(database, query)]


class TestNudges:
    async def test_reach_each_recipient_once_however_often_they_are_told(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        kim, ash = uuid4(), uuid4()
        await desk.take(changed(kim), changed(ash, name="Ash Moran", email="ash@waybill.example"))
        event = escalated(kim, ash)
        for _ in range(2):
            await desk.take(event)
        found = await mails(database)
        assert {(mail["recipient_email"], mail["recipient_name"]) for mail in found} == {
            ("kim@waybill.example", "Kim Reed"),
            ("ash@waybill.example", "Ash Moran"),
        }
        assert len(found) == 2
        assert found[0]["context"]["page"] == f"https://desk.waybill.example/console/leads/{event.lead_id}"

    async def test_go_to_the_team_where_it_is_asked_for(self, database: RolledBackDatabase, desk: Handlers) -> None:
        await desk.take(escalated())
        (mail,) = await mails(database)
        assert (mail["recipient_email"], mail["context"]["is_team"]) == (OPS, True)

    async def test_go_to_the_team_in_place_of_who_is_unknown_or_gone(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        kim = uuid4()
        await desk.take(changed(kim))
        await desk.take(changed(kim, is_active=False), version=2)
        await desk.take(changed(kim), version=1)
        await desk.take(escalated(kim), escalated(uuid4()))
        assert {mail["recipient_email"] for mail in await mails(database)} == {OPS}

    @pytest.mark.parametrize("action", ["critical", "snooze"])
    async def test_what_only_marks_the_lead_is_no_mail(
        self, database: RolledBackDatabase, desk: Handlers, action: str
    ) -> None:
        await desk.take(escalated(action=action, reaches_team=False))
        assert await mails(database) == []

    async def test_a_follow_ups_leads_to_its_own_page_and_tells_when_it_was_due(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        follow_up = uuid4()
        await desk.take(escalated(follow_up_id=follow_up))
        (mail,) = await mails(database)
        written = Renderer(House("Waybill", "support@waybill.example", SYDNEY)).write("escalation", 1, mail["context"])
        assert written.subject == "Follow-up overdue: solar battery in Marrickville 2204"
        assert f"Open it: https://desk.waybill.example/console/follow-ups/{follow_up}" in written.text
        assert "It was due 3 March 2026, 1:15 pm AEDT." in written.text
        assert "Leads that &lt;wait&gt;, step 1" in written.html


def test_every_word_of_the_wire_is_one_of_ours_and_ours_are_never_published() -> None:
    ours = {MailPurpose.ESCALATION, MailPurpose.LEAD_CORRECTION, MailPurpose.RETURN_ANSWER, MailPurpose.STATEMENT}
    assert {each.on_the_wire for each in MailPurpose if each not in ours} == set(MessagePurpose)
    for each in ours:
        with pytest.raises(ValueError, match=each):
            _ = each.on_the_wire
