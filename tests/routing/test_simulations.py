"""Simulations over a real database: run in a child, written in one go, taken over from who is gone."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.billing import DeliveryRecorded
from contracts.identity import Role
from contracts.values import GstTreatment, ProductType
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.simulations import AskSimulation, ask_simulation, cancel_simulation, claim, finish, renew
from services.routing.domain.states import SimulationState
from services.routing.domain.windows import Limits
from services.routing.errors import SimulationExists, SimulationNotRunning
from services.routing.models import Simulation
from services.routing.simulations import Simulator
from tests.routing.arrangements import NOW, ROBIN, Floor, committing, lead, leads
from tests.routing.desk import Desk, code_of, faults
from tests.routing.feed import Feed, record


@pytest.fixture
async def real(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Floor]:
    async with committing(fresh_database("routing"), clock) as floor:
        yield floor


async def asked(floor: Floor, **draft: Any) -> UUID:
    id_ = new_id()
    async with floor.database.transaction() as session:
        await ask_simulation(session, AskSimulation(id_, {"days": 30, **draft}, ROBIN), floor.clock.now())
    return id_


async def simulation(floor: Floor, id_: UUID) -> Simulation:
    async with floor.database.reading() as session:
        return await session.get_one(Simulation, id_)


async def rows(floor: Floor, id_: UUID) -> list[dict[str, Any]]:
    return await floor.rows("SELECT * FROM simulation_rows WHERE simulation_id = :id", id=id_)


async def busy(floor: Floor) -> tuple[UUID, UUID]:
    """Two installers and ten leads that both may have, one of them up to four."""
    one, capped = await floor.installer(name="One"), await floor.installer(Limits(day=4), name="Capped")
    await floor.dispatch(*leads(10))
    floor.clock.advance(timedelta(hours=1))
    return one, capped


class TestARun:
    async def test_tells_what_the_draft_would_have_moved(self, real: Floor) -> None:
        one, capped = await busy(real)
        id_ = await asked(real, installers={str(capped): {"status": "paused"}})
        assert await Simulator(real.database, real.clock, 2).step()
        done = await simulation(real, id_)
        assert (done.state, done.progress, done.leads, done.tries) == (SimulationState.FINISHED, 10, 10, 1)
        assert done.totals is not None
        assert done.totals["as_happened"] == {"same": 10, "of": 10}
        assert done.totals["after"]["installers"][str(one)]["leads"] == 10
        moved = await rows(real, id_)
        assert len(moved) == done.totals["moved"] == 4
        assert all((row["before"], row["after"]) == ([capped], [one]) for row in moved)

    async def test_without_work_there_is_none(self, floor: Floor) -> None:
        assert not await Simulator(floor.database, floor.clock, 2).step()

    async def test_names_no_person(self, real: Floor) -> None:
        await busy(real)
        id_ = await asked(real, everyone={"caps_percent": 50})
        await Simulator(real.database, real.clock, 2).step()
        kept = str((await simulation(real, id_)).totals) + str(await rows(real, id_))
        assert not any(word in kept for word in ("Mia", "O'Brien", "+61412345678", "Cadogan"))


class TestWhoeverRunsIt:
    async def test_is_one_at_a_time(self, floor: Floor) -> None:
        id_ = await asked(floor)
        async with floor.database.transaction() as session:
            held = await claim(session, 2, NOW)
            assert held is not None
            assert (held.id, held.state) == (id_, SimulationState.RUNNING)
        async with floor.database.transaction() as session:
            assert await claim(session, 2, NOW) is None

    async def test_is_followed_by_another_once_its_lease_is_over_and_writes_nothing_then(self, floor: Floor) -> None:
        id_ = await asked(floor)
        async with floor.database.transaction() as session:
            await claim(session, 2, NOW)
        await floor.rows_changed("UPDATE simulations SET lease_until = now() - interval '1 second'")
        async with floor.database.transaction() as session:
            again = await claim(session, 2, NOW)
            assert again is not None
            assert again.tries == 2
        async with floor.database.transaction() as session:
            assert not await renew(session, id_, 1, 5, 10)
            await finish(session, id_, 1, {"leads": 10}, [_row()], NOW)
        assert (await simulation(floor, id_)).state is SimulationState.RUNNING
        assert await rows(floor, id_) == []

    async def test_is_given_up_on_after_so_many_tries(self, floor: Floor) -> None:
        id_ = await asked(floor)
        async with floor.database.transaction() as session:
            await claim(session, 1, NOW)
        await floor.rows_changed("UPDATE simulations SET lease_until = now() - interval '1 second'")
        assert await Simulator(floor.database, floor.clock, 1).step()
        ended = await simulation(floor, id_)
        assert (ended.state, ended.fault) == (SimulationState.FAILED, "begun 1 times and never finished")

    async def test_sees_that_it_was_cancelled(self, floor: Floor) -> None:
        id_ = await asked(floor)
        async with floor.database.transaction() as session:
            await claim(session, 2, NOW)
            await cancel_simulation(session, id_, ROBIN, NOW)
        async with floor.database.transaction() as session:
            assert not await renew(session, id_, 1, 5, 10)
            await finish(session, id_, 1, {"leads": 10}, [_row()], NOW)
        assert (await simulation(floor, id_)).state is SimulationState.CANCELLED
        assert await rows(floor, id_) == []
        async with floor.database.transaction() as session:
            await cancel_simulation(session, id_, ROBIN, NOW)
        assert await floor.audited() == ["ask_simulation", "cancel_simulation"]

    async def test_cannot_be_cancelled_once_it_is_finished(self, real: Floor) -> None:
        id_ = await asked(real)
        await Simulator(real.database, real.clock, 2).step()
        async with real.database.transaction() as session:
            with pytest.raises(SimulationNotRunning):
                await cancel_simulation(session, id_, ROBIN, NOW)

    async def test_killed_in_the_middle_leaves_nothing_and_the_next_one_all(self, real: Floor) -> None:
        """A process that has claimed it and is killed as it runs; its lease is let run out by hand."""
        _, capped = await busy(real)
        id_ = await asked(real, installers={str(capped): {"status": "paused"}})
        url = real.database.engine.url.render_as_string(hide_password=False)
        killed = await asyncio.to_thread(_worker, url)
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"runs\n"
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        killed.stdout.close()
        held = await simulation(real, id_)
        assert (held.state, await rows(real, id_)) == (SimulationState.RUNNING, [])
        assert not await Simulator(real.database, real.clock, 2).step()
        await real.rows_changed("UPDATE simulations SET lease_until = now() - interval '1 second'")
        assert await Simulator(real.database, real.clock, 2).step()
        done = await simulation(real, id_)
        assert (done.state, done.tries, len(await rows(real, id_))) == (SimulationState.FINISHED, 2, 4)


def _worker(url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", _WORKER, url], stdout=subprocess.PIPE)


_WORKER = """
import asyncio, sys
from chassis.clock import SystemClock
from chassis.database import Database, create_engine
from services.routing import simulations

