"""The follow-ups' rooms: whose queue it is, what their forms do, and what stands on a lead's page."""

import csv
import io
import re
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.identity import Role
from services.intake.commands.follow_ups import Complete, complete_follow_up
from services.intake.domain import FollowUpOutcome, LeadStatus
from tests.intake.couples import merge, unmerge
from tests.intake.desk import Desk, faults
from tests.intake.reception import Reception
from tests.intake.rooms import done, named, page, post, seen_on
from tests.intake.samples import OPERATOR, rows
from tests.intake.telling import tell_all
from tests.kit.databases import RolledBackDatabase

HOUR = timedelta(hours=1)
ROOM = "/console/follow-ups"


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def leads(reception: Reception, *names: str) -> list[UUID]:
    _, quotes = await reception.source()
    return [await reception.lead(quotes, name=name) for name in names]


class TestTheList:
    async def test_the_queue_is_whoever_looks(self, http: Desk, reception: Reception) -> None:
        mia, tom, zoe = await leads(reception, "Mia Chen", "Tom Reid", "Zoe Ng")
        kim = await reception.operator("Kim Reed")
        await reception.follow_up(mia, OPERATOR, ahead=2 * HOUR)
        await reception.follow_up(tom, OPERATOR, ahead=HOUR)
        await reception.follow_up(zoe, kim)
        await reception.follow_up(mia, note="Ask for the bill")
        assert await named(http, f"{ROOM}?owner=mine&state=open") == ["Tom Reid", "Mia Chen"]
        assert await named(http, f"{ROOM}?owner=mine&state=open", kim) == ["Zoe Ng"]
        assert await named(http, f"{ROOM}?owner=unowned") == ["Mia Chen"]
        assert await named(http, f"{ROOM}?q=mia+bill") == ["Mia Chen"]
        assert await named(http, f"{ROOM}?q=tom+bill") == []
        assert len(await named(http, f"{ROOM}?lead_id={mia}")) == 2

    async def test_what_is_overdue_says_so(self, http: Desk, reception: Reception) -> None:
        mia, tom = await leads(reception, "Mia Chen", "Tom Reid")
        await reception.follow_up(mia, planned_ago=3 * HOUR)
        await reception.follow_up(tom)
        text = await page(http, f"{ROOM}?state=overdue")
        assert "Mia Chen" in text
        assert "Tom Reid" not in text
        assert ">Overdue<" in text
        assert ">2 h ago<" in text

    async def test_many_are_put_off_and_given_away(self, http: Desk, reception: Reception) -> None:
        mia, tom = await leads(reception, "Mia Chen", "Tom Reid")
        kim = await reception.operator("Kim Reed")
        ids = [str((await reception.follow_up(each)).id) for each in (mia, tom)]
        job = (await post(http, f"{ROOM}/bulk", action="snooze", ids=ids)).headers["location"]
        await done(http, f"{job}/snooze", length="1_day")
        job = (await post(http, f"{ROOM}/bulk", action="reassign", ids=ids)).headers["location"]
        await done(http, f"{job}/reassign", owner_id=str(kim.id))
        kept = await rows(reception.database, "SELECT DISTINCT due_at, owner_name FROM follow_ups")
        assert kept == [{"due_at": reception.clock.now() + 24 * HOUR, "owner_name": "Kim Reed"}]


