"""The tables hold what no command may break: shares, caps, decisions, one open item."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from chassis.columns import Word
from services.routing.domain.states import AssignmentStatus
from tests.routing.arrangements import FREMANTLE, SHARED, Floor, lead


async def run(floor: Floor, sql: str, **values: object) -> None:
    async with floor.database.transaction() as session:
        await session.execute(text(sql), values)


COPY = """
    INSERT INTO assignments (id, version, lead_id, installer_id, decision_id, selected_path, share_no, status,
                             cap_state, created_at, sent_at)
    SELECT gen_random_uuid(), 1, lead_id, :installer_id, decision_id, selected_path, :share_no, 'pending', 'reserved',
           created_at, NULL
    FROM assignments LIMIT 1
"""


class TestAssignments:
    async def test_one_installer_has_a_lead_once(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead(SHARED))
        with pytest.raises(IntegrityError, match="uq_assignments_live"):
            await run(floor, COPY, installer_id=installer_id, share_no=2)

    async def test_a_share_is_held_once(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead(SHARED))
        with pytest.raises(IntegrityError, match="uq_assignments_share"):
            await run(floor, COPY, installer_id=await floor.installer(), share_no=1)

    @pytest.mark.parametrize("share_no", [0, 4])
    async def test_a_shared_lead_has_three_shares(self, floor: Floor, share_no: int) -> None:
        await floor.installer()
        await floor.dispatch(lead(SHARED))
        with pytest.raises(IntegrityError, match="ck_assignments_shares"):
            await run(floor, COPY, installer_id=await floor.installer(), share_no=share_no)

    async def test_an_exclusive_lead_has_one_share(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        with pytest.raises(IntegrityError, match="ck_assignments_shares"):
            await run(floor, COPY, installer_id=await floor.installer(), share_no=2)

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ("status = 'sent', sent_at = now()", "cap_follows_status"),
            ("status = 'sent', cap_state = 'counted'", "ck_assignments_sent"),
            ("status = 'failed', cap_state = 'given_back'", "ck_assignments_ended"),
            ("cap_state = 'released'", "cap_follows_status"),
            ("status = 'lost'", "ck_assignments"),
        ],
    )
    async def test_status_and_cap_go_together(self, floor: Floor, change: str, constraint: str) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        with pytest.raises(IntegrityError, match=constraint):
            await run(floor, f"UPDATE assignments SET {change}")


class TestCapWindows:
    async def test_counts_do_not_fall_below_nothing(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        with pytest.raises(IntegrityError, match="ck_cap_windows_counts"):
            await run(floor, "UPDATE cap_windows SET reserved = reserved - 2")


class TestDecisions:
    @pytest.mark.parametrize("sql", ["UPDATE decisions SET summary = 'nicer'", "DELETE FROM decisions"])
    async def test_are_written_once(self, floor: Floor, sql: str) -> None:
        await floor.dispatch(lead())
        with pytest.raises(DBAPIError, match="permission denied"):
            await run(floor, sql)

    async def test_a_shortfall_has_its_reason(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        with pytest.raises(IntegrityError, match="shortfall_has_its_reason"):
            await run(
                floor,
                """INSERT INTO decisions (id, lead_id, attempt_no, trigger, rule_set_version, wanted_count,
                                          chosen_count, summary, candidates, decided_at, latency_ms)
                   VALUES (gen_random_uuid(), :lead_id, 2, 'auto', '1', 1, 0, '', '[]', now(), 0)""",
                lead_id=arrived.lead_id,
            )


class TestDispatchExceptions:
    async def test_one_is_open_for_a_lead_and_reason(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        with pytest.raises(IntegrityError, match="uq_dispatch_exceptions_open"):
            await run(
                floor,
                """INSERT INTO dispatch_exceptions (id, lead_id, reason, detail, raised_at, last_raised_at)
                   SELECT gen_random_uuid(), lead_id, reason, detail, now(), now() FROM dispatch_exceptions""",
            )


class TestTerritories:
    @pytest.mark.parametrize("postcodes", ["[-1,10)", "[9000,10001)"])
    async def test_ranges_stay_within_four_digits(self, floor: Floor, postcodes: str) -> None:
        installer_id: UUID = await floor.installer()
        sql = "INSERT INTO territory_ranges (installer_id, postcodes) VALUES (:id, CAST(:range AS int4range))"
        with pytest.raises(DBAPIError, match="ck_territory_ranges_postcodes"):
            await run(floor, sql.replace(":range", f"'{postcodes}'"), id=installer_id)


class TestWord:
    def test_refuses_a_word_that_its_enum_lacks(self) -> None:
        with pytest.raises(ValueError, match="lost"):
            Word(AssignmentStatus).process_bind_param("lost", None)  # type: ignore[arg-type]