async def follow(self, *_):
    print("runs", flush=True)
    await asyncio.Event().wait()

simulations.Simulator._follow = follow
database = Database(create_engine(sys.argv[1]), "/waybill/routing")
asyncio.run(simulations.Simulator(database, SystemClock(), 2).step())
"""


def _row() -> dict[str, Any]:
    return {
        "lead_id": new_id(),
        "service": "solar-battery",
        "place": "2204 NSW",
        "received_at": NOW,
        "before": [],
        "after": [],
        "before_cents": 0,
        "after_cents": 0,
        "unpriced": 0,
    }


class TestAsking:
    async def test_twice_asks_once_and_otherwise_is_refused(self, floor: Floor) -> None:
        command = AskSimulation(new_id(), {"days": 30}, ROBIN)
        async with floor.database.transaction() as session:
            first = await ask_simulation(session, command, NOW)
            assert await ask_simulation(session, command, NOW) is first
            with pytest.raises(SimulationExists):
                await ask_simulation(session, AskSimulation(command.simulation_id, {"days": 7}, ROBIN), NOW)


class TestOverHttp:
    async def test_is_asked_for_told_and_cancelled(self, desk: Desk, floor: Floor) -> None:
        installer = await floor.installer()
        body = {
            "id": str(new_id()),
            "days": 7,
            "ordering": {"most_owed_leads": 5},
            "ignore_rules": ["hours"],
            "installers": {str(installer): {"caps": {"month": 5}, "hours": [[0, 420, 1020]]}},
        }
        told = await desk.do("POST", "/admin/simulations", body)
        assert (told["state"], told["available_actions"]) == ("asked", ["cancel"])
        assert told["draft"] == {name: value for name, value in body.items() if name != "id"}
        assert [each["id"] for each in await desk.items("/admin/simulations")] == [body["id"]]
        cancelled = await desk.do("POST", f"/admin/simulations/{body['id']}/cancel")
        assert (cancelled["state"], cancelled["available_actions"]) == ("cancelled", [])

    async def test_shows_the_leads_that_move(self, desk: Desk, floor: Floor) -> None:
        id_ = await asked(floor)
        async with floor.database.transaction() as session:
            await claim(session, 2, NOW)
            await finish(session, id_, 1, {"leads": 1}, [_row()], NOW)
        [moved] = await desk.items(f"/admin/simulations/{id_}/leads")
        assert (moved["place"], moved["before"]) == ("2204 NSW", [])

    async def test_refuses_what_makes_no_sense(self, desk: Desk) -> None:
        body = {"id": str(new_id()), "installers": {str(new_id()): {"hours": [[0, 60, 60]]}}}
        answer = await desk.ask("POST", "/admin/simulations", body)
        assert answer.status_code == 422
        by_territory = await desk.ask(
            "POST", "/admin/simulations", {"id": str(new_id()), "ignore_rules": ["territory"]}
        )
        assert faults(by_territory) == {"ignore_rules.0": "rule_not_ignorable"}
        unknown = await desk.ask("GET", f"/admin/simulations/{new_id()}")
        assert (unknown.status_code, code_of(unknown)) == (404, "no_such_simulation")
        assert (await desk.ask("POST", "/admin/simulations", {"id": str(new_id())}, Role.EDITOR)).status_code == 201


class TestPrices:
    async def test_are_kept_as_billing_last_told_and_make_the_revenue(self, real: Floor) -> None:
        installer = await real.installer()
        feed = Feed(real)
        for cents, days in ((5_000, 1), (4_000, 0)):
            await feed.take(record(recorded(installer, cents, days)))
        [price] = await real.rows("SELECT * FROM known_prices")
        assert (price["unit_price_cents"], price["product_type"]) == (5_000, "exclusive")
        await real.dispatch(lead())
        id_ = await asked(real)
        await Simulator(real.database, real.clock, 2).step()
        totals = (await simulation(real, id_)).totals
        assert totals is not None
        assert (totals["before"]["revenue_cents"], totals["before"]["unpriced"]) == (5_000, 0)


def recorded(installer_id: UUID, cents: int, days: int) -> DeliveryRecorded:
    return DeliveryRecorded(
        assignment_id=new_id(),
        delivery_event_id=new_id(),
        lead_id=new_id(),
        installer_id=installer_id,
        product_type=ProductType.EXCLUSIVE,
        unit_price_cents=cents,
        currency="AUD",
        gst_treatment=GstTreatment.TAXABLE,
        delivered_at=NOW + timedelta(days=days),
    )