class TestNarrowed:
    """Mia's is open and hers whose queue it is, Tom's is done, Zoe's is overdue and nobody's."""

    SAID: ClassVar[list[tuple[str, str | None, set[str]]]] = [
        ("q=mia+bill", "", {"Mia Chen"}),
        ("q=tom+bill", "", set()),
        ("owner=mine", "", {"Mia Chen", "Tom Reid"}),
        ("owner=unowned", "", {"Zoe Ng"}),
        ("state=overdue", "overdue=true", {"Zoe Ng"}),
        ("outcome=booked", "", {"Tom Reid"}),
        ("lead_status=delivered", "", {"Tom Reid"}),
        ("lead_status=delivered&lead_status=routable", "", {"Mia Chen", "Tom Reid", "Zoe Ng"}),
        ("path=recommended_installer", "", {"Zoe Ng"}),
        ("in=VIC", "", {"Tom Reid"}),
        ("suburb=CARLTON", "", {"Tom Reid"}),
        ("postcode=3053", "", {"Tom Reid"}),
        ("service=heat-pump", "", {"Mia Chen"}),
        ("finance=billable", "", {"Tom Reid"}),
        ("finance=none&state=open", "", {"Mia Chen", "Zoe Ng"}),
        ("source=roof", None, {"Tom Reid"}),
        ("received_to=2026-03-02", "received_to=2026-03-02T13:00:00Z", set()),
    ]
    """What the page is asked, what the route is where it goes by other words, and whose are found by it."""

    @pytest.fixture
    async def three(self, reception: Reception) -> dict[str, UUID]:
        _, quotes = await reception.source()
        _, other = await reception.source("Roof Check")
        mia = await reception.lead(quotes, name="Mia Chen", service="heat-pump")
        tom = await reception.lead(other, name="Tom Reid", suburb="Carlton", state="VIC", postcode="3053")
        zoe = await reception.lead(quotes, name="Zoe Ng", ago=3 * HOUR, selected_path="recommended_installer")
        await reception.follow_up(mia, OPERATOR, ahead=2 * HOUR, note="Ask for the bill")
        done_ = await reception.follow_up(tom, OPERATOR)
        await reception.follow_up(zoe, planned_ago=3 * HOUR)
        async with reception.database.transaction() as session:
            await complete_follow_up(
                session, Complete(done_.id, FollowUpOutcome.BOOKED, None, None, OPERATOR, reception.clock.now())
            )
        await reception.move(tom, LeadStatus.DISPATCHING, LeadStatus.DELIVERED)
        await tell_all(reception.database, tom)
        return {"Mia Chen": mia, "Tom Reid": tom, "Zoe Ng": zoe}

    async def test_is_what_it_says_on_the_page_and_over_http(self, http: Desk, three: dict[str, UUID]) -> None:
        headers = http.identity.headers(Role.EDITOR, operator_id=OPERATOR.id)
        for query, over_http, wanted in self.SAID:
            assert set(await named(http, f"{ROOM}?{query}")) == wanted, query
            if over_http is not None:
                answer = await http.client.get(f"/admin/follow-ups?{over_http or query}", headers=headers)
                assert {row["lead_id"] for row in answer.json()["items"]} == {str(three[name]) for name in wanted}

    async def test_leaves_as_it_is_narrowed_with_what_is_known_of_the_leads(
        self, http: Desk, reception: Reception, three: dict[str, UUID]
    ) -> None:
        answer = await post(http, f"{ROOM}/export", query="finance=billable&q=carlton")
        (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
        wanted = {"lead": "Tom Reid", "lead_status": "delivered", "source": "Roof Check", "path": "compare_quotes"}
        assert row.items() >= {**wanted, "finance": "billable", "lead_id": str(three["Tom Reid"])}.items()
        (entry,) = await rows(reception.database, "SELECT after FROM audit_entries WHERE action = 'export_list'")
        assert entry["after"]["filters"] == {"q": "searched", "finance": ["billable"]}

    async def test_says_how_long_a_lead_is_what_it_is(self, http: Desk, three: dict[str, UUID]) -> None:
        text = await page(http, f"{ROOM}?columns=lead&columns=since&columns=received&sort=-received&owner=unowned")
        assert "In that status since" in text
        assert "breached" in text
        assert text.count(">3 h ago<") == 2

    async def test_over_http_takes_no_more_than_twelve_words(self, http: Desk) -> None:
        for words, status in (("roof " * 12, 200), ("roof " * 13, 422), (" ", 422)):
            assert (await http.ask("GET", "/admin/follow-ups", params={"q": words})).status_code == status


class TestTheFollowUp:
    async def test_is_planned_on_the_leads_page_and_done_on_its_own(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        lead_page = await page(http, f"/console/leads/{mia}")
        assert "Nothing is planned for it" in lead_page
        planned = await done(
            http,
            f"/console/leads/{mia}/follow-ups",
            id=str(new_id()),
            channel="call",
            due_at="2026-03-03T16:30",
            owner_id="nobody",
            note="Ring about the <roof>",
        )
        assert "Planned" in planned
        assert "Ring about the &lt;roof&gt;" in planned
        (row,) = await rows(reception.database, "SELECT id, due_at, owner_id FROM follow_ups")
        assert (row["due_at"].isoformat(), row["owner_id"]) == ("2026-03-03T05:30:00+00:00", None)
        path = f"{ROOM}/{row['id']}"
        first = await page(http, path)
        assert ">in 3 h<" in first
        seen = seen_on(first)
        finished = await done(
            http,
            f"{path}/complete",
            outcome="left_message",
            note="Will call back",
            next_due_at="2026-03-04T09:00",
            next_channel="sms",
            next_owner_id=str(OPERATOR.id),
            next_id=str(new_id()),
            seen=seen,
        )
        assert "Left message" in finished
        assert "Will call back" in finished
        assert await named(http, f"{ROOM}?owner=mine&state=open") == ["Mia Chen"]
        told = await page(http, f"/console/leads/{mia}")
        assert re.search(r"First contact attempt</dt>\s*<dd>3 Mar 2026, 1:15 pm", told), told
        assert "did a follow-up" in told

    async def test_is_put_off_given_away_and_cancelled(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        kim = await reception.operator("Kim Reed")
        path = f"{ROOM}/{(await reception.follow_up(mia, kim)).id}"
        text = await page(http, path)
        text = await done(http, f"{path}/snooze", until="2026-03-05T09:00", seen=seen_on(text))
        assert "5 Mar 2026, 9:00 am" in text
        text = await done(http, f"{path}/reassign", owner_id="nobody", seen=seen_on(text))
        assert "Nobody has it now" in text
        text = await done(http, f"{path}/cancel", seen=seen_on(text))
        assert "it was cancelled" in text

    async def test_two_who_do_it_at_once_are_not_both_believed(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        path = f"{ROOM}/{(await reception.follow_up(mia)).id}"
        seen = seen_on(await page(http, path))
        form: dict[str, Any] = {"outcome": "reached", "next_id": str(new_id()), "seen": seen}
        assert (await post(http, f"{path}/complete", **form)).status_code == 303
        assert (await post(http, f"{path}/complete", **form)).status_code == 409


class TestOverHttp:
    async def test_from_planned_to_done(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        body = {"lead_id": str(mia), "channel": "call", "due_at": "2026-03-03T05:30:00Z", "note": "Ring"}
        made = await http.ask("POST", "/admin/follow-ups", Role.EDITOR, json=body)
        assert made.status_code == 201, made.text
        path = f"/admin/follow-ups/{made.json()['id']}"
        following = {"channel": "sms", "due_at": "2026-03-04T05:30:00Z", "note": "Again"}
        ended = await http.ask("POST", f"{path}/complete", json={"outcome": "no_answer", "following": following})
        assert (ended.json()["state"], ended.json()["available_actions"]) == ("done", [])
        listed = await http.get("/admin/follow-ups", state="open", lead_id=str(mia))
        assert [each["note"] for each in listed["items"]] == ["Again"]
        late = await http.ask("POST", "/admin/follow-ups", json=body | {"due_at": "2026-03-01T00:00:00Z"})
        assert faults(late) == {"due_at": "in_the_past"}
        nobody = await http.ask("POST", "/admin/follow-ups", json=body | {"lead_id": str(new_id())})
        assert (nobody.status_code, faults(nobody)) == (422, {"lead_id": "lead_unknown"})
        assert (await http.get(path))["done_by"] == "Robin Field"


class TestOfALeadThatWasMerged:
    """Tom was merged into Mia, and then Mia into Zoe; each had something planned."""

    @pytest.fixture
    async def three(self, reception: Reception) -> tuple[UUID, UUID, UUID]:
        tom, mia, zoe = await leads(reception, "Tom Reid", "Mia Chen", "Zoe Ng")
        for lead_id, note in ((tom, "Ring Tom"), (mia, "Ring Mia"), (zoe, "Ring Zoe")):
            await reception.follow_up(lead_id, OPERATOR, note=note)
        await merge(reception.database, mia, tom)
        await merge(reception.database, zoe, mia)
        return tom, mia, zoe

    async def test_names_in_the_list_who_goes_on(self, http: Desk, three: tuple[UUID, UUID, UUID]) -> None:
        told = ["Tom Reid, merged into Zoe Ng", "Mia Chen, merged into Zoe Ng", "Zoe Ng"]
        assert await named(http, f"{ROOM}?owner=mine&state=open") == told
        text = await page(http, f"{ROOM}?columns=lead&columns=survivor")
        assert text.count(f'<a href="/console/leads/{three[2]}">Zoe Ng</a>') == 2

    async def test_is_found_by_what_any_of_the_family_says(self, http: Desk, three: tuple[UUID, UUID, UUID]) -> None:
        assert len(await named(http, f"{ROOM}?q=zoe")) == 3
        assert len(await named(http, f"{ROOM}?q=reid")) == 3
        assert await named(http, f"{ROOM}?q=walker") == []
        for lead_id, number in zip(three, (1, 2, 3), strict=True):
            assert len(await named(http, f"{ROOM}?lead_id={lead_id}")) == number
            answer = await http.get("/admin/follow-ups", lead_id=lead_id)
            assert len(answer["items"]) == number

    async def test_leads_from_its_page_to_who_goes_on_and_stands_on_that_ones(
        self, http: Desk, reception: Reception, three: tuple[UUID, UUID, UUID]
    ) -> None:
        _, _, zoe = three
        path = await self.path(reception, "Ring Tom")
        text = await page(http, path)
        assert "Call: Zoe Ng" in text
        assert "Its lead was merged into another" in text
        assert f'href="/console/leads/{zoe}"' in text
        survivor = await page(http, f"/console/leads/{zoe}")
        assert survivor.count("Call, for a lead merged into it") == 2
        assert all(note in survivor for note in ("Ring Tom", "Ring Mia", "Ring Zoe"))
        assert "Its lead was merged" not in await page(http, await self.path(reception, "Ring Zoe"))

    async def test_tells_over_http_who_goes_on(
        self, http: Desk, reception: Reception, three: tuple[UUID, UUID, UUID]
    ) -> None:
        tom, mia, zoe = (str(each) for each in three)
        rows_ = (await http.get("/admin/follow-ups"))["items"]
        assert [(row["lead_id"], row["survivor_id"]) for row in rows_] == [(tom, zoe), (mia, zoe), (zoe, None)]
        one = await http.get(f"/admin/follow-ups/{rows_[0]['id']}")
        assert one["survivor_id"] == zoe

    async def test_plans_the_next_one_for_who_goes_on(
        self, http: Desk, reception: Reception, three: tuple[UUID, UUID, UUID]
    ) -> None:
        _, _, zoe = three
        path = await self.path(reception, "Ring Tom")
        await done(
            http,
            f"{path}/complete",
            outcome="left_message",
            next_due_at="2026-03-04T09:00",
            next_owner_id=str(OPERATOR.id),
            next_id=str(new_id()),
            next_note="Ring again",
            seen=seen_on(await page(http, path)),
        )
        (planned,) = await rows(reception.database, "SELECT lead_id FROM follow_ups WHERE note = 'Ring again'")
        assert planned["lead_id"] == zoe

    async def test_is_its_own_leads_again_once_that_was_taken_apart(
        self, http: Desk, reception: Reception, three: tuple[UUID, UUID, UUID]
    ) -> None:
        tom, mia, zoe = three
        await unmerge(reception.database, mia)
        assert await named(http, f"{ROOM}?state=open") == ["Tom Reid, merged into Mia Chen", "Mia Chen", "Zoe Ng"]
        await unmerge(reception.database, tom)
        assert await named(http, f"{ROOM}?state=open") == ["Tom Reid", "Mia Chen", "Zoe Ng"]
        assert len(await named(http, f"{ROOM}?lead_id={zoe}")) == 1

    async def path(self, reception: Reception, note: str) -> str:
        (row,) = await rows(reception.database, "SELECT id FROM follow_ups WHERE note = :note", note=note)
        return f"{ROOM}/{row['id']}"
