"""The simulator's room and the answers' page: asked by a form, followed, and read in full."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.identity import Role
from services.routing.commands.simulations import claim, finish
from services.routing.domain.windows import Limits
from services.routing.queries import simulations as queries
from services.routing.queries.simulations import request_of
from services.routing.simulating import lines
from services.routing.simulations import _row
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import Floor, lead, leads
from tests.routing.desk import Desk, faults


@pytest.fixture
def signed_in(desk: Desk, identity: TestIdentity) -> httpx.AsyncClient:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    return desk.client


async def run(floor: Floor) -> None:
    """As the worker does, in this process."""
    async with floor.database.transaction() as session:
        held = await claim(session, 2, floor.clock.now())
        assert held is not None
        *told, last = list(lines(await request_of(session, held.draft, held.asked_at)))
        moved = [_row(line["moved"]) for line in told if "moved" in line]
        await finish(session, held.id, held.tries, last["totals"], moved, floor.clock.now())


async def name_of(floor: Floor, installer_id: UUID) -> str:
    [row] = await floor.rows("SELECT name FROM installers WHERE id = :id", id=installer_id)
    return str(row["name"])


async def page(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


class TestSimulator:
    async def test_takes_a_draft_from_its_form_and_tells_what_came_of_it(
        self, signed_in: httpx.AsyncClient, floor: Floor
    ) -> None:
        await floor.installer(Limits(day=4), name="Capped Solar")
        await floor.installer(name="One Solar")
        await floor.dispatch(*leads(10))
        assert "New simulation" in await page(signed_in, "/console/simulations")
        assert "Rules that do not matter" in await page(signed_in, "/console/simulations/new")
        id_ = new_id()
        fields: dict[str, Any] = {
            "csrf": CSRF,
            "id": str(id_),
            "days": "7",
            "caps_percent": "50",
            "ignore_rules": ["hours", "credit_hold"],
            "same_person_days": "0",
            "installer": ["capped  solar", ""],
            "day": ["1", ""],
        }
        answer = await signed_in.post("/console/simulations", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/console/simulations/{id_}")
        assert "leads are decided" in await page(signed_in, f"/console/simulations/{id_}")
        await run(floor)
        told = await page(signed_in, f"/console/simulations/{id_}")
        assert "With the draft 3 leads of 10 would have gone elsewhere" in told
        assert "Capped Solar" in told
        assert "50 %" in told
        assert "1 a day, No cap a week, No cap a month" in told
        assert "Times that a cap kept a lead from an installer" in told
        assert "Share as it is" in told
        moved = await page(signed_in, f"/console/simulated-leads?simulation_id={id_}")
        assert moved.count("Capped Solar") == 3
        assert "Entitled with the draft" in moved
        assert moved.count("50.0 %") + moved.count("100.0 %") >= 6
        [row] = await floor.rows("SELECT draft FROM simulations")
        assert row["draft"]["ordering"] == {"same_person_days": 0}

    async def test_drafts_all_of_each_installers_own(
        self, signed_in: httpx.AsyncClient, floor: Floor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "MOST_LEADS", 2)
        one, other, third = await floor.installers(3)
        await floor.dispatch(*leads(3))
        id_ = new_id()
        fields = {
            "csrf": CSRF,
            "id": str(id_),
            "days": "7",
            "installer": [str(one), "", await name_of(floor, other)],
            "status": ["paused", "", ""],
            "day": ["", "", "none"],
            "week": ["", "", "0"],
            "weight": ["none", "", "7"],
            "services": ["", "", "solar-battery, roofing"],
            "hours": ["always", "", "Mon-Tue 7:00-18:00; Sat 8-12"],
            "territory": ["", "", "WA, 2000-2234"],
        }
        answer = await signed_in.post("/console/simulations", data=fields)
        assert answer.status_code == 303
        await run(floor)
        [row] = await floor.rows("SELECT draft, totals FROM simulations")
        assert row["draft"]["installers"] == {
            str(one): {"status": "paused", "hours": None, "share_weight": None},
            str(other): {
                "caps": {"day": None, "week": 0, "month": None},
                "hours": [[0, 420, 1080], [1, 420, 1080], [5, 480, 720]],
                "share_weight": 7,
                "services": ["solar-battery", "roofing"],
                "territory": {"states": ["WA"], "ranges": [{"first": "2000", "last": "2234"}], "postcodes": []},
            },
        }
        assert {id_ for id_, told in row["totals"]["after"]["installers"].items() if told["leads"]} == {str(third)}
        told = await page(signed_in, f"/console/simulations/{id_}")
        assert "The oldest 1 lead of the days was left off." in told
        for words in ("Always", "Its capacity", "Mon-Tue 7:00-18:00; Sat 8:00-12:00", "WA, 2000-2234"):
            assert words in told

    async def test_names_what_of_a_row_cannot_be(self, signed_in: httpx.AsyncClient, floor: Floor) -> None:
        await floor.installer(name="Twin Solar")
        await floor.installer(name="Twin Solar")
        await floor.installer(name="One Solar")
        fields = {
            "csrf": CSRF,
            "id": str(new_id()),
            "days": "7",
            "installer": ["Nobody Solar", "Twin Solar", "One Solar", "one solar", ""],
            "day": ["", "", "few", "", "1"],
            "hours": ["", "", "whenever", "", ""],
        }
        answer = await signed_in.post("/console/simulations", data=fields, headers={"accept": "application/json"})
        assert answer.status_code == 422
        assert faults(answer) == {
            "installer.0": "no_such_installer",
            "installer.1": "installer_ambiguous",
            "day.2": "int_parsing",
            "hours.2": "hours_unreadable",
            "installer.4": "no_such_installer",
        }
        twice = {**fields, "installer": ["One Solar", "one solar"], "day": ["1", "2"], "hours": ""}
        again = await signed_in.post("/console/simulations", data=twice, headers={"accept": "application/json"})
        assert faults(again) == {"installer.1": "installer_twice"}
        assert await floor.rows("SELECT id FROM simulations") == []

    async def test_gives_a_row_more_and_keeps_what_was_written(
        self, signed_in: httpx.AsyncClient, floor: Floor
    ) -> None:
        await floor.installer(name="One Solar")
        first = await page(signed_in, "/console/simulations/new")
        assert 'value="One Solar"' in first
        assert "Installer of row 2" not in first
        fields = {
            "csrf": CSRF,
            "id": str(new_id()),
            "days": "x",
            "installer": "One",
            "hours": "whenever",
            "more": "true",
        }
        answer = await signed_in.post("/console/simulations/new", data=fields)
        assert answer.status_code == 200
        for kept in ('value="x"', 'value="One"', 'value="whenever"', "Installer of row 2", fields["id"]):
            assert kept in answer.text
        assert "Installer of row 3" not in answer.text

    async def test_cancels_what_runs(self, signed_in: httpx.AsyncClient, floor: Floor) -> None:
        id_ = new_id()
        await signed_in.post("/console/simulations", data={"csrf": CSRF, "id": str(id_), "days": "7"})
        answer = await signed_in.post(f"/console/simulations/{id_}/cancel", data={"csrf": CSRF})
        assert answer.headers["location"] == f"/console/simulations/{id_}?done=cancel"
        told = await page(signed_in, f"/console/simulations/{id_}?done=cancel")
        assert "It was cancelled, and nothing that it found was kept." in told
        assert await floor.audited() == ["ask_simulation", "cancel_simulation"]


class TestAnswers:
    async def test_are_asked_for_on_the_installers_page_and_can_be_copied(
        self, signed_in: httpx.AsyncClient, floor: Floor
    ) -> None:
        mine = await floor.installer(Limits(day=0), name="Mine")
        await floor.installer(name="Rival Solar")
        await floor.dispatch(arrived := lead())
        assert "Answer on the lead" in await page(signed_in, f"/console/installers/{mine}")
        answered = await page(signed_in, f"/console/installers/{mine}/answer?lead_id={arrived.lead_id}")
        assert "Your cap of the day was full: 0 of 0." in answered
        assert "Rival Solar" not in answered
        of_a_time = await page(signed_in, f"/console/installers/{mine}/answer?from=2026-03-01&to=2026-03-03")
        assert "Of 1 lead in your area you met every condition for 0" in of_a_time


class TestReplay:
    async def test_is_a_button_and_says_what_came_of_it(self, signed_in: httpx.AsyncClient, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        shown = await page(signed_in, f"/console/dispatches/{arrived.lead_id}")
        assert 'name="replay" value="1"' in shown
        [decision_id] = [row["id"] for row in await floor.rows("SELECT id FROM decisions")]
        assert f'id="decision-{decision_id}"' in shown
        replayed = await page(signed_in, f"/console/dispatches/{arrived.lead_id}?replay=1")
        assert "Replayed: the same to the last sign" in replayed
