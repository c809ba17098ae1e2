"""Returns as mail: a denial is told once, with its reason; a return for want of consent alerts operations."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.clock import FixedClock
from contracts.routing import AssignmentReturnDenied, AssignmentReturnRequested
from services.notifications import returns
from services.notifications.domain.purposes import MailPurpose
from services.notifications.pages.words import ROOMS, subject_told
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import incoming
from tests.notifications.inbound import Handlers
from tests.notifications.samples import NOW, one, rows
from tests.notifications.test_rendering import Paper, body, mail, paper


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Handlers:
    return Handlers(database, clock)


def denied(**changes: Any) -> AssignmentReturnDenied:
    given: dict[str, Any] = {
        "assignment_id": UUID("0199a000-0000-7000-8000-00000000a551"),
        "lead_id": uuid4(),
        "installer_id": uuid4(),
        "return_id": uuid4(),
        "reason_code": "contact_invalid",
        "denial_code": "not_proven",
        "message": "The number answers.\n\nWe spoke to them today.",
        "installer_name": "Southern Sun Solar",
        "recipient_email": "leads@southernsun.example",
        "denied_at": NOW,
        **changes,
    }
    return AssignmentReturnDenied(**given)


def requested(reason_code: str) -> AssignmentReturnRequested:
    return AssignmentReturnRequested(
        assignment_id=uuid4(),
        lead_id=uuid4(),
        installer_id=uuid4(),
        return_id=uuid4(),
        reason_code=reason_code,
        requested_at=NOW,
        decide_by=NOW,
    )


class TestADenial:
    async def test_is_mailed_to_the_installer_once(self, database: RolledBackDatabase, desk: Handlers) -> None:
        event = denied()
        await desk.take(event)
        await desk.take(event, version=2)
        kept = await one(database, "SELECT * FROM messages")
        assert (kept["purpose"], kept["subject_kind"], kept["subject_id"]) == (
            "return_answer",
            "return",
            event.return_id,
        )
        assert (kept["recipient_email"], kept["state"]) == ("leads@southernsun.example", "queued")

    async def test_that_follows_another_return_is_a_mail_of_its_own(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        await desk.take(denied(), denied())
        assert len(await rows(database, "SELECT id FROM messages")) == 2

    def test_is_a_purpose_of_ours_alone(self) -> None:
        with pytest.raises(ValueError, match="return_answer"):
            _ = MailPurpose.RETURN_ANSWER.on_the_wire

    def test_leads_to_its_room(self) -> None:
        assert ROOMS["return"] == ("routing", "/console/returns")
        assert subject_told(MailPurpose.RETURN_ANSWER, "return", UUID(int=0xC044), None) == "Return 0000c044"


class TestItsMail:
    def written(self, **changes: Any) -> Paper:
        return paper(returns.return_answer(incoming(denied(**changes))))

    def test_says_why_in_both_its_parts(self) -> None:
        letter = self.written()
        for part in ("plain", "html"):
            told = body(letter, part)
            for said in ("The number answers.", "We spoke to them today.", "Not proven", "Contact invalid", "0000A551"):
                assert said in told
        assert mail(letter)["Subject"] == "Your return was not accepted: not proven (0000A551)"

    def test_holds_what_an_operator_wrote_only_as_text(self) -> None:
        html = body(self.written(message="<script>alert(1)</script> & more"), "html")
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


class TestAReturnThatIsAskedFor:
    async def test_for_want_of_consent_alerts_operations(self, database: RolledBackDatabase, desk: Handlers) -> None:
        await desk.take(requested("consent_or_compliance"), requested("contact_invalid"))
        alert = await one(database, "SELECT * FROM messages")
        assert (alert["purpose"], len(alert["context"]["items"])) == ("ops_alert", 1)

    async def test_for_anything_else_waits_in_its_room(self, database: RolledBackDatabase, desk: Handlers) -> None:
        await desk.take(requested("contact_invalid"))
        assert await rows(database, "SELECT id FROM messages") == []
