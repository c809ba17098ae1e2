"""Nothing is nobody's past its limit while anybody may own it, and nothing stays with somebody who may not any more."""

from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.identity import OperatorChanged
from services.routing.commands.owning import ClaimException, claim_exception
from services.routing.domain.policies import QueuePolicy
from services.routing.domain.queue import has_fewest
from services.routing.models import DispatchException
from tests.routing.arrangements import FREMANTLE, NOW, Floor, Person, lead
from tests.routing.feed import Feed, record
from tests.routing.test_retries import HOUR, escalated

ALI, KIM, SAM = (Person(UUID(int=number), name) for number, name in ((1, "Ali Moss"), (2, "Kim Park"), (3, "Sam Reed")))


async def waiting(floor: Floor, number: int = 1) -> list[DispatchException]:
    """Leads that nobody serves, whose limit as nobody's is eight hours."""
    await floor.dispatch(*[lead(location=FREMANTLE) for _ in range(number)])
    return list(await floor.exceptions(is_open=True))


async def claimed(floor: Floor, item: DispatchException, by: Person) -> None:
    async with floor.database.transaction() as session:
        await claim_exception(session, ClaimException(item.id, by), floor.clock.now())


async def left(floor: Floor, who: Person, **changes: object) -> None:
    """As identity tells of it."""
    told = {"capabilities": ("read_ops", "write_routing"), "is_active": False, **changes}
    event = OperatorChanged(operator_id=who.id, name=who.name, email="left@waybill.example", **told)
    await Feed(floor).take(record(event, version=2))


async def given_on(floor: Floor) -> list[tuple[str, object, object, str | None]]:
    """What the system gave to somebody, or took away: the deed, the owners before and after, and why."""
    rows = await floor.rows(
        "SELECT action, before->>'owner' AS before, after->>'owner' AS after, reason_code FROM audit_entries "
        "WHERE action IN ('hand_over_exception', 'unassign_exception') AND actor_name = 'system' ORDER BY id"
    )
    return [tuple(row.values()) for row in rows]


class TestHasFewest:
    @pytest.mark.parametrize(
        ("counts", "who"), [({}, None), ({KIM: 2, SAM: 1}, SAM), ({SAM: 1, KIM: 1, ALI: 4}, KIM)], ids=str
    )
    def test_is_whoever_has_least_then_the_first_by_id(self, counts: dict[Person, int], who: Person | None) -> None:
        found = has_fewest({person.id: count for person, count in counts.items()})
        assert found == (None if who is None else who.id)


class TestWithoutANamedOne:
    async def test_what_is_late_is_shared_out_by_how_little_each_has(self, floor: Floor) -> None:
        for person in (ALI, KIM):
            await floor.operator(person)
        await floor.operator(SAM, capabilities=["read_ops"])
        first, *_ = await waiting(floor, 4)
        await claimed(floor, first, ALI)
        floor.clock.advance(8 * HOUR)
        await escalated(floor)
        items = await floor.exceptions(is_open=True)
        assert sorted(item.owner_name or "nobody" for item in items) == ["Ali Moss"] * 2 + ["Kim Park"] * 2

    async def test_whoever_is_named_gets_all_of_it_and_whoever_was_and_left_none(self, floor: Floor) -> None:
        for person in (ALI, SAM):
            await floor.operator(person)
        await floor.policy(QueuePolicy(SAM.id))
        await waiting(floor, 2)
        floor.clock.advance(8 * HOUR)
        await escalated(floor)
        assert {item.owner_name for item in await floor.exceptions(is_open=True)} == {"Sam Reed"}
        await left(floor, SAM)
        await escalated(floor)
        assert {item.owner_name for item in await floor.exceptions(is_open=True)} == {"Ali Moss"}


class TestWhoLeft:
    async def test_is_followed_at_once_by_who_stands_by(self, floor: Floor) -> None:
        for person in (ALI, KIM):
            await floor.operator(person)
        [item] = await waiting(floor)
        await claimed(floor, item, ALI)
        await left(floor, ALI)
        floor.clock.advance(HOUR)
        await escalated(floor)
        await escalated(floor)
        kept = await floor.only_exception()
        assert (kept.owner_id, kept.owner_name, kept.owned_since) == (KIM.id, "Kim Park", NOW + HOUR)
        assert await given_on(floor) == [("hand_over_exception", "Ali Moss", "Kim Park", "owner_left")]

    async def test_may_be_somebody_who_is_there_and_may_not_work_on_leads_any_more(self, floor: Floor) -> None:
        for person in (ALI, KIM):
            await floor.operator(person)
        [item] = await waiting(floor)
        await claimed(floor, item, ALI)
        await left(floor, ALI, is_active=True, capabilities=("read_ops",))
        await escalated(floor)
        assert (await floor.only_exception()).owner_name == "Kim Park"

    async def test_leaves_to_nobody_what_nobody_else_may_own_and_that_escalates_anew(
        self, floor: Floor, clock: FixedClock
    ) -> None:
        await floor.operator(ALI)
        [item] = await waiting(floor)
        await claimed(floor, item, ALI)
        clock.advance(30 * HOUR)
        await escalated(floor)
        await left(floor, ALI)
        await escalated(floor)
        kept = await floor.only_exception()
        assert (kept.owner_id, kept.escalated_at, kept.escalate_at) == (None, None, clock.now() + 8 * HOUR)
        assert await given_on(floor) == [("unassign_exception", "Ali Moss", None, "owner_left")]

    async def test_is_not_somebody_of_whom_nothing_was_told_yet(self, floor: Floor) -> None:
        await floor.operator(KIM)
        [item] = await waiting(floor)
        await claimed(floor, item, Person(new_id(), "Robin Field"))
        await escalated(floor)
        assert (await floor.only_exception()).owner_name == "Robin Field"

    async def test_keeps_what_was_settled_while_it_was_theirs(self, floor: Floor) -> None:
        for person in (ALI, KIM):
            await floor.operator(person)
        [item] = await waiting(floor)
        await claimed(floor, item, ALI)
        await floor.rows_changed(
            "UPDATE dispatch_exceptions SET resolved_at = raised_at, resolution = 'retried', resolved_by = 'system'"
        )
        await left(floor, ALI)
        await escalated(floor)
        assert [kept.owner_name for kept in await floor.exceptions()] == ["Ali Moss"]
