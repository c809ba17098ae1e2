"""Any decision that was kept is made again and is the same, whatever has become of the installers since."""

import json
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from chassis.ids import new_id
from services.routing.commands.installers import change_particulars, set_caps, set_territory
from services.routing.domain.profile import Territory
from services.routing.domain.states import AbsenceKind
from services.routing.domain.windows import Limits
from services.routing.errors import InputsNotKept, NoSuchDecision
from services.routing.models import Decision
from services.routing.proving import count_mismatches, prove_decisions
from services.routing.queries.replays import replay_of
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, SHARED, Floor, lead, leads, postcode_range
from tests.routing.desk import Desk, code_of


async def busy(floor: Floor) -> list[UUID]:
    """Leads of every outcome, in batches that see each other, over installers of every state."""
    one, two, three = await floor.installers(3, Limits(day=4, month=20))
    await floor.installer(territory=postcode_range("2000", "2234"), name="Söhne & Töchter", time_zone="Australia/Perth")
    await floor.changed(one, hours=[[1, 0, 1440]], share_weight=7)
    await floor.absence(two, NOW, NOW + timedelta(days=1), AbsenceKind.HOLIDAY)
    await floor.account(three, credit_hold=True)
    first = [*leads(3), lead(SHARED), lead(location=FREMANTLE)]
    await floor.dispatch(*first)
    floor.clock.advance(timedelta(hours=30))
    second = [lead(SHARED), *leads(4), lead(same_person_lead_ids=(first[0].lead_id,))]
    await floor.dispatch(*second)
    return [each.lead_id for each in (*first, *second)]


async def kept_otherwise(floor: Floor, lead_id: UUID, **otherwise: str) -> UUID:
    """A second attempt, kept as the first was but for what SQL says of it: what is kept is written once."""
    id_ = new_id()
    told = {"id": f"'{id_}'", "attempt_no": "2", **otherwise}
    columns = [column.name for column in Decision.__table__.columns]
    values = ", ".join(told.get(name, name) for name in columns)
    into = f"INSERT INTO decisions ({', '.join(columns)})"
    await floor.rows_changed(f"{into} SELECT {values} FROM decisions WHERE lead_id = :id", id=lead_id)
    return id_


def rewritten(old: str, new: str) -> str:
    """SQL, whose colons would be parameters."""
    return f"replace(candidates::text, '{old}', '{new}')".replace('":', r'"\:') + "::json"


FORGOTTEN = {
    **dict.fromkeys(("inputs", "candidate_ids", "outcomes", "entitled_ppm"), "NULL"),
    "rule_set_version": "'2'",
}


class TestReplay:
    async def test_of_every_decision_is_the_same_to_the_last_sign(self, floor: Floor) -> None:
        for lead_id in await busy(floor):
            async with floor.database.reading() as session:
                replay = await replay_of(session, lead_id, 1)
            assert replay.first_difference is None
            assert (replay.is_identical, replay.rule_set) == (True, "4")

    async def test_is_by_the_installers_as_they_were(self, floor: Floor) -> None:
        installer = await floor.installer(Limits(month=5))
        await floor.dispatch(arrived := lead())
        async with floor.database.transaction() as session:
            await change_particulars(session, installer, {"name": "New Name", "services": ("roofing",)}, ROBIN, NOW)
            await set_caps(session, installer, Limits(month=0), ROBIN, NOW)
            await set_territory(session, installer, Territory(), ROBIN, NOW)
        async with floor.database.reading() as session:
            assert (await replay_of(session, arrived.lead_id, 1)).is_identical

    async def test_shows_where_a_record_was_tampered_with(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(arrived := lead())
        changed = rewritten('"is_chosen":false', '"is_chosen":true')
        await kept_otherwise(floor, arrived.lead_id, candidates=changed)
        async with floor.database.reading() as session:
            replay = await replay_of(session, arrived.lead_id, 2)
        assert replay.first_difference is not None
        assert '"is_chosen":false' in replay.first_difference

    async def test_names_an_attempt_that_was_not(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        async with floor.database.reading() as session:
            with pytest.raises(NoSuchDecision):
                await replay_of(session, arrived.lead_id, 2)

    async def test_says_that_the_inputs_were_not_kept_then(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await kept_otherwise(floor, arrived.lead_id, **FORGOTTEN)
        async with floor.database.reading() as session:
            with pytest.raises(InputsNotKept):
                await replay_of(session, arrived.lead_id, 2)


class TestInputsAsKept:
    async def test_name_no_person_and_no_installer(self, floor: Floor) -> None:
        await busy(floor)
        [row] = await floor.rows("SELECT string_agg(inputs::text, ' ') AS inputs FROM decisions")
        for name in ("Mia", "O'Brien", "0412345678", "Cadogan", "Söhne", "@", "Installer 0"):
            assert name not in row["inputs"]

    async def test_are_small_beside_the_record(self, floor: Floor) -> None:
        await floor.installers(20)
        await floor.dispatch(arrived := lead())
        [row] = await floor.rows(
            "SELECT length(inputs::text) AS inputs, length(candidates::text) AS record FROM decisions "
            "WHERE lead_id = :id",
            id=arrived.lead_id,
        )
        assert row["inputs"] * 8 < row["record"]


class TestOverHttp:
    async def test_says_that_it_is_identical(self, floor: Floor, desk: Desk) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        told = await desk.get(f"/admin/leads/{arrived.lead_id}/decisions/1/replay")
        assert told == {"is_identical": True, "rule_set": "4", "first_difference": None}

    async def test_refuses_what_was_made_before_inputs_were_kept(self, floor: Floor, desk: Desk) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await kept_otherwise(floor, arrived.lead_id, **FORGOTTEN)
        answer = await desk.ask("GET", f"/admin/leads/{arrived.lead_id}/decisions/2/replay")
        assert (answer.status_code, code_of(answer)) == (409, "decision_inputs_not_kept")


class TestProof:
    async def test_finds_nothing_where_all_is_well(self, floor: Floor) -> None:
        made = await busy(floor)
        assert len(made) > 10
        assert await count_mismatches(floor.database, floor.clock.now() + timedelta(minutes=1)) == 0

    async def test_counts_and_names_what_comes_out_otherwise(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead(), lead())
        differing = await kept_otherwise(floor, arrived.lead_id, candidates=rewritten('"rank":1', '"rank":2'))
        job = prove_decisions(floor.database, ZoneInfo("Australia/Sydney"))
        with capture_logs() as logs:
            await job.run(floor.clock.now() + timedelta(minutes=1))
        assert REGISTRY.get_sample_value("waybill_decision_replay_mismatches") == 1
        assert [entry["decision_id"] for entry in logs] == [str(differing)]
        assert json.dumps(logs).find("Southern") == -1

    async def test_looks_at_the_last_day_alone(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await kept_otherwise(floor, arrived.lead_id, candidates=rewritten('"rank":1', '"rank":2'))
        assert await count_mismatches(floor.database, floor.clock.now() + timedelta(days=2)) == 0
