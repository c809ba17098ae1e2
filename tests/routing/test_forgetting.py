"""An erased person at routing: nothing of them in any table, whichever of the two events comes first."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.ids import new_id
from contracts.intake import LeadErased
from services.routing.commands.exceptions import ResolveException, resolve_exception
from services.routing.commands.forgetting import KEPT
from services.routing.consumers.keys import of_lead_keys
from services.routing.consumers.leads import of_leads
from tests.kit.forgetting import undeclared
from tests.kit.records import incoming
from tests.kit.sealed import key_created, key_destroyed, sealed
from tests.routing.arrangements import MIA, NOW, ROBIN, Floor, lead

SAID = (MIA.name, MIA.email, "412345678", MIA.street)


async def take(floor: Floor, event: Any, version: int = 1) -> None:
    handlers: Any = {**of_lead_keys().handlers, **of_leads(floor.clock).handlers}
    async with floor.database.transaction() as session:
        await handlers[type(event)](session, [incoming(event, version)])


def erased(lead_id: UUID) -> LeadErased:
    return LeadErased(lead_id=lead_id, erasure_id=new_id(), erased_at=NOW)


async def everywhere(floor: Floor) -> str:
    """All that stands in any table but what waits to be relayed."""
    tables = await floor.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    told = ""
    for table in (each["tablename"] for each in tables if not each["tablename"].startswith("outbox")):
        for each in await floor.rows(f"SELECT to_jsonb(t)::text AS told FROM {table} t"):
            told += each["told"]
    return told


async def talked_about(floor: Floor, *, is_sealed: bool) -> UUID:
    """A lead that nobody takes, about which an operator wrote, and which they looked for."""
    arrived = lead()
    if is_sealed:
        arrived = lead(lead_id=arrived.lead_id, contact=None, sealed_contact=sealed(MIA, arrived.lead_id))
        await take(floor, key_created(arrived.lead_id))
    await floor.dispatch(arrived)
    [item] = await floor.rows("SELECT id FROM dispatch_exceptions")
    async with floor.database.transaction() as session:
        await resolve_exception(session, ResolveException(item["id"], f"{MIA.name} has found one", ROBIN), NOW)
        await session.execute(
            text(
                "INSERT INTO saved_views (id, list, name, query, owner_id, owner_name, is_shared, created_at) "
                "VALUES (:id, 'exceptions', 'Mia', 'q=O%27Brien', :id, 'Robin', false, now())"
            ),
            {"id": new_id()},
        )
    return arrived.lead_id


class TestForgetting:
    @pytest.mark.parametrize("is_sealed", [True, False])
    @pytest.mark.parametrize("is_key_first", [True, False])
    async def test_leaves_nothing_of_the_person_whichever_event_comes_first(
        self, floor: Floor, is_sealed: bool, is_key_first: bool
    ) -> None:
        lead_id = await talked_about(floor, is_sealed=is_sealed)
        assert MIA.name in await everywhere(floor)
        events = [(key_destroyed(lead_id), 2), (erased(lead_id), 3)]
        for event, version in events if is_key_first else reversed(events):
            await take(floor, event, version)
        assert not [word for word in (*SAID, "O'Brien") if word in await everywhere(floor)]
        [kept] = await floor.rows("SELECT key, version FROM lead_keys")
        assert (kept["key"], kept["version"]) == (None, 2)
        [dispatch] = await floor.rows("SELECT suburb, postcode, service FROM dispatches")
        assert dispatch["postcode"] == "2204"

    async def test_takes_an_operators_words_from_decisions_and_nothing_else_of_them(self, floor: Floor) -> None:
        lead_id = await talked_about(floor, is_sealed=True)
        [before] = await floor.rows("SELECT * FROM decisions")
        await take(floor, erased(lead_id))
        [after] = await floor.rows("SELECT * FROM decisions")
        assert after == before
        with pytest.raises(DBAPIError, match=r"written once|permission denied"):
            async with floor.database.transaction() as session:
                await session.execute(text("UPDATE decisions SET summary = 'otherwise'"))

    async def test_of_a_lead_that_never_came_is_nothing(self, floor: Floor) -> None:
        await take(floor, erased(new_id()))
        await take(floor, key_destroyed(new_id()))


class TestTheList:
    async def test_of_what_is_forgotten_is_whole(self, floor: Floor) -> None:
        """A column that can hold text is blanked by an erasure, or it is told why it names nobody."""
        found = await undeclared(floor.database, KEPT, roots=("dispatches",))
        assert found == {"not on the list": [], "not there": [], "twice": []}
