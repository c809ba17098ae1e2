"""Corrected leads as mail: who has the lead is told once of each correction, and nobody who has it no more."""

import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.clock import FixedClock
from chassis.console.listing import Choice
from contracts.routing import AssignmentFailed, AssignmentReturned
from services.notifications.domain.purposes import MailPurpose
from services.notifications.pages import messages
from services.notifications.pages.words import subject_told
from tests.kit.databases import RolledBackDatabase
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.inbound import Handlers
from tests.notifications.samples import (
    CONTACT,
    NOW,
    assignment_cancelled,
    assignment_created,
    lead_corrected,
    one,
    published,
    rows,
    states,
)


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Handlers:
    return Handlers(database, clock)


def failed(assignment_id: UUID) -> AssignmentFailed:
    return AssignmentFailed(
        assignment_id=assignment_id,
        lead_id=uuid4(),
        installer_id=uuid4(),
        reason_code="recipient_refused",
        failed_at=NOW,
    )


def returned(assignment_id: UUID) -> AssignmentReturned:
    return AssignmentReturned(
        assignment_id=assignment_id,
        lead_id=uuid4(),
        installer_id=uuid4(),
        return_id=uuid4(),
        reason_code="duplicate",
        credits=(),
        decided_by_name="Robin Field",
        is_offered_on=False,
        sent_at=NOW,
        returned_at=NOW,
    )


class TestLeadCorrected:
    async def test_is_mailed_to_where_the_lead_was_delivered(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        event = lead_corrected()
        await desk.take(event, version=3)
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["purpose"], mail["subject_id"]) == ("lead_correction", event.correction_id)
        assert (mail["recipient_email"], mail["recipient_name"]) == ("leads@southernsun.example", "Southern Sun Solar")
        assert (mail["state"], mail["mail_class"]) == ("queued", "transactional")
        assert mail["context"]["contact"] == CONTACT.model_dump()

    async def test_is_mailed_once_however_often_it_is_told(self, database: RolledBackDatabase, desk: Handlers) -> None:
        event = lead_corrected()
        await desk.take(event, event, version=3)
        await desk.take(event, version=3)
        # The same fact as another event, as after a restored backup of the publisher.
        await desk.take(event, version=4)
        assert await states(database) == ["queued"]

    @pytest.mark.parametrize("versions", [(3, 4), (4, 3)])
    async def test_each_correction_is_a_mail_in_whatever_order_they_come(
        self, database: RolledBackDatabase, desk: Handlers, versions: tuple[int, int]
    ) -> None:
        created = assignment_created()
        by_version = {
            version: lead_corrected(field, assignment_id=created.assignment_id, lead_id=created.lead_id)
            for version, field in ((3, "phone"), (4, "email"))
        }
        for version in versions:
            await desk.take(by_version[version], version=version)
        await desk.take(created)
        for version in versions:
            await desk.take(by_version[version], version=version)
        mails = await rows(database, "SELECT context FROM messages WHERE purpose = 'lead_correction'")
        assert sorted(mail["context"]["changed"] for mail in mails) == [["email"], ["phone"]]
        assert len(await states(database)) == 3

    async def test_each_who_has_the_lead_is_told_of_the_same_correction(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        event = lead_corrected()
        other = lead_corrected(correction_id=event.correction_id, deliver_to="leads@other.example")
        await desk.take(event, other)
        assert await states(database) == ["queued", "queued"]

    async def test_that_tells_of_nobody_is_neither_mailed_nor_logged(
        self, database: RolledBackDatabase, desk: Handlers, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        await desk.take(lead_corrected("phone", contact=None))
        assert await states(database) == []
        assert "southernsun" not in caplog.text

    @pytest.mark.parametrize("field", ["place", "service"])
    async def test_that_is_about_no_person_is_mailed_without_one(
        self, database: RolledBackDatabase, desk: Handlers, field: str
    ) -> None:
        await desk.take(lead_corrected(field, contact=None))
        mail = await one(database, "SELECT context FROM messages")
        assert (mail["context"]["changed"], mail["context"]["contact"]) == ([field], None)


class TestSending:
    async def test_goes_out_and_its_outcome_is_told_with_whose_lead_it_is(
        self, database: RolledBackDatabase, desk: Handlers, sender_of: MakeSender
    ) -> None:
        sent, refused = lead_corrected(), lead_corrected(deliver_to="nobody")
        await desk.take(sent, refused)
        await run_until_idle(sender_of(database))
        assert sorted(await states(database)) == ["accepted", "failed"]
        events = [json.loads(each.body) for each in await published(database)]
        assert [(each["assignment_id"], each["lead_id"], each["outcome"]) for each in events] == [
            (str(refused.assignment_id), str(refused.lead_id), "failed"),
            (str(sent.assignment_id), str(sent.lead_id), "accepted"),
        ]
        assert {each["purpose"] for each in events} == {"lead_correction"}
        assert (events[0]["reason_code"], events[1].get("reason_code")) == ("recipient_invalid", None)


class TestOver:
    @pytest.mark.parametrize("over", [assignment_cancelled, failed, returned])
    async def test_who_has_the_lead_no_more_is_not_told(
        self, database: RolledBackDatabase, desk: Handlers, over: Callable[[UUID], Any]
    ) -> None:
        event, other = lead_corrected(), lead_corrected()
        await desk.take(event, other)
        await desk.take(over(event.assignment_id))
        await desk.take(event)
        kept = await rows(database, "SELECT subject_id, state FROM messages ORDER BY state")
        assert [tuple(row.values()) for row in kept] == [
            (event.correction_id, "cancelled"),
            (other.correction_id, "queued"),
        ]


def test_the_rooms_of_mail_call_it_by_its_words() -> None:
    (choice,) = [each for each in messages.LISTING.filters if each.name == "purpose"]
    assert isinstance(choice, Choice)
    assert ("lead_correction", "Lead correction") in [(option.value, option.label) for option in choice.options]
    about = subject_told(MailPurpose.LEAD_CORRECTION, "lead_correction", UUID(int=0xC044), None)
    assert about == "Lead correction 0000c044"
