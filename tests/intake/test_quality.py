"""What sources are refused, counted; what their leads are worth; and the spec, which says what holds."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from contracts.identity import Role
from contracts.routing import AssignmentReturned
from contracts.values import AustralianState
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.rejections import Rejection
from services.intake.consumers import assignments
from services.intake.domain import CloseReason, LeadStatus
from services.intake.http.lead_body import LeadSubmission
from services.intake.http.specs import EXAMPLE
from services.intake.jobs import REJECTIONS_KEPT, forget_source_rejections
from services.intake.rejections import RejectionCounter
from services.intake.settings import Settings
from tests.intake.desk import NOWHERE, Desk, answering
from tests.intake.reception import Reception
from tests.intake.samples import NOW, committing, count, rows, submission, working_source
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import TestIdentity, bearer
from tests.kit.records import incoming

COUNTED = "SELECT code, field, number FROM source_rejections ORDER BY code, field"


async def counted(database: Database) -> dict[tuple[str, str], int]:
    return {(row["code"], row["field"]): row["number"] for row in await rows(database, COUNTED)}


async def id_of(http: Desk) -> str:
    (source,) = (await http.get("/admin/lead-sources"))["items"]
    found: str = source["id"]
    return found


class TestRejections:
    async def test_are_counted_by_request_and_by_fault_without_what_was_sent(
        self, http: Desk, database: RolledBackDatabase
    ) -> None:
        key = await http.new_source()
        for _ in range(2):
            await http.submit(key, submission(phone="12", email="mia") | {"mia@example.test": 1, "0412345678": 2})
        await http.submit(key)
        await http.submit(key, name="Another Person")
        json = {"Content-Type": "application/json"}
        await http.client.post("/leads", content=b"{", headers=bearer(key) | json)
        await http.client.post("/leads", content=b"{}", headers=bearer(key) | {"Content-Type": "text/plain"})
        await http.submit(key, name="x" * 65_536)
        assert await counted(database) == {
            ("invalid_request", ""): 2,
            ("phone_invalid", "phone"): 2,
            ("email_invalid", "email"): 2,
            ("extra_forbidden", "(unknown)"): 2,
            ("submission_key_reused", ""): 1,
            ("malformed_json", ""): 1,
            ("unsupported_media_type", ""): 1,
            ("body_too_large", ""): 1,
        }

    async def test_are_of_hours_of_the_business_zone(self, http: Desk, database: RolledBackDatabase) -> None:
        await http.submit(await http.new_source(), phone="12")
        hours = {row["hour"] for row in await rows(database, "SELECT hour FROM source_rejections")}
        assert hours == {NOW.replace(minute=0, second=0)}

    async def test_are_forgotten_when_a_year_can_no_longer_be_compared(
        self, http: Desk, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        key = await http.new_source()
        await http.submit(key, phone="12")
        clock.advance(timedelta(days=1))
        await http.submit(key, email="mia")
        job = forget_source_rejections(database, Settings(database_url=NOWHERE))
        await job.run(NOW + REJECTIONS_KEPT - timedelta(hours=1))
        assert len(await counted(database)) == 3
        await job.run(NOW + REJECTIONS_KEPT)
        assert set(await counted(database)) == {("invalid_request", ""), ("email_invalid", "email")}

    async def test_are_none_where_nobody_is_known_or_nothing_is_handed_in(
        self, http: Desk, database: RolledBackDatabase
    ) -> None:
        key = await http.new_source()
        await http.submit("wbk_abcdefgh1234_" + "s" * 43, body={})
        await http.client.get("/leads/0199a000-0000-7000-8000-0000000000f1", headers=bearer(key))
        await http.ask("POST", f"/admin/lead-sources/{await id_of(http)}/revoke")
        await http.submit(key)
        assert await counted(database) == {}

    async def test_are_no_tests(self, http: Desk, database: RolledBackDatabase) -> None:
        await http.submit(await http.new_source(), test=True, phone="12")
        assert await counted(database) == {}

    async def test_many_at_once_are_all_counted(
        self, fresh_database: Callable[[str], ServiceDatabase], identity: TestIdentity, clock: FixedClock
    ) -> None:
        tables = fresh_database("intake")
        async with (
            committing(tables) as one,
            committing(tables) as other,
            answering(one, identity, clock) as first,
            answering(other, identity, clock) as second,
        ):
            key = await first.new_source()
            desks = (first, second)
            await asyncio.gather(*(desks[n % 2].submit(key, phone="12", email="mia") for n in range(60)))
            assert await counted(one) == {
                ("invalid_request", ""): 60,
                ("phone_invalid", "phone"): 60,
                ("email_invalid", "email"): 60,
            }

    async def test_that_cannot_be_written_now_go_with_the_next_ones(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        counter = RejectionCounter(database)
        counter.add([Rejection(source.source_id, NOW, "x" * 10, "")] * 2)
        await self.fail_to_write(counter, database)
        counter.add([Rejection(source.source_id, NOW, "x" * 10, "")])
        await counter.write()
        assert await counted(database) == {("x" * 10, ""): 3}

    @staticmethod
    async def fail_to_write(counter: RejectionCounter, database: RolledBackDatabase) -> None:
        class Away:
            def transaction(self) -> Any:
                raise ConnectionError

        counter._database = Away()  # type: ignore[assignment]
        with pytest.raises(ConnectionError):
            await counter.write()
        counter._database = database


class TestQuality:
    async def arranged(self, http: Desk, database: RolledBackDatabase, clock: FixedClock) -> str:
        """Over three days four leads, of which one was delivered, and five refusals, one of them too fast."""
        reception = Reception(database, clock)
        source, key = await reception.source()
        sent = await reception.lead(key, ago=timedelta(days=2))
        await reception.move(sent, LeadStatus.DISPATCHING, LeadStatus.DELIVERED)
        await self.give_back(database, sent, times=2)
        closed = await reception.lead(key, ago=timedelta(days=1))
        await reception.close(closed, CloseReason.DUPLICATE)
        await reception.lead(key)
        await reception.lead(key, ago=timedelta(days=40))
        counter = RejectionCounter(database)
        hour = NOW.replace(minute=0, second=0)
        counter.add([Rejection(source.id, hour, "invalid_request")] * 2)
        counter.add([Rejection(source.id, hour, "phone_invalid", "phone")] * 2)
        counter.add([Rejection(source.id, hour - timedelta(days=1), "submission_key_reused")])
        counter.add([Rejection(source.id, hour, "rate_limited")])
        counter.add([Rejection(source.id, hour - timedelta(days=40), "invalid_request")])
        await counter.write()
        return str(source.id)

    async def give_back(self, database: RolledBackDatabase, lead_id: UUID, times: int) -> None:
        """As several installers of a shared lead do."""
        for _ in range(times):
            returned = AssignmentReturned(
                assignment_id=new_id(),
                lead_id=lead_id,
                installer_id=new_id(),
                return_id=new_id(),
                reason_code="contact_invalid",
                credits=(),
                decided_by_name="Robin Field",
                is_offered_on=False,
                sent_at=NOW,
                returned_at=NOW,
            )
            async with database.transaction() as session:
                await assignments.CONSUMER.handlers[AssignmentReturned](session, [incoming(returned)])

    async def test_tells_shares_days_codes_and_what_became_of_them(
        self, http: Desk, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        source_id = await self.arranged(http, database, clock)
        told = await http.get(f"/admin/lead-sources/{source_id}/quality")
        days = told.pop("days")
        faults = [day.pop("faults") for day in days]
        assert [tuple(day.values()) for day in days if day["accepted"] or day["refused"]] == [
            ("2026-03-01", 1, 0, 0, 1),
            ("2026-03-02", 1, 1, 1, 0),
            ("2026-03-03", 1, 2, 0, 0),
        ]
        assert list(days[0]) == ["day", "accepted", "refused", "duplicates", "returned"]
        assert [[(fault["code"], fault["number"]) for fault in each] for each in faults[-2:]] == [
            [("submission_key_reused", 1)],
            [("invalid_request", 2), ("phone_invalid", 2), ("rate_limited", 1)],
        ]
        assert not any(faults[:-2])
        assert len(days) == 30
        standings = told.pop("standings")
        assert {(each["status"], each["was_delivered"], each["close_reason"]) for each in standings} >= {
            ("delivered", True, None),
            ("closed", False, "duplicate"),
        }
        assert sum(each["number"] for each in standings) == 3
        assert told == {
            "source_id": source_id,
            "first": "2026-02-02",
            "last": "2026-03-03",
            "accepted": 3,
            "refused": 3,
            "too_fast": 1,
            "delivered": 1,
            "duplicates": 1,
            "returned": 1,
            "accepted_share": 0.5,
            "delivered_share": pytest.approx(1 / 3),
            "duplicate_share": pytest.approx(1 / 3),
            "returned_share": 1.0,
            "faults": [
                {"code": "invalid_request", "field": "", "number": 2},
                {"code": "phone_invalid", "field": "phone", "number": 2},
                {"code": "rate_limited", "field": "", "number": 1},
                {"code": "submission_key_reused", "field": "", "number": 1},
            ],
        }

    async def test_is_of_the_days_that_are_asked_for(
        self, http: Desk, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        source_id = await self.arranged(http, database, clock)
        told = await http.get(f"/admin/lead-sources/{source_id}/quality", **{"from": "2026-03-02", "to": "2026-03-02"})
        assert (told["accepted"], told["refused"], len(told["days"])) == (1, 1, 1)

    async def test_of_nothing_has_no_shares(self, http: Desk) -> None:
        await http.new_source()
        told = await http.get(f"/admin/lead-sources/{await id_of(http)}/quality")
        assert (told["accepted_share"], told["delivered_share"], told["faults"]) == (None, None, [])

    @pytest.mark.parametrize(
        "days", [{"from": "2026-03-04"}, {"from": "2025-01-01"}, {"from": "2026-03-02", "to": "2026-03-01"}]
    )
    async def test_refuses_days_that_are_no_period(self, http: Desk, days: dict[str, str]) -> None:
        await http.new_source()
        answer = await http.ask("GET", f"/admin/lead-sources/{await id_of(http)}/quality", params=days)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "period_invalid")

    async def test_knows_no_source_that_is_not_there(self, http: Desk) -> None:
        answer = await http.ask("GET", "/admin/lead-sources/0199a000-0000-7000-8000-0000000000f1/quality")
        assert answer.status_code == 404


class TestSpec:
    async def test_says_what_the_source_is_told_and_what_operators_see_of_it(self, http: Desk) -> None:
        key = await http.new_source()
        own = await http.client.get("/leads/spec", headers=bearer(key))
        assert own.status_code == 200
        assert own.json() == await http.get(f"/admin/lead-sources/{await id_of(http)}/spec")
        assert (await http.client.get("/leads/spec")).status_code == 401

    async def test_has_every_field_as_its_check_has_it(self, http: Desk) -> None:
        await http.new_source()
        spec = await http.get(f"/admin/lead-sources/{await id_of(http)}/spec")
        fields = {field["name"]: field for field in spec["fields"]}
        assert {name.partition(".")[0] for name in fields} == set(LeadSubmission.model_fields)
        assert [name for name, field in fields.items() if not (field["form"] and field["codes"])] == []
        assert [name for name, field in fields.items() if not field["is_required"]] == [
            "consent.given_at",
            "consent.remote_address",
            "test",
        ]
        assert (fields["name"]["type"], fields["name"]["longest"]) == ("text", 200)
        assert fields["address.state"]["choices"] == list(AustralianState)
        told = {code for field in spec["fields"] for code in field["codes"]}
        assert told <= {fault["code"] for fault in spec["faults"]}

    async def test_changes_with_the_source(self, http: Desk) -> None:
        key = await http.new_source()
        path = f"/admin/lead-sources/{await id_of(http)}"
        assert (await http.get(f"{path}/spec"))["limits"]["leads_per_minute"] == 1_200
        await http.ask("POST", f"{path}/rate", Role.EDITOR, json={"rate_per_minute": 30, "reason": "slow down"})
        await http.ask("POST", f"{path}/mode", Role.EDITOR, json={"mode": "test", "reason": "new form"})
        await http.ask("POST", f"{path}/rename", Role.EDITOR, json={"name": "Solar Compare"})
        spec = (await http.client.get("/leads/spec", headers=bearer(key))).json()
        assert (spec["name"], spec["mode"], spec["limits"]["leads_per_minute"]) == ("Solar Compare", "test", 30)

    async def test_its_example_is_taken(self, http: Desk, database: RolledBackDatabase) -> None:
        key = await http.new_source()
        spec = (await http.client.get("/leads/spec", headers=bearer(key))).json()
        assert spec["example"] == EXAMPLE
        answer = await http.submit(key, body=spec["example"])
        assert answer.status_code == 202
        assert spec["submit"] == "POST http://intake.example/leads"
        assert f"curl {spec['submit'].removeprefix('POST ')}" in spec["curl"]
        assert await count(database, "leads") == 1
