"""Simulations over a real database: run in a child, written in one go, taken over from who is gone."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.billing import DeliveryRecorded
from contracts.identity import Role
from contracts.values import GstTreatment, ProductType
from deploy.local.postgres import ServiceDatabase
from services.routing import simulations
from services.routing.commands.simulations import AskSimulation, ask_simulation, cancel_simulation, claim, finish, renew
from services.routing.domain.states import SimulationState
from services.routing.domain.windows import Limits
from services.routing.errors import SimulationExists, SimulationNotRunning
from services.routing.models import Dispatch, Simulation
from services.routing.queries import simulations as queries
from services.routing.simulations import Simulator
from tests.kit.eventually import eventually
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

    async def test_says_how_many_leads_it_left_off(self, floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
        await busy(floor)
        monkeypatch.setattr(queries, "MOST_LEADS", 4)
        async with floor.database.reading() as session:
            request = await queries.request_of(session, {"days": 30}, floor.clock.now())
        assert (len(request["world"]["arrivals"]), request["left_off"]) == (4, 6)

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


class TestKilled:
    """While leads are being decided: a child that nobody reads any more waits with the pipe full, in their midst."""

    async def test_with_its_child_it_is_taken_up_by_another(self, real: Floor) -> None:
        """The worker that follows it; its lease is let run out by hand."""
        id_ = await long_one(real)
        url = real.database.engine.url.render_as_string(hide_password=False)
        worker = await asyncio.to_thread(_worker, url)
        assert worker.stdout is not None
        child_pid, progress = map(int, worker.stdout.readline().split())
        assert 0 < progress < MANY
        assert is_alive(child_pid)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        await eventually(lambda: _is_over(child_pid))
        held = await simulation(real, id_)
        assert (held.state, held.progress, held.totals) == (SimulationState.RUNNING, progress, None)
        assert await rows(real, id_) == []
        assert not await Simulator(real.database, real.clock, 2).step()
        await real.rows_changed("UPDATE simulations SET lease_until = now() - interval '1 second'")
        assert await Simulator(real.database, real.clock, 2).step()
        await self._finished_whole(real, id_, tries=2)

    async def test_as_a_child_alone_it_is_begun_again_at_once(
        self, real: Floor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        id_ = await long_one(real)
        killing(monkeypatch, times=1)
        simulator = Simulator(real.database, real.clock, 2)
        assert await simulator.step()
        back = await simulation(real, id_)
        assert (back.state, back.tries, back.fault, back.totals) == (SimulationState.ASKED, 1, None, None)
        assert await rows(real, id_) == []
        assert await simulator.step()
        await self._finished_whole(real, id_, tries=2)

    async def test_again_and_again_it_is_given_up_on(self, real: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
        id_ = await long_one(real)
        killing(monkeypatch, times=2)
        simulator = Simulator(real.database, real.clock, 2)
        for _ in range(3):
            assert await simulator.step()
        ended = await simulation(real, id_)
        assert (ended.state, ended.fault) == (SimulationState.FAILED, "begun 2 times and never finished")
        assert await rows(real, id_) == []
        assert not await simulator.step()

    async def test_before_it_has_read_its_leads_it_is_begun_again_too(
        self, real: Floor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        id_ = await long_one(real)

        def dead() -> "subprocess.Popen[bytes]":
            child = subprocess.Popen(simulations.COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            child.kill()
            return child

        monkeypatch.setattr(simulations, "_child", dead)
        assert await Simulator(real.database, real.clock, 2).step()
        assert (await simulation(real, id_)).state is SimulationState.ASKED

    async def _finished_whole(self, floor: Floor, id_: UUID, tries: int) -> None:
        done = await simulation(floor, id_)
        assert (done.state, done.tries, done.progress) == (SimulationState.FINISHED, tries, MANY)
        assert done.totals is not None
        assert len(await rows(floor, id_)) == done.totals["moved"] > 750


MANY = 800


async def long_one(floor: Floor) -> UUID:
    """Of many leads, which all move: the child tells more of them than its pipe holds."""
    one, _ = await busy(floor)
    columns = ", ".join(column.name for column in Dispatch.__table__.columns if column.name != "lead_id")
    await floor.rows_changed(
        f"INSERT INTO dispatches (lead_id, {columns}) SELECT gen_random_uuid(), {columns} "
        f"FROM (SELECT * FROM dispatches LIMIT 1) AS one, generate_series(1, {MANY - 10})"
    )
    return await asked(floor, installers={str(one): {"status": "paused"}})


def killing(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """So many children are killed as soon as they have told how far they are."""
    children: list[subprocess.Popen[bytes]] = []
    begin = simulations._child

    def child() -> "subprocess.Popen[bytes]":
        children.append(begin())
        return children[-1]

    async def sign_of_life(_self: Simulator, _id: UUID, _try_no: int, progress: int, _leads: int) -> None:
        if progress and len(children) <= times:
            children[-1].kill()

    monkeypatch.setattr(simulations, "_child", child)
    monkeypatch.setattr(simulations, "SIGN_OF_LIFE_SECONDS", -1.0)
    monkeypatch.setattr(Simulator, "_sign_of_life", sign_of_life)


def is_alive(pid: int) -> bool:
    """One that is over may still be there for its parent to look at."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return told.rpartition(")")[2].split()[0] not in ("Z", "X")


async def _is_over(pid: int) -> bool:
    return not is_alive(pid)


def _worker(url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", _WORKER, url], stdout=subprocess.PIPE)


_WORKER = """
import asyncio, sys
from chassis.clock import SystemClock
from chassis.database import Database, create_engine
from services.routing import simulations

begin, renew = simulations._child, simulations.Simulator._sign_of_life

def child():
    global pid
    begun = begin()
    pid = begun.pid
    return begun

async def sign_of_life(self, id_, try_no, progress, leads):
    if progress:
        await renew(self, id_, try_no, progress, leads)
        print(pid, progress, flush=True)
        await asyncio.Event().wait()

simulations._child, simulations.SIGN_OF_LIFE_SECONDS = child, -1
simulations.Simulator._sign_of_life = sign_of_life
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
        "before_entitled_ppm": 1_000_000,
        "after_entitled_ppm": 250_000,
        "before_at_cap": 0,
        "after_at_cap": 2,
        "before_cap_percent": None,
        "after_cap_percent": 80,
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
            "ordering": {"most_owed_leads": 5, "same_person_days": 0},
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
        assert (moved["before_entitled_ppm"], moved["after_entitled_ppm"]) == (1_000_000, 250_000)
        assert (moved["before_at_cap"], moved["after_at_cap"]) == (0, 2)
        assert (moved["before_cap_percent"], moved["after_cap_percent"]) == (None, 80)

    async def test_takes_a_null_for_as_it_is_but_where_it_says_something(self, desk: Desk, floor: Floor) -> None:
        installer = str(await floor.installer())
        own = {"caps": None, "status": None, "services": None, "territory": None, "hours": None, "share_weight": None}
        body = {"id": str(new_id()), "everyone": None, "ordering": {"most_owed_leads": None}}
        told = await desk.do("POST", "/admin/simulations", {**body, "installers": {installer: own}})
        always_by_capacity = {installer: {"hours": None, "share_weight": None}}
        assert told["draft"] == {"days": 30, "ordering": {}, "installers": always_by_capacity}

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
