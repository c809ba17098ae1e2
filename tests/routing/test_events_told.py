"""What operators and the system do at an installer, an exception or a policy, and what each tells the others of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.causation import Cause
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from contracts.routing import (
    DispatchExceptionOwnerChanged,
    DispatchExceptionSnoozed,
    InstallerBreakerMoved,
    InstallerChanged,
    PolicyChange,
    RoutingPolicyChanged,
)
from contracts.values import AustralianState, InstallerStatus
from services.routing.commands.auto_dispatch import SwitchAutoDispatch, switch_auto_dispatch
from services.routing.commands.channels import Try, note_tries
from services.routing.commands.endpoints import CloseBreaker, SetChannel, close_breaker, set_channel
from services.routing.commands.hours import SetHours, SetShareWeight, set_hours, set_share_weight
from services.routing.commands.installers import (
    ChangeStatus,
    change_particulars,
    change_status,
    set_caps,
    set_territory,
)
from services.routing.commands.owning import (
    ClaimException,
    HandOverException,
    UnassignException,
    claim_exception,
    hand_over_exception,
    unassign_exception,
)
from services.routing.commands.policies import SetPolicy, set_policy
from services.routing.commands.snoozing import SnoozeException, WakeException, snooze_exception, wake_exception
from services.routing.domain.policies import DEFAULT_CARE, OrderingPolicy, OverQuota, QueuePolicy, ReturnsPolicy
from services.routing.domain.states import BreakerState, Channel, DeliveryStep, ExceptionReason
from services.routing.domain.windows import Limits
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, Floor, Person, lead, postcodes

SAM = Person(new_id(), "Sam Reed")
HOUR = timedelta(hours=1)


async def done(floor: Floor, command: Any, *given: Any, **named: Any) -> None:
    async with floor.database.transaction() as session:
        await command(session, *given, **named)


async def versions(floor: Floor) -> list[int]:
    """Of the one lead that there is."""
    return [version for version, event in await floor.published() if event.type.startswith("dispatch.")]


class TestAnException:
    async def test_tells_whose_it_is_with_each_deed_that_changes_it(self, floor: Floor) -> None:
        await floor.operator(SAM)
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        item = (await floor.only_exception()).id
        for _ in range(2):
            await done(floor, claim_exception, ClaimException(item, ROBIN), NOW)
        await done(floor, hand_over_exception, HandOverException(item, SAM.id, "I am away", ROBIN), NOW + HOUR)
        await done(floor, unassign_exception, UnassignException(item, None, ROBIN), NOW + 2 * HOUR)
        told = await floor.events(DispatchExceptionOwnerChanged.type)
        assert told == [
            DispatchExceptionOwnerChanged(
                lead_id=arrived.lead_id, exception_id=item, owner_id=id_, owner_name=name, changed_at=NOW + hours * HOUR
            )
            for hours, id_, name in ((0, ROBIN.id, "Robin Field"), (1, SAM.id, "Sam Reed"), (2, None, None))
        ]
        assert await versions(floor) == list(range(1, 6))

    async def test_tells_until_when_it_sleeps_and_that_it_woke(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        item = (await floor.only_exception()).id
        for _ in range(2):
            await done(floor, snooze_exception, SnoozeException(item, NOW + HOUR, "rings back", ROBIN), NOW)
        for _ in range(2):
            await done(floor, wake_exception, WakeException(item, ROBIN), NOW)
        assert await floor.events(DispatchExceptionSnoozed.type) == [
            DispatchExceptionSnoozed(lead_id=arrived.lead_id, exception_id=item, snoozed_until=until, changed_at=NOW)
            for until in (NOW + HOUR, None)
        ]
        assert await floor.events(DispatchExceptionOwnerChanged.type) == [
            DispatchExceptionOwnerChanged(
                lead_id=arrived.lead_id,
                exception_id=item,
                owner_id=ROBIN.id,
                owner_name="Robin Field",
                changed_at=NOW,
            )
        ]
        assert await versions(floor) == list(range(1, 6))


class TestAnInstaller:
    async def test_names_what_was_changed_of_it(self, floor: Floor) -> None:
        id_ = await floor.installer()
        await done(floor, change_particulars, id_, {"name": "Sun and Co", "services": ("roofing",)}, ROBIN, NOW)
        await done(floor, set_caps, id_, Limits(day=3), ROBIN, NOW)
        await done(floor, set_territory, id_, postcodes("2204"), ROBIN, NOW)
        await done(floor, set_hours, SetHours(id_, None, AustralianState.NSW, True, ROBIN), NOW)
        await done(floor, set_share_weight, SetShareWeight(id_, 5, ROBIN), NOW)
        await done(floor, change_status, ChangeStatus(id_, InstallerStatus.PAUSED, "holiday", ROBIN), NOW)
        named = [
            event.changed for event in await floor.events(InstallerChanged.type) if isinstance(event, InstallerChanged)
        ]
        assert named == [
            (),
            ("name", "services"),
            ("limits",),
            ("territory",),
            ("hours",),
            ("share_weight",),
            ("status",),
        ]

    async def test_has_in_its_history_that_its_breaker_opened_and_closed(self, floor: Floor) -> None:
        id_ = await floor.installer()
        made = await given(floor)
        await tried(floor, [id_], made, [DeliveryStep.FAILED] * 4)
        floor.clock.advance(HOUR)
        await tried(floor, [id_], made, [DeliveryStep.FAILED, DeliveryStep.FAILED])
        floor.clock.advance(2 * HOUR)
        await tried(floor, [id_], made, [DeliveryStep.ACCEPTED])
        kept = await floor.rows(
            "SELECT action, before->>'mail_breaker' AS was, after->>'mail_breaker' AS became, reason_code "
            "FROM audit_entries WHERE subject_id = :id AND actor_name = 'system' ORDER BY id",
            id=str(id_),
        )
        assert [tuple(row.values()) for row in kept] == [
            ("open_breaker", "closed", "open", "mailbox_full"),
            ("close_breaker", "open", "closed", None),
        ]


class TestABreaker:
    async def test_tells_each_move_and_what_moved_it(self, floor: Floor) -> None:
        id_ = await floor.installer()
        made = await given(floor)
        await tried(floor, [id_], made, [DeliveryStep.FAILED] * 3)
        floor.clock.advance(HOUR)
        await tried(floor, [id_], made, [DeliveryStep.FAILED, DeliveryStep.ACCEPTED])
        endpoint = await endpoint_of(floor, id_)
        of_it: dict[str, Any] = {"endpoint_id": endpoint["id"], "installer_id": id_, "channel": "mail"}
        opened = {"before": "closed", "after": "open", "failures_in_row": 3, "opens": 1, "reason_code": "mailbox_full"}
        closed = {"before": "open", "after": "closed", "failures_in_row": 0, "opens": 0}
        assert await floor.published(InstallerBreakerMoved.type) == [
            (1, InstallerBreakerMoved(**of_it, **opened, probe_at=NOW + HOUR / 2, moved_at=NOW)),
            (2, InstallerBreakerMoved(**of_it, **closed, moved_at=NOW + HOUR)),
        ]
        assert endpoint["version"] == 2
        kept = await floor.rows("SELECT headers FROM outbox WHERE topic = 'routing.channels'")
        assert {dict(unpack_headers(row["headers"]))["ce_causationid"] for row in kept} == {b"a mail"}

    async def test_tells_who_closed_it(self, floor: Floor) -> None:
        id_ = await floor.installer()
        opened: dict[str, Any] = {
            "breaker": BreakerState.OPEN,
            "failures_in_row": 5,
            "opens": 1,
            "opened_at": NOW,
            "probe_at": NOW,
        }
        await floor.endpoint(id_, **opened)
        await done(floor, close_breaker, CloseBreaker(id_, Channel.WEBHOOK, "It is up", ROBIN), NOW)
        await floor.rows_changed(
            "UPDATE delivery_endpoints SET breaker = 'half_open', failures_in_row = 5 WHERE installer_id = :id", id=id_
        )
        for address in ("https://other.example/leads", "https://another.example/leads"):
            await done(floor, set_channel, SetChannel(id_, Channel.WEBHOOK, address, "They moved", ROBIN), NOW)
        told = [
            (version, event.before, event.after, event.moved_by_id, event.moved_by_name)
            for version, event in await floor.published(InstallerBreakerMoved.type)
            if isinstance(event, InstallerBreakerMoved)
        ]
        assert told == [
            (1, "open", "closed", ROBIN.id, ROBIN.name),
            (2, "half_open", "closed", ROBIN.id, ROBIN.name),
        ]

    async def test_costs_the_same_statements_as_many_that_move_with_it(self, floor: Floor) -> None:
        many = await floor.installers(8)
        made = await given(floor)
        with floor.statements() as for_one:
            await tried(floor, many[:1], made, [DeliveryStep.FAILED] * 3)
        with floor.statements() as for_all:
            await tried(floor, many[1:], made, [DeliveryStep.FAILED] * 3)
        assert len(for_all) == len(for_one)
        assert len(await floor.events(InstallerBreakerMoved.type)) == len(many)


class TestAPolicy:
    async def test_tells_who_declared_what(self, floor: Floor) -> None:
        kinds = dict(DEFAULT_CARE) | {
            ExceptionReason.RETURNED: replace(DEFAULT_CARE[ExceptionReason.RETURNED], budget=3)
        }
        await floor.operator(SAM)
        for policy in (
            OrderingPolicy(most_owed_leads=4),
            OrderingPolicy(most_owed_leads=4),
            QueuePolicy(SAM.id, kinds),
            ReturnsPolicy(quota_percent=10, over_quota=OverQuota.DENY),
            OrderingPolicy(most_owed_leads=5),
        ):
            await done(floor, set_policy, SetPolicy(policy, "busier", ROBIN), NOW)
        assert await floor.published(RoutingPolicyChanged.type) == [
            declared("ordering", 2, ("most_owed_leads", 3, 4)),
            declared("queue", 2, ("fallback_owner_id", None, str(SAM.id)), ("kinds.returned.budget", 0, 3)),
            declared("returns", 2, ("over_quota", "ask", "deny"), ("quota_percent", 15, 10)),
            declared("ordering", 3, ("most_owed_leads", 4, 5)),
        ]

    async def test_tells_of_the_switch_alike(self, floor: Floor) -> None:
        for is_on in (False, False, True):
            await done(floor, switch_auto_dispatch, SwitchAutoDispatch(is_on, "storm", ROBIN), NOW)
        assert await floor.published(RoutingPolicyChanged.type) == [
            declared("auto_dispatch", 2, ("is_enabled", True, False)),
            declared("auto_dispatch", 3, ("is_enabled", False, True)),
        ]
        rows = await floor.rows("SELECT topic, convert_from(key, 'utf8') AS key, body FROM outbox ORDER BY id LIMIT 1")
        assert (rows[0]["topic"], rows[0]["key"]) == ("routing.policies", "auto_dispatch")
        assert b"storm" not in rows[0]["body"]


def declared(policy: str, version: int, *changes: tuple[str, Any, Any]) -> tuple[int, RoutingPolicyChanged]:
    told = tuple(PolicyChange(name=name, before=before, after=after) for name, before, after in changes)
    by = {"changed_by_id": ROBIN.id, "changed_by_name": ROBIN.name}
    return version, RoutingPolicyChanged(policy=policy, version=version, changes=told, changed_at=NOW, **by)


async def given(floor: Floor) -> UUID:
    """An assignment, by which tries stand in the log."""
    await floor.dispatch(lead())
    return (await floor.only_assignment()).id


async def tried(floor: Floor, installer_ids: Sequence[UUID], made: UUID, steps: Sequence[DeliveryStep]) -> None:
    now, cause = floor.clock.now(), Cause("a request", "a mail")
    tries = [
        Try(
            made,
            installer_id,
            Channel.MAIL,
            step,
            now,
            None if step is DeliveryStep.ACCEPTED else "mailbox_full",
            cause=cause,
        )
        for installer_id in installer_ids
        for step in steps
    ]
    await done(floor, note_tries, tries, now)


async def endpoint_of(floor: Floor, installer_id: UUID) -> dict[str, Any]:
    [found] = await floor.rows("SELECT * FROM delivery_endpoints WHERE installer_id = :id", id=installer_id)
    return found
